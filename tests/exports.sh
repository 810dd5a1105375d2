#!/usr/bin/env bash
# A shared library shows its C interface, the names that rewind.hpp declares, and what the C++ library puts everywhere.
# exports.sh LIBRARY
set -u
strange=$(nm -D --defined-only "$1" | awk '{print $3}' |
    grep -vE '^rw_[a-z_]+$|^_ZN2rw(7name_ofENS_|10type_namedE)|^_Z(St|NSt|NKSt|TISt|TSSt|TVSt|TINSt|TSNSt|TVNSt|GVNSt|ZNSt|ZNKSt|N9__gnu_cxx)')
[ -z "$strange" ] || { echo "exports: $1 also shows:" && c++filt <<<"$strange"; exit 1; }
nm -D --defined-only "$1" | grep -q ' rw_version$' || { echo "exports: $1 does not show rw_version"; exit 1; }
