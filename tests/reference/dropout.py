"""Dropout in PyTorch with the elements that qkv drops: see autograd/ops/dropout.h."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

SEED = 1  # a Learner's usual one


def mix64(x: np.ndarray) -> np.ndarray:
    """The finaliser of SplitMix64."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def numbers(count: int) -> np.ndarray:
    return np.arange(count, dtype=np.uint64)


class Draws:
    """Which elements are dropped: a function of seed, step, how often dropout was used before in the step, and place."""

    def __init__(self) -> None:
        self.step = self.use = 0
        self.heads: int | None = None  # while attention weights, [batch * heads, queries, keys], are dropped

    def __deepcopy__(self, memo: dict[int, object]) -> Draws:
        return Draws()  # a copy of a model begins with its first step

    def begin_step(self) -> None:
        self.step, self.use = self.step + 1, 0

    def drop(self, x: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
        """Takes the place of torch.nn.functional.dropout."""
        if not training or p == 0:
            return x
        key = np.array([SEED], dtype=np.uint64)
        for part in (0, self.step, self.use):
            key = mix64(key + np.uint64(part))
        self.use += 1
        batch = x.shape[0] // (self.heads or 1)
        keys = mix64(key + numbers(batch))[:, None]
        if self.heads:
            keys = mix64(keys + numbers(self.heads))[:, :, None]
            keys = mix64(keys + numbers(x.shape[1]))[:, :, :, None]
            draws = mix64(keys + numbers(x.shape[2]))
        else:
            draws = mix64(keys + numbers(x[0].numel()))
        is_kept = (draws >> np.uint64(32)) >= np.uint64(int(p * 2**32))
        return x * torch.from_numpy(is_kept.reshape(x.shape)).to(x.dtype) / (1 - p)


@contextmanager
def drawn_by(draws: Draws) -> Iterator[None]:
    """Whatever drops in this block, drops what `draws` says.

    torch.nn.MultiheadAttention is asked for its weights, since its fast path would drop inside a kernel.
    """
    dropout, attend = functional.dropout, nn.MultiheadAttention.forward

    def attend_with_draws(layer: nn.MultiheadAttention, *args: Tensor, **options: object) -> tuple[Tensor, Tensor | None]:
        if layer.dropout == 0:
            return attend(layer, *args, **options)
        draws.heads = layer.num_heads
        result = attend(layer, *args, **(options | {"need_weights": True}))
        draws.heads = None
        return result

    functional.dropout, nn.MultiheadAttention.forward = draws.drop, attend_with_draws
    try:
        yield
    finally:
        functional.dropout, nn.MultiheadAttention.forward = dropout, attend
