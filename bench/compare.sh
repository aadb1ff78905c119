#!/usr/bin/env bash
# Times qkv's training step against the same step in PyTorch and JAX, alternately, and prints the fractions.
#   usage: bench/compare.sh [SECONDS]      default: 5 for each program and configuration, in each of three rounds
# Needs a build (build/release/qkv) and a Python with torch and jax[cpu]; PYTHON names it if it is not python3.
set -Eeuo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE

seconds=${1:-5}
python=${PYTHON:-python3}
qkv=../build/release/qkv
workers=2
[ -x "$qkv" ] || { echo "compare.sh: there is no build/release/qkv; run ./run.sh first" >&2; exit 1; }
"$python" -c 'import torch, jax' || { echo "compare.sh: $python has no torch or jax; set PYTHON" >&2; exit 1; }

results=$(mktemp)
trap 'rm -f "$results"' EXIT
qkv_ms() { "$qkv" bench "$1" --workers "$workers" --seconds "$seconds" --json | "$python" -c 'import json, sys; print(json.load(sys.stdin)[0]["median_ms"])'; }
torch_ms() { (cd peers && "$python" torch_step.py "$1" eager "$workers" "$seconds" 2>/dev/null) | cut -d" " -f4; }
torch_gru_ms() { (cd peers && "$python" torch_rnn_step.py attention "$workers" "$seconds" 2>/dev/null) | cut -d" " -f3; }
jax_ms() { (cd peers && "$python" jax_step.py "$1" "$seconds" 2>/dev/null) | cut -d" " -f4; }

for round in 1 2 3; do
  for config in micro toy small multi30k base gru; do
    echo "round $round: $config" >&2
    echo "$config qkv $(qkv_ms "$config")" >> "$results"
    if [ "$config" = gru ]; then
      echo "$config PyTorch $(torch_gru_ms)" >> "$results"
    else
      echo "$config PyTorch $(torch_ms "$config")" >> "$results"
      echo "$config JAX $(jax_ms "$config")" >> "$results"
    fi
  done
done

grep -m1 'model name' /proc/cpuinfo | sed 's/.*: /processor: /'
"$python" - "$results" <<'PYTHON'
import statistics
import sys

times: dict[str, dict[str, list[float]]] = {}
for line in open(sys.argv[1]):
    config, program, milliseconds = line.split()
    times.setdefault(config, {}).setdefault(program, []).append(float(milliseconds))
print(f"{'config':<10} {'qkv ms':>9} {'PyTorch':>9} {'JAX':>9}  fraction of the faster peer")
for config, by_program in times.items():
    median = {program: statistics.median(values) for program, values in by_program.items()}
    peer = min(value for program, value in median.items() if program != "qkv")
    jax = f"{median['JAX']:>9.3f}" if "JAX" in median else f"{'-':>9}"
    print(f"{config:<10} {median['qkv']:>9.3f} {median['PyTorch']:>9.3f} {jax}  {median['qkv'] / peer:.2f}")
PYTHON
