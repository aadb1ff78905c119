#!/usr/bin/env bash
# Times qkv's training step against the same step in PyTorch and JAX, alternately, and prints the fractions; then the
# memory, the scaling and the gradient check. See README.md.
#   usage: bench/compare.sh [SECONDS]      default: 3 for each program, configuration and number of threads, three rounds
# Needs a Python with torch and jax[cpu]; PYTHON names it if it is not python3. Builds build/release with the benchmarks.
set -Eeuo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE

python=${PYTHON:-python3}
"$python" -c 'import torch, jax' || { echo "compare.sh: $python has no torch or jax; set PYTHON" >&2; exit 1; }
cmake --preset release -DQKV_BENCHMARKS=ON >/dev/null
cmake --build --preset release --target qkv kernels >&2
exec "$python" bench/compare.py "${1:-3}"
