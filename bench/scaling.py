"""Measures how time and memory of a training step grow with length and width, and draws docs/figures/scaling.svg.

usage: scaling.py [SECONDS]      default: 2 for each size; from the repository's root, after bench/compare.sh or a build
with -DQKV_BENCHMARKS=ON. Needs matplotlib.

The limits are what cannot be avoided. Time: the multiplications of the step at the speed that the products of `base`
reach in the same run. Memory: parameters, two moments, two workers' gradients, the logits, and the attention weights,
which are kept because people look at them.
"""

import dataclasses
import json
import pathlib
import subprocess
import sys

import matplotlib

from compare import QKV, kernel_ms, peak_memory_mb

matplotlib.use("svg")
matplotlib.rcParams["svg.hashsalt"] = "qkv"
import matplotlib.pyplot as plt  # noqa: E402: after the choice of the backend

FIGURE = pathlib.Path("docs/figures/scaling.svg")


@dataclasses.dataclass
class Sizes:
    d_model: int
    length: int
    batch_size: int
    heads: int = 4
    layers: int = 2
    vocabulary: int = 200

    @property
    def ff(self) -> int:
        return 4 * self.d_model

    @property
    def tokens(self) -> int:
        """On each side."""
        return self.batch_size * self.length

    @property
    def weights(self) -> int:
        """That a token is multiplied by, encoder and decoder together."""
        return self.layers * (12 * self.d_model**2 + 4 * self.d_model * self.ff) + self.d_model * self.vocabulary

    @property
    def flops(self) -> float:
        """Of a step: a product forward and two backward, two operations a multiplication."""
        attention = 3 * self.layers * 2 * self.tokens * self.length * self.d_model
        return 6 * (self.tokens * self.weights + attention)

    @property
    def least_mb(self) -> float:
        parameters = self.weights + 2 * self.vocabulary * self.d_model
        kept = 3 * self.layers * self.heads * self.tokens * self.length + self.tokens * self.vocabulary
        return 4e-6 * (5 * parameters + kept)

    def command(self, seconds: float) -> list[str]:
        options = dataclasses.asdict(self) | {"ff": self.ff, "seconds": seconds}
        return [QKV, "bench", "--json", *(f"--{name.replace('_', '-')}={value}" for name, value in options.items())]


def speed_of_products() -> float:
    """Operations per millisecond that the products of `base` reach with two workers."""
    base = Sizes(d_model=512, length=32, batch_size=16, layers=6, vocabulary=8000)
    return 6 * base.tokens * base.weights / kernel_ms("^products/base/2")["products/base/2/real_time"]


def measure(sizes: Sizes, seconds: float) -> tuple[float, float]:
    """Milliseconds of a step, megabytes of the process."""
    text = subprocess.run(sizes.command(seconds), check=True, text=True, stdout=subprocess.PIPE).stdout
    return json.loads(text)[0]["median_ms"], peak_memory_mb(sizes.command(0))


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 2.0
    speed = speed_of_products()
    powers = [2**i for i in range(3, 11)]
    sweeps = {
        "length (width 64, 4 sentences)": (powers, [Sizes(64, n, 4) for n in powers]),
        "width (length 16, 8 sentences)": ([2 * n for n in powers[:-1]], [Sizes(2 * n, 16, 8) for n in powers[:-1]]),
    }
    figure, axes = plt.subplots(2, 2, figsize=(8, 6), layout="constrained")
    for column, (name, (values, all_sizes)) in enumerate(sweeps.items()):
        measured = [measure(sizes, seconds) for sizes in all_sizes]
        limits = [(sizes.flops / speed, sizes.least_mb) for sizes in all_sizes]
        print(f"{name}\n{'':>6} {'ms':>10} {'limit':>10} {'MB':>8} {'limit':>8}")
        for value, (ms, mb), (least_ms, least_mb) in zip(values, measured, limits):
            print(f"{value:>6} {ms:>10.3f} {least_ms:>10.3f} {mb:>8.0f} {least_mb:>8.1f}", flush=True)
        for row, unit in enumerate(["ms a step", "MB of memory"]):
            axis = axes[row][column]
            axis.loglog(values, [pair[row] for pair in measured], "o-", color="#1f5fa8", label="qkv, two workers")
            axis.loglog(values, [pair[row] for pair in limits], "--", color="#888888", label="limit")
            axis.set(xlabel=name, ylabel=unit)
            axis.set_xticks(values, [str(value) for value in values])
            axis.minorticks_off()
            axis.grid(alpha=0.3)
            axis.legend()
    FIGURE.parent.mkdir(exist_ok=True)
    figure.savefig(FIGURE, metadata={"Date": None})


if __name__ == "__main__":
    main()
