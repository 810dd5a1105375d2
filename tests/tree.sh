#!/usr/bin/env bash
# What holds for the whole tree: who may include whom, how long a file may be, no switch over ops, no file that knows all
# of them, commit subjects.
# tests/tree.sh ROOT
set -u
cd "$1" || exit 1
problems=0
complain() { echo "tree: $*"; problems=$((problems + 1)); }

forbid() {  # forbid FOLDER OTHER...: no file of FOLDER includes one of OTHER
    local folder=$1 others hit
    shift
    others=$(IFS='|'; echo "$*")
    [ -d "$folder" ] || return 0
    while read -r hit; do complain "$hit"; done < <(
        grep -rnE "^#include [<\"]($others)/" "$folder" --include=*.h --include=*.hpp --include=*.cpp)
}
products="runtime tools tests bench"
# shellcheck disable=SC2086
{
    forbid include core reference cpu vulkan opencl $products
    forbid core reference cpu vulkan opencl $products
    forbid reference core cpu vulkan opencl $products
    forbid cpu reference vulkan opencl $products
    forbid vulkan reference cpu opencl $products
    forbid opencl reference cpu vulkan $products
    forbid runtime reference cpu vulkan opencl tools tests bench
    forbid tools cpu vulkan opencl bench tests/self tests/properties tests/support tests/ops tests/core
    forbid bench cpu vulkan opencl tests/self tests/properties tests/support tests/ops tests/core
}

while read -r file; do
    lines=$(wc -l <"$file")
    [ "$lines" -le 800 ] || complain "$file has $lines lines; 800 is the most"
done < <(find CMakeLists.txt cmake include core reference cpu vulkan opencl shaders tests tools bench runtime -type f \
    \( -name '*.h' -o -name '*.hpp' -o -name '*.cpp' -o -name '*.comp' -o -name '*.cl' -o -name '*.clh' -o -name '*.glsl' \
    -o -name '*.cmake' -o -name '*.sh' -o -name CMakeLists.txt \) 2>/dev/null)

while read -r hit; do complain "$hit: a switch over ops"; done < <(
    grep -rnE "switch *\( *(op|op_id|call\.op|op\.id) *\)" core cpu vulkan opencl tools tests --include=*.cpp --include=*.h)

# Files and the ops that they name, by macro or by stem; one that has them all is a list beside ops.def.
mapfile -t stems < <(sed -nE 's/^REWIND_OP\([A-Z0-9_]+, *([a-z0-9_]+),.*/\1/p' include/rewind/ops.def)
[ "${#stems[@]}" -gt 0 ] || complain "include/rewind/ops.def: no rows were found"
while read -r count file; do
    [ "$count" -lt "${#stems[@]}" ] || complain "$file names every op; include/rewind/ops.def is the list"
done < <(for stem in "${stems[@]}"; do
    grep -rliw -e "$stem" include core reference cpu vulkan opencl tests tools bench runtime cmake CMakeLists.txt \
        --include=*.h --include=*.hpp --include=*.cpp --include=*.cmake --include=CMakeLists.txt --include=*.sh
done | sort | uniq -c)

if [ -d .git ] || [ -f .git ]; then  # `scope: imperative`, at most 72 characters
    while read -r subject; do
        case "$subject" in Merge\ *) continue ;; esac
        [ "${#subject}" -le 72 ] || complain "commit subject of ${#subject} characters: $subject"
        grep -qE '^[a-z0-9_./,-]+(: [a-z0-9_./-]+)*: .' <<<"$subject" || complain "commit subject without a scope: $subject"
    done < <(git log --format=%s 2>/dev/null)
fi
[ "$problems" = 0 ] && echo "tree: includes, file lengths, op lists and commit subjects are in order"
exit $((problems > 0))
