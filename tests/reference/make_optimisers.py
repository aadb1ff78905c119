"""Reference numbers of optimisers and of learning rate schedules, computed by torch.optim in float64.

    python make_optimisers.py   writes optimisers.safetensors

Every case takes 50 steps on f(p) = ½ Σ curvature (p - minimum)², from the same start. The gradient that each step
was given is stored with the parameters after it, so that an optimiser can be tested without the function.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

import fixture
from fixture import RandomValues

SEED = 20141222
STEPS = 50
WARMUP = 10
D_MODEL = 16
PARAMETERS = 6


def constant(step: int) -> float:
    """1 after a linear rise over the warm-up steps. Steps count from 1."""
    return min(1.0, step / WARMUP)


def noam(step: int) -> float:
    """Vaswani et al. 2017, equation 3."""
    return D_MODEL**-0.5 * min(step**-0.5, step * WARMUP**-1.5)


def cosine(step: int) -> float:
    """A linear rise over the warm-up steps, then half a cosine from 1 towards 0, which step STEPS + 1 would reach."""
    if step <= WARMUP:
        return step / WARMUP
    return 0.5 * (1.0 + math.cos(math.pi * (step - WARMUP - 1) / (STEPS - WARMUP)))


@dataclass(frozen=True)
class Case:
    lr: float = 0.05
    weight_decay: float = 0.0
    schedule: Callable[[int], float] = lambda step: 1.0
    optimiser: type[torch.optim.Optimizer] = torch.optim.Adam
    momentum: float = 0.0  # of SGD

    def options(self) -> dict[str, object]:
        """What the optimiser's constructor takes besides the parameters."""
        if self.optimiser is torch.optim.SGD:
            return {"lr": self.lr, "weight_decay": self.weight_decay, "momentum": self.momentum}
        return {"lr": self.lr, "weight_decay": self.weight_decay} | {key: fixture.ADAM[key] for key in ("betas", "eps")}


CASES: dict[str, Case] = {
    "adam": Case(),
    "adam_weight_decay": Case(weight_decay=0.01),
    "constant": Case(schedule=constant),
    "noam": Case(lr=1.0, schedule=noam),
    "cosine": Case(schedule=cosine),
    "adam_w": Case(weight_decay=0.1, optimiser=torch.optim.AdamW),
    "sgd": Case(optimiser=torch.optim.SGD),
    "sgd_momentum": Case(optimiser=torch.optim.SGD, momentum=0.9),
    "sgd_momentum_weight_decay": Case(weight_decay=0.1, optimiser=torch.optim.SGD, momentum=0.9),
}


def run(case: Case, curvature: Tensor, minimum: Tensor, start: Tensor) -> dict[str, Tensor]:
    """The learning rate and gradient of each step, and the parameters after it."""
    parameters = start.clone().requires_grad_()
    optimiser = case.optimiser([parameters], **case.options())
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda finished: case.schedule(finished + 1))
    learning_rates, gradients, trajectory = [], [], []
    for _ in range(STEPS):
        parameters.grad = (curvature * (parameters - minimum)).detach()
        learning_rates.append(torch.tensor(optimiser.param_groups[0]["lr"], dtype=torch.float64))
        gradients.append(parameters.grad.clone())
        optimiser.step()
        schedule.step()
        trajectory.append(parameters.detach().clone())
    return {
        "learning_rates": torch.stack(learning_rates),
        "gradients": torch.stack(gradients),
        "parameters": torch.stack(trajectory),
    }


def main() -> None:
    fixture.start()
    values = RandomValues(SEED)
    quadratic = {
        "curvature": values.normal(PARAMETERS).abs() + 0.125,
        "minimum": values.normal(PARAMETERS),
        "start": values.normal(PARAMETERS),
    }
    tensors = {f"quadratic.{key}": value for key, value in quadratic.items()}
    for name, case in CASES.items():
        tensors |= {f"{name}.{key}": value for key, value in run(case, **quadratic).items()}
    settings = {
        name: case.options()
        for name, case in CASES.items()
    }
    fixture.write("optimisers", tensors, settings | {"d_model": D_MODEL, "steps": STEPS, "warmup": WARMUP})


if __name__ == "__main__":
    main()
