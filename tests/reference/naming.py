"""Names of parameters: from PyTorch's modules to the names in qkv's files.

torch.nn.MultiheadAttention packs the query, key and value projections into one `in_proj`; qkv keeps three.
Everything else is a change of names. Gradients have the shapes of their parameters, so the same functions
rename both.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from torch import Tensor, nn

RENAMED: tuple[tuple[str, str], ...] = (
    (r"^transformer\.", ""),
    (r"\bself_attn\b", "self_attention"),
    (r"\bmultihead_attn\b", "cross_attention"),
    (r"\bout_proj\b", "output"),
    (r"\blinear1\b", "feed_forward.inner"),
    (r"\blinear2\b", "feed_forward.outer"),
)


def renamed(name: str) -> str:
    """qkv's name for a PyTorch parameter that is stored whole."""
    for pattern, replacement in RENAMED:
        name = re.sub(pattern, replacement, name)
    return name


def entries(name: str, value: Tensor) -> Iterator[tuple[str, Tensor]]:
    """The tensors that one PyTorch parameter becomes: three for a packed in_proj, itself otherwise."""
    packed = re.fullmatch(r"(.+)\.in_proj_(weight|bias)", name)
    if packed is None:
        yield renamed(name), value
        return
    for projection, part in zip(("query", "key", "value"), value.chunk(3), strict=True):
        yield f"{renamed(packed[1])}.{projection}.{packed[2]}", part


def qkv_names(values: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same tensors under qkv's names."""
    return {name: part for original, value in values.items() for name, part in entries(original, value)}


def parameters(model: nn.Module) -> dict[str, Tensor]:
    """Every parameter under qkv's name; a shared one appears once, under its first name."""
    return qkv_names(dict(model.named_parameters()))


def gradients(model: nn.Module) -> dict[str, Tensor]:
    """Every parameter's gradient under qkv's name; to be read after backward()."""
    found = {name: parameter.grad for name, parameter in model.named_parameters()}
    missing = [name for name, gradient in found.items() if gradient is None]
    if missing:
        raise RuntimeError(f"no gradient reached {', '.join(missing)}")
    return qkv_names(found)
