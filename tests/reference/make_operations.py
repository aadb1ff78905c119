"""Reference numbers of single operations, computed by PyTorch in float64.

    python make_operations.py   writes operations.safetensors

For every case: its inputs, its output, a random cotangent of the output, and the gradient of
⟨cotangent, output⟩ with respect to every input that is not of integers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional

import fixture
from fixture import RandomValues

SEED = 19860109
EPS = 1e-5
HEADS = 2


@dataclass(frozen=True)
class Case:
    """One operation. `compute` takes its inputs by name and returns its outputs by name, or the only one."""

    name: str
    compute: Callable[..., Tensor | dict[str, Tensor]]
    inputs: dict[str, Tensor]
    settings: dict[str, object] = field(default_factory=dict)

    def tensors(self, values: RandomValues) -> dict[str, Tensor]:
        leaves = {key: value.clone().requires_grad_(value.is_floating_point()) for key, value in self.inputs.items()}
        computed = self.compute(**leaves)
        outputs = computed if isinstance(computed, dict) else {"": computed}
        cotangents = {key: values.normal(*output.shape) for key, output in outputs.items()}
        differentiable = {key: leaf for key, leaf in leaves.items() if leaf.requires_grad}
        gradients = torch.autograd.grad(
            list(outputs.values()), list(differentiable.values()), list(cotangents.values())
        )
        return (
            self.named("input", self.inputs)
            | self.named("output", outputs)
            | self.named("cotangent", cotangents)
            | self.named("gradient", dict(zip(differentiable, gradients, strict=True)))
        )

    def named(self, role: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        return {f"{self.name}.{role}.{key}".rstrip("."): value for key, value in tensors.items()}


def key_mask(lengths: Tensor | None, queries: int, keys: int, causal: bool) -> Tensor:
    """True where a query may look at a key.   returns [1 or batch, 1, queries, keys]"""
    allowed = torch.ones(1, 1, queries, keys, dtype=torch.bool)
    if causal:
        allowed = allowed.tril()
    if lengths is not None:
        allowed = allowed & (torch.arange(keys) < lengths[:, None])[:, None, None, :]
    return allowed


def split_heads(x: Tensor) -> Tensor:
    """[batch, length, d_model] to [batch, heads, length, d_head]; a head is a block of consecutive features."""
    return x.unflatten(-1, (HEADS, -1)).transpose(1, 2)


def attention(
    query: Tensor, key: Tensor, value: Tensor, key_lengths: Tensor | None = None, causal: bool = False
) -> Tensor:
    """softmax(Q Kᵀ / √d_head) V in each head, heads joined again; without projections."""
    allowed = key_mask(key_lengths, query.shape[1], key.shape[1], causal)
    joined = functional.scaled_dot_product_attention(
        split_heads(query), split_heads(key), split_heads(value), attn_mask=allowed
    )
    return joined.transpose(1, 2).flatten(2)


def attention_case(name: str, values: RandomValues, keys: int, causal: bool, lengths: list[int] | None) -> Case:
    inputs = {
        "query": values.normal(2, 4, 6),
        "key": values.normal(2, keys, 6),
        "value": values.normal(2, keys, 6),
    }
    if lengths is not None:
        inputs["key_lengths"] = torch.tensor(lengths)
    return Case(name, lambda **given: attention(**given, causal=causal), inputs, {"heads": HEADS, "causal": causal})


def cross_entropy_case(name: str, values: RandomValues, label_smoothing: float) -> Case:
    def compute(logits: Tensor, target: Tensor) -> Tensor:
        return functional.cross_entropy(
            logits.flatten(0, 1), target.flatten(), ignore_index=fixture.PAD, label_smoothing=label_smoothing
        )

    inputs = {"logits": values.normal(2, 4, 7, scale=2.0), "target": torch.tensor([[5, 1, 2, 0], [6, 2, 0, 0]])}
    return Case(name, compute, inputs, {"ignore_index": fixture.PAD, "label_smoothing": label_smoothing})


def cell_case(name: str, cell: nn.RNNCellBase, values: RandomValues) -> Case:
    """One step of a recurrent cell on a batch of 3, input 4, hidden 5. An LSTM's state is h and c."""
    is_lstm = isinstance(cell, nn.LSTMCell)

    def compute(x: Tensor, h: Tensor, c: Tensor | None = None, **parameters: Tensor) -> Tensor | dict[str, Tensor]:
        result = functional_call(cell, parameters, (x, (h, c) if is_lstm else h))
        return dict(zip(("h", "c"), result, strict=True)) if is_lstm else result

    parameters = {key: values.normal(*value.shape, scale=0.5) for key, value in cell.named_parameters()}
    states = {key: values.normal(3, 5) for key in (("h", "c") if is_lstm else ("h",))}
    return Case(name, compute, {"x": values.normal(3, 4)} | states | parameters)


