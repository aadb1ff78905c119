#!/usr/bin/env bash
# Lets libFuzzer look for inputs that the program's parsers cannot take, under the sanitizers, beginning with
# tests/fuzz/corpus. Needs clang++ with libFuzzer (Debian: clang and libclang-rt-dev).
#   usage: scripts/fuzz.sh [SECONDS [TARGET…]]      default: 10 seconds for each of the targets
# An input that finds a fault is left in build/fuzz/found; once the fault is repaired, it belongs into the corpus.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

seconds=${1:-10}
shift || true
targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
  for source in tests/fuzz/corpus/*/; do targets+=("$(basename "$source")"); done
fi

# The newest clang++ that can link libFuzzer.
compiler=
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
echo 'extern "C" int LLVMFuzzerTestOneInput(const unsigned char*, unsigned long) { return 0; }' >"$scratch/empty.cpp"
for candidate in clang++ clang++-{20,19,18,17,16,15,14}; do
  if command -v "$candidate" >/dev/null &&
    "$candidate" -fsanitize=fuzzer,address,undefined "$scratch/empty.cpp" -o "$scratch/empty" 2>/dev/null; then
    compiler=$candidate
    break
  fi
done
if [ -z "$compiler" ]; then
  echo "fuzz.sh: there is no clang++ that comes with libFuzzer; the tests named Fuzz replay the corpus without it." >&2
  exit 3
fi

cmake --preset fuzz -DCMAKE_CXX_COMPILER="$compiler" >/dev/null
cmake --build --preset fuzz --target "${targets[@]/#/fuzz_}"
mkdir -p build/fuzz/found
export ASAN_OPTIONS=quarantine_size_mb=16  # less memory is kept from being used again, which is faster
for target in "${targets[@]}"; do
  printf '\n== Fuzzing %s for %s seconds\n' "$target" "$seconds"
  mkdir -p "build/fuzz/inputs/$target"
  if ! "build/fuzz/tests/fuzz_$target" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=1024 -max_len=65536 \
    -dict=tests/fuzz/words.dict -print_final_stats=1 -artifact_prefix="build/fuzz/found/$target-" \
    "build/fuzz/inputs/$target" "tests/fuzz/corpus/$target" >"$scratch/log" 2>&1; then
    tail -n 60 "$scratch/log" >&2
    echo "fuzz.sh: $target found a fault; its input is in build/fuzz/found" >&2
    exit 1
  fi
  grep -E '^(Done|stat::number_of_executed_units|stat::peak_rss_mb)' "$scratch/log"
done
