#!/usr/bin/env bash
# Lets clang-tidy look through the general library, the datasets and the examples of models of one's own, and through
# the headers that they include. Left out are the kernels: their intrinsics take it minutes.
#   usage: scripts/check-tidy.sh [PRESET]      of a build that is configured; default: release
set -Eeuo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

build=build/${1:-release}
[ -f "$build/compile_commands.json" ] || {
  echo "check-tidy.sh: there is no $build/compile_commands.json; cmake --preset ${1:-release} writes it." >&2
  exit 1
}
git ls-files -z 'autograd/*.cpp' ':!autograd/kernels' 'files/*.cpp' 'train/*.cpp' 'datasets/*.cpp' 'examples/own_*.cpp' |
  xargs -0 -P "$(nproc)" -n 1 clang-tidy -p "$build" --quiet --warnings-as-errors='*'
