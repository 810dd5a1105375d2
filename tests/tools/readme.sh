#!/usr/bin/env bash
# The op x backend table of the README is what the program prints: readme.sh PROGRAM README [--update]
set -euo pipefail
program=$1 readme=$2
begin='<!-- ops:begin (generated: rewind ops list --markdown) -->' end='<!-- ops:end -->'
grep -qxF -e "$begin" "$readme" && grep -qxF -e "$end" "$readme" || {
    echo "$readme lacks the lines '$begin' and '$end' round its op table"
    exit 1
}
table=$("$program" ops list --markdown)
updated=$(awk -v begin="$begin" -v end="$end" -v table="$table" '
    $0 == end { inside = 0 }
    !inside { print }
    $0 == begin { inside = 1; print table }' "$readme")
if [ "${3:-}" = --update ]; then
    printf '%s\n' "$updated" >"$readme"
elif ! diff <(printf '%s\n' "$updated") "$readme"; then
    echo "The op table of the README is not current. Type: $0 $program $readme --update"
    exit 1
fi
