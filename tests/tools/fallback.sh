#!/usr/bin/env bash
# A GPU kernel that is wrong on the device it runs on: the self-test drops it, the next implementation takes over, and
# the program says why. fallback.sh PROGRAM SHADERS. Backends without a device are left out.
set -u
program=$1 shaders=$2
problems=0
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export XDG_CACHE_HOME=$folder/cache
unset REWIND_SELFTEST REWIND_TUNE

# The best implementation of L2_NORM is now one that compiles, runs and writes nonsense.
{
    printf '[opencl:planted]\npass planted.cl KERNEL=planted\nlocal 1\ngrid 1\n'
    printf '[vulkan:planted]\npass planted.comp\nlocal 1\ngrid 1\n'
    cat "$shaders/l2_norm.kernels"
} >"$folder/l2_norm.kernels"
cat >"$folder/planted.cl" <<'KERNEL'
#include "rw.clh"
#include "rewind/ops/l2_norm.h"
#include "l2_norm_args.h"
__kernel void planted(RW_KERNEL_ARGS, int t0, int t1) { RW_PTR(float, out)[0] = 3.0f; }
KERNEL
cat >"$folder/planted.comp" <<'KERNEL'
#version 450
#include "l2_norm_args.h"
layout(local_size_x_id = 0) in;
layout(std430, binding = RW_BIND_out) buffer Out { float at[]; };
void main() { at[0] = 3.0; }
KERNEL
printf '\x93NUMPY\x01\x00\x76\x00%-117s\n' "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1, 1, 2), }" >"$folder/x.npy"
printf '\x00\x00\x40\x40\x00\x00\x80\x40' >>"$folder/x.npy"  # 3, 4

says() { # says TEXT: the last output has it
    grep -qE -e "$1" <<<"$said" || { echo "$backend: expected '$1' in:"; echo "$said"; problems=$((problems + 1)); }
}
for backend in opencl vulkan; do
    if ! "$program" devices | grep -q "^$backend:0"; then
        echo "no $backend device: left out"
        continue
    fi
    said=$(REWIND_KERNEL_DIR=$folder "$program" ops explain L2_NORM --backend $backend 2>&1)
    says "warning: $backend:0: $backend:planted for L2_NORM is wrong on this device and will not be used \(.*NMSE"
    says "$backend:planted +failed its self-test on this device"
    says "$backend:[a-z_]+ +TAKEN"
    said=$(REWIND_KERNEL_DIR=$folder "$program" ops eval L2_NORM --backend $backend --in "x=$folder/x.npy" \
        --out "$folder/$backend" 2>&1; od -An -tf4 "$folder/$backend/out.npy" | tail -1)
    says "^$backend:0 $backend:[a-z_]+"
    says "0\.6 +0\.8"
    said=$(REWIND_KERNEL_DIR=$folder "$program" ops eval L2_NORM --backend $backend --impl $backend:planted \
        --in "x=$folder/x.npy" --out "$folder/$backend" 2>&1)
    says "$backend:planted: failed its self-test"  # not even when asked for by name
    said=$(REWIND_SELFTEST=0 REWIND_KERNEL_DIR=$folder "$program" ops explain L2_NORM --backend $backend 2>&1)
    says "$backend:planted +TAKEN"
    said=$(REWIND_KERNEL_DIR=$folder/no "$program" ops explain L2_NORM --backend $backend 2>&1)
    says "REWIND_KERNEL_DIR=$folder/no: is not a folder"
    said=$(REWIND_TUNE=$backend:nosuch.COLS=4 "$program" ops explain L2_NORM --backend $backend 2>&1)
    says "REWIND_TUNE: '$backend:nosuch.COLS=4': no op has a row"
    said=$(REWIND_VERBOSE=dispach "$program" ops explain L2_NORM --backend $backend 2>&1)
    says "warning: REWIND_VERBOSE=dispach: no topic 'dispach'"
    mkdir -p "$folder/mistyped"  # the compiler names the file and the line that the mistake is in
    cp "$folder"/* "$folder/mistyped" 2>/dev/null
    sed -i 's/3\.0/three/' "$folder/mistyped/planted.cl" "$folder/mistyped/planted.comp"
    said=$(REWIND_KERNEL_DIR=$folder/mistyped "$program" ops explain L2_NORM --backend $backend 2>&1)
    says "planted.c(l:4|omp:5):"
    said=$("$program" ops explain L2_NORM --backend $backend 2>&1)
    says "TAKEN"
    if grep -q "failed" <<<"$said"; then
        echo "$backend: the verdict on an edited kernel was kept:"
        echo "$said"
        problems=$((problems + 1))
    fi
done
[ "$problems" = 0 ] && echo "a wrong kernel is dropped, named, and replaced"
exit $((problems > 0))
