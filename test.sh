#!/usr/bin/env bash
# Installs what is missing, builds everything and runs every test.
#   usage: ./test.sh [PRESET [CTEST OPTIONS…]]      default: release; the others are in CMakePresets.json
set -Eeuo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

preset=${1:-release}
[ $# -eq 0 ] || shift

step=""
advice=""
trap 'printf "\ntest.sh stopped at step %s.\n%s\n" "$step" "$advice" >&2' ERR
begin() { # begin STEP ADVICE: the advice is given if the step fails
  step=$1
  advice=$2
  printf '\n== %s\n' "$step"
}

begin "1/3 Installing what is missing" "Do what is said above, then run ./test.sh again."
scripts/install-deps.sh test

begin "2/3 Building qkv and its tests ($preset)" \
  "The first error above says why. After a change of the system, remove build/$preset and try again."
cmake --preset "$preset" -DQKV_TESTS=ON
cmake --build --preset "$preset"

begin "3/3 Testing ($preset)" \
  "The tests that failed are named above. One of them alone: ctest --preset $preset -R NAME"
ctest --preset "$preset" -j2 --no-tests=error "$@"
