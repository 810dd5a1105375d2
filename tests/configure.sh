#!/usr/bin/env bash
# A row of a list without its files stops configuring, with the name of the file that is missing. Runs the part that
# checks, cmake/ops.cmake, on a copy of the files it reads. configure.sh SOURCE CMAKE
set -u
source=$1 cmake=$2
problems=0
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
mkdir -p "$tree/tests" "$tree/include" "$tree/vulkan" "$tree/opencl"
cp -r "$source/cmake" "$source/core" "$source/cpu" "$source/reference" "$source/shaders" "$tree"
cp -r "$source/include/rewind" "$tree/include"
cp -r "$source/tests/ops" "$source/tests/cases" "$tree/tests"
touch "$tree/vulkan/CMakeLists.txt" "$tree/opencl/CMakeLists.txt"

printf 'cmake_minimum_required(VERSION 3.25)\ninclude(cmake/ops.cmake)\n' >"$tree/configure.cmake"

configure() {
    said=$(cd "$tree" && "$cmake" -DPROJECT_SOURCE_DIR="$tree" -DPROJECT_BINARY_DIR="$tree/build" -DREWIND_CPU=ON \
        -DREWIND_VULKAN=ON -DREWIND_OPENCL=OFF -P configure.cmake 2>&1)
}
stops() { # stops WHAT TEXT...: configuring fails and says each TEXT
    local what=$1 text
    shift
    if configure; then
        echo "$what: configured"
        problems=$((problems + 1))
    fi
    for text; do
        grep -qF -e "$text" <<<"$said" && continue
        echo "$what: expected '$text' in:"
        echo "$said"
        problems=$((problems + 1))
    done
}

configure || { echo "the tree as it is: $said"; exit 1; }
for file in include/rewind/ops/l2_norm.h core/ops/l2_norm.cpp reference/l2_norm.cpp cpu/l2_norm.cpp shaders/l2_norm.comp \
    shaders/l2_norm.cl shaders/l2_norm.kernels tests/ops/l2_norm.cpp tests/cases/l2_norm.{smoke,ci,all,perf} \
    shaders/gated_delta_net_chunk.comp shaders/gated_delta_net_basic.cl shaders/load.glsl shaders/rw.clh; do
    mv "$tree/$file" "$tree/held"
    stops "without $file" "$file"
    mv "$tree/held" "$tree/$file"
done
cp "$tree/include/rewind/ops.def" "$tree/held"
printf 'REWIND_OP(NEW_OP,\n    new_op, REWIND_IN(x, 4, F32), REWIND_OUT(out, 4, F32), REWIND_NUMBER(eps, 1e-6))\n' \
    >>"$tree/include/rewind/ops.def"
stops "a new op" "docs/add-an-op.md" include/rewind/ops/new_op.h core/ops/new_op.cpp reference/new_op.cpp cpu/new_op.cpp \
    shaders/new_op.{comp,cl,kernels} tests/ops/new_op.cpp tests/cases/new_op.{smoke,ci,all,perf}
cp "$tree/held" "$tree/include/rewind/ops.def"
mv "$tree/vulkan/CMakeLists.txt" "$tree/held"
stops "a backend without its folder" "vulkan/CMakeLists.txt"
mv "$tree/held" "$tree/vulkan/CMakeLists.txt"
echo "REWIND_BACKEND(abacus)" >>"$tree/core/backends.def"
stops "a backend without an option" "REWIND_ABACUS" "docs/add-a-backend.md"

# A oneDNN whose threads cannot be kept from starting is left out, whatever says so.
onednn() { # onednn WORDS DEFINITION: what is said of a oneDNN whose header has it
    mkdir -p "$tree/onednn/oneapi/dnnl"
    printf '#define DNNL_RUNTIME_TBB 4u\n%s\n#define DNNL_CPU_RUNTIME DNNL_RUNTIME_OMP\n' "$2" \
        >"$tree/onednn/oneapi/dnnl/dnnl_config.h"
    printf 'include(cmake/onednn.cmake)\nmessage("missing: ${REWIND_ONEDNN_MISSING};")\n' >"$tree/onednn.cmake"
    said=$(cd "$tree" && "$cmake" -DREWIND_ONEDNN_HEADERS="$tree/onednn" -DREWIND_ONEDNN_LIBRARY=libdnnl.so -P onednn.cmake 2>&1)
    grep -qE -e "missing: $1;" <<<"$said" && return
    echo "oneDNN with '$2': expected 'missing: $1' in: $said"
    problems=$((problems + 1))
}
onednn "" "#define DNNL_CPU_THREADING_RUNTIME DNNL_RUNTIME_OMP"
onednn "" "#define DNNL_CPU_THREADING_RUNTIME  DNNL_RUNTIME_SEQ"
onednn ".*another kind than OpenMP's \(TBB\)" "#define DNNL_CPU_THREADING_RUNTIME DNNL_RUNTIME_TBB"
onednn ".*another kind than OpenMP's \(THREADPOOL\)" "#define DNNL_CPU_THREADING_RUNTIME DNNL_RUNTIME_THREADPOOL"
onednn ".*another kind than OpenMP's \(\)" "// nothing"

[ "$problems" = 0 ] && echo "every missing file is named"
exit $((problems > 0))
