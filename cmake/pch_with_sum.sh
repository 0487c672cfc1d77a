#!/bin/sh
# The compiler's launcher for precompiled headers: compiles, then writes OUT.pch.sum, the check sum of what the header
# says once it is preprocessed. ccache takes that for the header (CCACHE_PCH_EXTSUM), since the header itself has the
# paths of its folder in it, and so every clone would compile everything again.
set -eu
"$@"

out=
previous=
count=$#
for word in "$@"; do
  case $previous$word in -o*.pch) out=$word ;; esac
  previous=$word
done
[ -n "$out" ] || exit 0

# The same command without what makes it write files: -o, the dependencies, and -Xclang -emit-pch.
skip=0
pending=
while [ "$count" -gt 0 ]; do
  word=$1
  shift
  count=$((count - 1))
  if [ "$skip" = 1 ]; then skip=0; continue; fi
  case $word in
    -o | -MT | -MF) skip=1 ;;
    -MD) ;;
    -emit-pch) pending= ;;
    -Xclang) pending=$word ;;
    *)
      [ -z "$pending" ] || set -- "$@" "$pending"
      pending=
      set -- "$@" "$word"
      ;;
  esac
done
{ "$1" --version && "$@" -E -P; } | sha256sum >"$out.sum"
