#!/usr/bin/env bash
# Every verb's page: examples, exit status, and no example with an option that the verb does not have. help.sh PROGRAM
set -u
program=$1
problems=0

# verbs PREFIX...: those that the page lists
verbs() { "$program" "$@" --help | sed -n '/^Subcommands:/,/^$/s/^  \([a-z]\+\) .*/\1/p'; }

page() { # page VERB...
    local text options word line
    text=$("$program" "$@" --help) || { echo "rewind $*: --help failed"; problems=$((problems + 1)); return; }
    for part in Examples "Exit status"; do
        grep -q "^$part:" <<<"$text" || { echo "rewind $*: its page has no part '$part'"; problems=$((problems + 1)); }
    done
    options=$(sed '/^Examples:/,$d' <<<"$text")
    while read -r line; do
        for word in $(sed 's/"[^"]*"//g; s/|.*//' <<<"$line" | grep -oE -e ' --?[a-z][a-z-]*'); do
            grep -qE -e "(^| |,)$word([ ,]|$)" <<<"$options" ||
                { echo "rewind $*: the example '$line' has $word, which its options do not"; problems=$((problems + 1)); }
        done
    done < <(sed -n '/^Examples:/,/^$/p' <<<"$text" | grep -E "^  rewind $* ")
}

count=0
for verb in $(verbs); do
    inner=$(verbs "$verb")
    if [ -z "$inner" ]; then page "$verb"; count=$((count + 1)); fi
    for each in $inner; do page "$verb" "$each"; count=$((count + 1)); done
done
[ "$count" -ge 8 ] || { echo "only $count verbs were found"; problems=$((problems + 1)); }
[ "$problems" = 0 ] && echo "the pages of $count verbs are in order"
exit $((problems > 0))
