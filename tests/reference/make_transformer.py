"""Reference numbers of small Transformers, computed by torch.nn.Transformer in float64 and float32.

python make_transformer.py            writes every file
python make_transformer.py post pre   writes transformer_post.safetensors and transformer_pre.safetensors
"""

from __future__ import annotations

import math
import warnings
from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

import dropout
import fixture
from fixture import Batch, RandomValues

SEED = 20170612


@dataclass(frozen=True)
class Config:
    """What can differ between the files, and the sizes that do not."""

    norm: str = "post"
    activation: str = "relu"
    positions: str = "sinusoidal"
    tie_embeddings: bool = False
    dropout: float = 0.0
    attention_dropout: float = 0.0
    activation_dropout: float = 0.0
    d_model: int = 16
    heads: int = 2
    layers: int = 2
    ff: int = 32
    source_vocabulary: int = 11
    target_vocabulary: int = 13
    max_positions: int = 8


CONFIGS: dict[str, Config] = {
    "post": Config(),
    "pre": Config(norm="pre"),
    "gelu": Config(activation="gelu"),
    "learned": Config(positions="learned"),
    "tied": Config(tie_embeddings=True),
    "dropout": Config(dropout=0.1, attention_dropout=0.3, activation_dropout=0.2),
}


def sinusoids(length: int, d_model: int) -> Tensor:
    """Vaswani et al. 2017, section 3.5: sin in even features, cos in odd ones.   returns float64 [length, d_model]"""
    position = torch.arange(length, dtype=torch.float64).unsqueeze(1)
    even_feature = torch.arange(0, d_model, 2, dtype=torch.float64)
    angle = position / 10000.0 ** (even_feature / d_model)
    return torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1)


class Transformer(nn.Module):
    """torch.nn.Transformer between embeddings and a generator."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.source_embedding = nn.Embedding(config.source_vocabulary, config.d_model)
        self.target_embedding = nn.Embedding(config.target_vocabulary, config.d_model)
        if config.positions == "learned":
            self.source_positions = nn.Embedding(config.max_positions, config.d_model)
            self.target_positions = nn.Embedding(config.max_positions, config.d_model)
        else:
            self.register_buffer("sinusoids", sinusoids(config.max_positions, config.d_model))
        self.transformer = nn.Transformer(
            d_model=config.d_model,
            nhead=config.heads,
            num_encoder_layers=config.layers,
            num_decoder_layers=config.layers,
            dim_feedforward=config.ff,
            dropout=config.dropout,
            activation=config.activation,
            batch_first=True,
            norm_first=config.norm == "pre",
        )
        for layer in [*self.transformer.encoder.layers, *self.transformer.decoder.layers]:
            layer.dropout.p = config.activation_dropout  # between the two linear layers
            layer.self_attn.dropout = config.attention_dropout
            if isinstance(layer, nn.TransformerDecoderLayer):
                layer.multihead_attn.dropout = config.attention_dropout
        self.draws = dropout.Draws()
        self.generator = nn.Linear(config.d_model, config.target_vocabulary)
        if config.tie_embeddings:
            self.generator.weight = self.target_embedding.weight

    def position_table(self, side: str) -> Tensor:
        return getattr(self, f"{side}_positions").weight if self.config.positions == "learned" else self.sinusoids

    def embed(self, ids: Tensor, side: str) -> Tensor:
        """Embedding × √d_model + position, after dropout.   ids: [batch, length]   returns [batch, length, d_model]"""
        embedding: nn.Embedding = getattr(self, f"{side}_embedding")
        words = embedding(ids) * math.sqrt(self.config.d_model) + self.position_table(side)[: ids.shape[1]]
        return functional.dropout(words, self.config.dropout)

    def forward(self, batch: Batch) -> Tensor:
        """returns logits [batch, T, target vocabulary]"""
        length = batch.target_input.shape[1]
        source_is_padding = batch.source == fixture.PAD
        self.draws.begin_step()
        with dropout.drawn_by(self.draws):
            memory = self.transformer.encoder(self.embed(batch.source, "source"), src_key_padding_mask=source_is_padding)
            decoded = self.transformer.decoder(
                self.embed(batch.target_input, "target"),
                memory,
                tgt_mask=torch.ones(length, length, dtype=torch.bool).triu(diagonal=1),
                tgt_key_padding_mask=batch.target_input == fixture.PAD,
                memory_key_padding_mask=source_is_padding,
            )
        return self.generator(decoded)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Begins anew, with the first step's draws."""
        super().zero_grad(set_to_none)
        self.draws = dropout.Draws()


def make(name: str) -> None:
    config = CONFIGS[name]
    values = RandomValues(SEED)
    batch = Batch.random(
        values,
        config.source_vocabulary,
        config.target_vocabulary,
        source_lengths=(7, 4, 6, 2),
        target_lengths=(4, 6, 2, 5),
    )
    model = Transformer(config).double()
    values.fill(model, embedding_scale=0.3)
    settings = {key: value for key, value in asdict(config).items() if value or not key.endswith("dropout")}
    fixture.write(f"transformer_{name}", fixture.model_results(model, batch), settings | fixture.training_settings())


def main() -> None:
    names = fixture.chosen(__doc__, CONFIGS)
    fixture.start()
    warnings.filterwarnings("ignore", message="enable_nested_tensor is True")  # a fast path for inference only
    for name in names:
        make(name)


if __name__ == "__main__":
    main()
