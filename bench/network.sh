#!/usr/bin/env bash
# How fast two processes train over a slow network: bench/network.sh DATA MBIT QKV… [-- OPTIONS of qkv train]
# On this machine, in a network namespace of its own whose loopback carries so many megabits per second each way, so it
# needs root, iproute2 and Open MPI. Prints target words per second, the median of the steps, for each program in turn,
# twice: give an older build beside the new one.
set -Eeuo pipefail
data=$1 mbit=$2
shift 2
programs=()
while [[ $# -gt 0 && $1 != -- ]]; do programs+=("$1"); shift; done
[[ $# -eq 0 ]] || shift
run=$(mktemp -d)
trap 'rm -rf "$run"' EXIT
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_oob_tcp_if_include=lo OMPI_MCA_btl=self,tcp \
  OMPI_MCA_btl_tcp_if_include=lo
for program in "${programs[@]}" "${programs[@]}"; do
  # Both ways share the loopback's queue: twice the rate.
  unshare --net bash -ec 'ip link set lo up; tc qdisc add dev lo root tbf rate "$1"mbit burst 256kb latency 50ms; shift
    exec "$@"' - $((2 * mbit)) mpirun -n 2 --oversubscribe --bind-to core "$program" train --data "$data" \
    --out "$run/out" --workers 1 --steps 24 --validate-every 1000 "$@" > "$run/log" 2>&1 || { cat "$run/log"; exit 1; }
  speed=$(sed -nE 's/.*"tokens_per_second":([0-9]+).*/\1/p' "$run/out/metrics.jsonl" | sort -n | sed -n 12p)
  echo "$program: $speed words/s"
  rm -rf "$run/out"
done
