"""What the scripts share: random values, a padded batch of sentences, what a model is asked, and writing a file."""

from __future__ import annotations

import argparse
import copy
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

import naming

FOLDER = Path(__file__).resolve().parent
PAD, BOS, EOS, FIRST_WORD = 0, 1, 2, 3  # the third special token, <unk>, is used like a word
LABEL_SMOOTHING = 0.1
CLIP = 1.0
ADAM = {"lr": 3e-3, "betas": (0.9, 0.98), "eps": 1e-9, "weight_decay": 0.0}
ADAM_STEPS = 20


class RandomValues:
    """Normal random numbers in float64 that float32 can represent exactly."""

    def __init__(self, seed: int) -> None:
        self._generator = np.random.default_rng(seed)

    def normal(self, *shape: int, scale: float = 1.0, mean: float = 0.0) -> Tensor:
        drawn = mean + scale * self._generator.standard_normal(shape)
        return torch.from_numpy(np.asarray(drawn, dtype=np.float32).astype(np.float64))

    def integers(self, low: int, high: int, *shape: int) -> Tensor:
        """Uniform from low to high - 1."""
        return torch.from_numpy(self._generator.integers(low, high, shape))

    def fill(self, model: nn.Module, embedding_scale: float, weight_scale: float = 1.0) -> None:
        """Give every parameter random values, biases and layer norms included, so that no gradient goes untested.

        Weights have a standard deviation of weight_scale / √inputs.
        """
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                if parameter.dim() == 2 and ("embedding" in name or "positions" in name):
                    parameter.copy_(self.normal(*parameter.shape, scale=embedding_scale))
                elif parameter.dim() == 2:
                    parameter.copy_(self.normal(*parameter.shape, scale=weight_scale * parameter.shape[1] ** -0.5))
                else:
                    is_norm_weight = "norm" in name and name.endswith("weight")
                    parameter.copy_(self.normal(*parameter.shape, scale=0.2, mean=1.0 if is_norm_weight else 0.0))


@dataclass(frozen=True)
class Batch:
    """Sentences of different lengths, padded with 0. Lengths count <eos> of a source and <bos> of a target."""

    source: Tensor  # [batch, S], words and <eos>
    source_lengths: Tensor  # [batch]
    target_input: Tensor  # [batch, T], <bos> and words
    target_output: Tensor  # [batch, T], words and <eos>
    target_lengths: Tensor  # [batch]

    @staticmethod
    def random(
        values: RandomValues,
        source_vocabulary: int,
        target_vocabulary: int,
        source_lengths: Sequence[int],
        target_lengths: Sequence[int],
    ) -> Batch:
        sources = [values.integers(FIRST_WORD, source_vocabulary, length - 1) for length in source_lengths]
        targets = [values.integers(FIRST_WORD, target_vocabulary, length - 1) for length in target_lengths]
        bos, eos = torch.tensor([BOS]), torch.tensor([EOS])
        return Batch(
            source=padded([torch.cat([words, eos]) for words in sources]),
            source_lengths=torch.tensor(source_lengths),
            target_input=padded([torch.cat([bos, words]) for words in targets]),
            target_output=padded([torch.cat([words, eos]) for words in targets]),
            target_lengths=torch.tensor(target_lengths),
        )

    def tensors(self) -> dict[str, Tensor]:
        return dict(vars(self))


def padded(sentences: Sequence[Tensor]) -> Tensor:
    return nn.utils.rnn.pad_sequence(list(sentences), batch_first=True, padding_value=PAD)


def cross_entropy(logits: Tensor, batch: Batch, label_smoothing: float = 0.0) -> Tensor:
    """Mean over the target tokens that are not padding."""
    return functional.cross_entropy(
        logits.flatten(0, 1), batch.target_output.flatten(), ignore_index=PAD, label_smoothing=label_smoothing
    )


def real_rows(logits: Tensor, batch: Batch) -> Tensor:
    """Logits with zeros where the target is padding."""
    return logits * (batch.target_output != PAD).unsqueeze(-1)


def adam_losses(model: nn.Module, batch: Batch) -> Tensor:
    """The loss before each step of Adam on one batch, with the gradient's norm clipped. Leaves the model as it was."""
    trained = copy.deepcopy(model)
    optimiser = torch.optim.Adam(trained.parameters(), **ADAM)
    losses = []
    for _ in range(ADAM_STEPS):
        optimiser.zero_grad()
        loss = cross_entropy(trained(batch), batch)
        loss.backward()
        nn.utils.clip_grad_norm_(trained.parameters(), CLIP)
        optimiser.step()
        losses.append(loss.detach())
    return torch.stack(losses)


def model_results(model: nn.Module, batch: Batch) -> dict[str, Tensor]:
    """Logits, losses, gradients and a training curve of a float64 model that maps a Batch to logits [batch, T, V]."""
    results = {f"parameter.{name}": value for name, value in naming.parameters(model).items()} | batch.tensors()

    model.zero_grad()
    logits = model(batch)
    loss = cross_entropy(logits, batch)
    loss.backward()
    results |= {"logits": real_rows(logits, batch), "loss": loss}
    results |= {f"gradient.{name}": value.clone() for name, value in naming.gradients(model).items()}
    results["adam_losses"] = adam_losses(model, batch)

    model.zero_grad()
    smoothed = cross_entropy(model(batch), batch, LABEL_SMOOTHING)
    smoothed.backward()
    results["loss_smoothed"] = smoothed
    generator_weight = model.get_parameter("generator.weight")  # under its first name if it is shared
    name = next(name for name, value in model.named_parameters() if value is generator_weight)
    results[f"gradient_smoothed.{name}"] = generator_weight.grad.clone()

    single = copy.deepcopy(model).float()
    single_logits = single(batch)
    results |= {
        "float.logits": real_rows(single_logits, batch),
        "float.loss": cross_entropy(single_logits, batch),
        "float.adam_losses": adam_losses(single, batch),
    }
    return results


def training_settings() -> dict[str, object]:
    """What a reader must know to repeat model_results."""
    return {
        "label_smoothing": LABEL_SMOOTHING,
        "ignore_index": PAD,
        "adam": ADAM | {"steps": ADAM_STEPS, "clip_norm": CLIP},
    }


def write(name: str, tensors: Mapping[str, Tensor], settings: Mapping[str, object]) -> None:
    """Write NAME.safetensors beside the scripts. The metadata has one key, since the order of several is not fixed."""
    stored = {key: value.detach().clone().contiguous() for key, value in tensors.items()}
    metadata = {"settings": json.dumps({"torch": torch.__version__.partition("+")[0], **settings}, sort_keys=True)}
    path = FOLDER / f"{name}.safetensors"
    save_file(stored, path, metadata)
    path.chmod(0o644)
    print(f"{path.name}: {len(stored)} tensors, {path.stat().st_size} bytes")
    for key in ("loss", "loss_smoothed", "adam_losses"):
        if key in stored:
            print(f"  {key}: {np.array2string(stored[key].numpy(), precision=4)}")


def start() -> None:
    """One thread and deterministic algorithms: running a script twice gives the same bytes."""
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)


def chosen(description: str, known: Collection[str]) -> list[str]:
    """The names given on the command line, or all of them."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(known)}; all if there is none")
    names = parser.parse_args().names
    for name in names:
        if name not in known:
            parser.error(f"no configuration {name!r}: there are {', '.join(known)}")
    return names or list(known)