def cases(values: RandomValues) -> list[Case]:
    def on_x(name: str, function: Callable[[Tensor], Tensor]) -> Case:
        return Case(name, function, {"x": values.normal(3, 5, scale=2.0)})

    return [
        Case(
            "linear",
            lambda x, weight, bias: functional.linear(x, weight, bias),
            {"x": values.normal(2, 3, 5), "weight": values.normal(4, 5), "bias": values.normal(4)},
        ),
        on_x("softmax", lambda x: x.softmax(-1)),
        on_x("log_softmax", lambda x: x.log_softmax(-1)),
        on_x("gelu", functional.gelu),
        on_x("relu", torch.relu),
        on_x("tanh", torch.tanh),
        on_x("sigmoid", torch.sigmoid),
        Case(
            "layer_norm",
            lambda x, weight, bias: functional.layer_norm(x, weight.shape, weight, bias, EPS),
            {"x": values.normal(2, 3, 6, scale=2.0), "weight": values.normal(6), "bias": values.normal(6)},
            {"eps": EPS},
        ),
        Case(
            "embedding",
            lambda ids, weight: functional.embedding(ids, weight),
            {"ids": torch.tensor([[3, 1, 3, 0], [5, 3, 1, 4]]), "weight": values.normal(6, 3)},
        ),
        cross_entropy_case("cross_entropy", values, 0.0),
        cross_entropy_case("cross_entropy_smoothed", values, fixture.LABEL_SMOOTHING),
        attention_case("attention", values, keys=5, causal=False, lengths=None),
        attention_case("attention_padding", values, keys=5, causal=False, lengths=[5, 2]),
        attention_case("attention_causal", values, keys=4, causal=True, lengths=None),
        attention_case("attention_causal_padding", values, keys=4, causal=True, lengths=[2, 4]),
        cell_case("gru_cell", nn.GRUCell(4, 5), values),
        cell_case("lstm_cell", nn.LSTMCell(4, 5), values),
        cell_case("elman_cell", nn.RNNCell(4, 5), values),
    ]


def cases_of_own_models(values: RandomValues) -> list[Case]:
    """What models of one's own are made of besides."""

    def on_x(name: str, function: Callable[[Tensor], Tensor]) -> Case:
        return Case(name, function, {"x": values.normal(2, 3, 4)})

    def on_two(name: str, function: Callable[[Tensor, Tensor], Tensor]) -> Case:
        return Case(name, lambda x, y: function(x, y), {"x": values.normal(2, 3, 4), "y": values.normal(2, 3, 4)})

    reductions = {"sum": torch.sum, "mean": torch.mean, "max": torch.amax}
    return [
        on_x("exp", torch.exp),
        Case("log", torch.log, {"input": values.normal(2, 3, 4).abs() + 0.125}),
        on_two("divide", torch.div),
        on_two("mean_squared_error", functional.mse_loss),
        on_x("reshape", lambda x: x.reshape(4, 6)),
        *(
            on_x(f"{name}_{axis}", lambda x, reduce=reduce, axis=axis: reduce(x, dim=axis))
            for name, reduce in reductions.items()
            for axis in range(3)
        ),
    ]


def main() -> None:
    fixture.start()
    tensors: dict[str, Tensor] = {}
    settings: dict[str, object] = {}
    for seed, made in ((SEED, cases), (SEED + 1, cases_of_own_models)):
        values = RandomValues(seed)
        for case in made(values):
            tensors |= case.tensors(values)
            if case.settings:
                settings[case.name] = case.settings
    fixture.write("operations", tensors, settings)


if __name__ == "__main__":
    main()
