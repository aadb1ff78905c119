"""Prints what compare.sh is for. usage: compare.py SECONDS, from the repository's root, after a build"""

import collections
import json
import statistics
import subprocess
import sys
import time

PEERS = "bench/peers"
QKV = "build/release/qkv"
KERNELS = "build/release/bench/kernels"
CONFIGS = ["micro", "toy", "small", "multi30k", "base", "gru"]
TARGETS = {"micro": 0.30, "toy": 0.35, "small": 0.45, "multi30k": 0.50, "base": 0.75, "gru": 0.20}
ROUNDS = 3


def output_of(command: list[str], folder: str = ".") -> str:
    return subprocess.run(command, cwd=folder, check=True, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL).stdout


def qkv_ms(config: str, threads: int, seconds: float) -> float:
    text = output_of([QKV, "bench", config, "--workers", str(threads), "--seconds", str(seconds), "--json"])
    return json.loads(text)[0]["median_ms"]


def peer_ms(script: str, arguments: list[str], threads: int, column: int) -> float:
    """One thread is one core: JAX has no option for it."""
    one_core = ["taskset", "--cpu-list", "0"] if threads == 1 else []
    return float(output_of([*one_core, sys.executable, script, *arguments], PEERS).split()[column])


def programs_for(config: str, threads: int, seconds: float):
    """Pairs of a program's name and a call that times its step."""
    yield "qkv", lambda: qkv_ms(config, threads, seconds)
    if config == "gru":
        yield "PyTorch", lambda: peer_ms("torch_rnn_step.py", ["attention", str(threads), str(seconds)], threads, 2)
        return
    yield "PyTorch", lambda: peer_ms("torch_step.py", [config, "eager", str(threads), str(seconds)], threads, 3)
    yield "JAX", lambda: peer_ms("jax_step.py", [config, str(seconds)], threads, 3)


def time_steps(seconds: float) -> dict:
    """Medians over the rounds, by (threads, config, program)."""
    times = collections.defaultdict(list)
    for number in range(1, ROUNDS + 1):
        for config in CONFIGS:
            print(f"round {number} of {ROUNDS}: {config}", file=sys.stderr)
            for threads in (2, 1):
                for program, time_it in programs_for(config, threads, seconds):
                    times[threads, config, program].append(time_it())
    return {key: statistics.median(values) for key, values in times.items()}


def print_steps(times: dict, threads: int) -> None:
    count = "two workers against two threads" if threads == 2 else "one worker against one thread"
    print(f"\nOne training step in ms, {count}")
    print(f"{'config':<10} {'qkv':>9} {'PyTorch':>9} {'JAX':>9} {'fraction':>9}" + (f" {'target':>7}" if threads == 2 else ""))
    for config in CONFIGS:
        mine, torch, jax = (times.get((threads, config, program)) for program in ("qkv", "PyTorch", "JAX"))
        fraction = mine / min(ms for ms in (torch, jax) if ms is not None)
        jax_text = "-" if jax is None else f"{jax:.3f}"
        target = f" {TARGETS[config]:>7.2f}" if threads == 2 else ""
        print(f"{config:<10} {mine:>9.3f} {torch:>9.3f} {jax_text:>9} {fraction:>9.2f}{target}")


def kernel_ms(filter_text: str) -> dict[str, float]:
    text = output_of([KERNELS, f"--benchmark_filter={filter_text}", "--benchmark_format=json", "--benchmark_min_time=1"])
    return {b["name"]: b["real_time"] for b in json.loads(text)["benchmarks"]}


def print_scaling(times: dict) -> None:
    products = kernel_ms("^products")
    print("\nHow much faster two workers are than one, and the matrix products of the step alone")
    print(f"{'config':<10} {'step':>6} {'products':>9} {'their ms, one and two workers':>31}")
    for config in CONFIGS:
        step = times[1, config, "qkv"] / times[2, config, "qkv"]
        one, two = (products.get(f"products/{config}/{workers}/real_time") for workers in (1, 2))
        rest = f"{one / two:>9.2f} {one:>20.3f} {two:>10.3f}" if one else f"{'-':>9}"
        print(f"{config:<10} {step:>6.2f} {rest}")


# A process counts the memory it had before it became another program, so a small one starts the command.
STARTER = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def peak_memory_mb(command: list[str]) -> float:
    """Of the whole process."""
    return int(output_of([sys.executable, "-S", "-E", "-c", STARTER, *command])) / 1024


def print_memory() -> None:
    print("\nPeak memory of qkv bench, the whole process, two workers")
    for config in CONFIGS:
        print(f"{config:<10} {peak_memory_mb([QKV, 'bench', config, '--seconds', '1']):>7.0f} MB")


def print_gradient_check() -> None:
    mine = kernel_ms("^gradcheck_attention")["gradcheck_attention"]
    torch = float(output_of([sys.executable, "torch_gradcheck.py"], PEERS).split()[6])
    print(f"\nWhole Jacobian of multi-head attention: qkv {mine:.1f} ms, PyTorch {torch:.1f} ms, 1/{torch / mine:.0f}")


def print_start() -> None:
    def milliseconds() -> float:
        start = time.perf_counter()
        output_of([QKV, "--version"])
        return 1000 * (time.perf_counter() - start)

    print(f"qkv --version: {statistics.median(milliseconds() for _ in range(21)):.1f} ms")


def main() -> None:
    times = time_steps(float(sys.argv[1]))
    with open("/proc/cpuinfo") as cpuinfo:
        cpu = dict(line.split(":", 1) for line in cpuinfo.read().replace("\t", "").split("\n\n")[0].splitlines())
    print(f"processor: {cpu['model name'].strip()}, family {cpu['cpu family'].strip()}")
    for threads in (2, 1):
        print_steps(times, threads)
    print_scaling(times)
    print_memory()
    print_gradient_check()
    print_start()


if __name__ == "__main__":
    main()
