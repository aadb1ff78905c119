"""Reference numbers of small RNN encoder-decoders, built from torch.nn's recurrent layers and cells.

python make_recurrent.py           writes every file
python make_recurrent.py gru_dot   writes recurrent_gru_dot.safetensors
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import fixture
from fixture import Batch, RandomValues

SEED = 20150817
RECURRENT: dict[str, tuple[type[nn.RNNBase], type[nn.RNNCellBase]]] = {
    "gru": (nn.GRU, nn.GRUCell),
    "lstm": (nn.LSTM, nn.LSTMCell),
    "elman": (nn.RNN, nn.RNNCell),
}


@dataclass(frozen=True)
class Config:
    """Without a score, the decoder is given the encoder's last state; with one, it attends to all of them."""

    cell: str
    score: str | None
    embedding: int = 6
    hidden: int = 8
    source_vocabulary: int = 11
    target_vocabulary: int = 13

    @property
    def model(self) -> str:
        return "rnn" if self.score is None else "rnn-attention"


CONFIGS: dict[str, Config] = {
    "gru_rnn": Config("gru", None),
    "gru_dot": Config("gru", "dot"),
    "gru_scaled_dot": Config("gru", "scaled-dot"),
    "gru_additive": Config("gru", "additive"),
    "lstm_rnn": Config("lstm", None),
    "lstm_dot": Config("lstm", "dot"),
    "elman_rnn": Config("elman", None),
    "elman_dot": Config("elman", "dot"),
}


class DotScore(nn.Module):
    """hᵀ s · scale"""

    def __init__(self, scale: float) -> None:
        super().__init__()
        self.scale = scale

    def forward(self, h: Tensor, states: Tensor) -> Tensor:
        """h: [batch, hidden]   states: [batch, S, hidden]   returns [batch, S]"""
        return torch.einsum("bf,bsf->bs", h, states) * self.scale


class AdditiveScore(nn.Module):
    """energyᵀ tanh(W_query h + W_key s), Bahdanau et al. 2015, appendix A.1.2, without biases."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.query = nn.Linear(hidden, hidden, bias=False)
        self.key = nn.Linear(hidden, hidden, bias=False)
        self.energy = nn.Parameter(torch.empty(hidden))

    def forward(self, h: Tensor, states: Tensor) -> Tensor:
        """h: [batch, hidden]   states: [batch, S, hidden]   returns [batch, S]"""
        return torch.tanh(self.query(h).unsqueeze(1) + self.key(states)) @ self.energy


def make_score(name: str, hidden: int) -> nn.Module:
    match name:
        case "dot":
            return DotScore(1.0)
        case "scaled-dot":
            return DotScore(1.0 / math.sqrt(hidden))
        case "additive":
            return AdditiveScore(hidden)
    raise ValueError(f"no score {name!r}")


class Encoder(nn.Module):
    def __init__(self, config: Config) -> None:
        super().__init__()
        layer, _ = RECURRENT[config.cell]
        self.rnn = layer(config.embedding, config.hidden, batch_first=True)

    def forward(self, embedded: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """returns every state [batch, S, hidden], zero at padding, and that at each last real word [batch, hidden]"""
        packed = pack_padded_sequence(embedded, lengths, batch_first=True, enforce_sorted=False)
        packed_states, final = self.rnn(packed)
        states, _ = pad_packed_sequence(packed_states, batch_first=True, total_length=embedded.shape[1])
        h = final[0] if isinstance(final, tuple) else final  # an LSTM's final state is (h, c)
        return states, h[0]


class Decoder(nn.Module):
    def __init__(self, config: Config) -> None:
        super().__init__()
        _, cell = RECURRENT[config.cell]
        self.cell = cell(config.embedding + config.hidden, config.hidden)
        self.attends = config.score is not None
        if config.score is not None:
            self.score = make_score(config.score, config.hidden)
            self.combine = nn.Linear(2 * config.hidden, config.hidden)

    def forward(self, embedded: Tensor, states: Tensor, context: Tensor, source_is_padding: Tensor) -> Tensor:
        """returns what the generator reads at every step, [batch, T, hidden]"""
        h, c = context, torch.zeros_like(context)
        fed = torch.zeros_like(context) if self.attends else context
        outputs = []
        for y in embedded.unbind(1):
            h, c = self.step(torch.cat([y, fed], dim=-1), h, c)
            if self.attends:
                fed = self.attentional_state(h, states, source_is_padding)
            outputs.append(fed if self.attends else h)
        return torch.stack(outputs, dim=1)

    def step(self, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        """One step of the cell; only an LSTM uses and changes c."""
        return self.cell(x, (h, c)) if isinstance(self.cell, nn.LSTMCell) else (self.cell(x, h), c)

    def attentional_state(self, h: Tensor, states: Tensor, source_is_padding: Tensor) -> Tensor:
        """tanh(combine([v; h])), Luong et al. 2015, equation 5, with v the weighted sum of the encoder's states."""
        scores = self.score(h, states).masked_fill(source_is_padding, -math.inf)
        value = torch.einsum("bs,bsf->bf", scores.softmax(-1), states)
        return torch.tanh(self.combine(torch.cat([value, h], dim=-1)))


class EncoderDecoder(nn.Module):
    def __init__(self, config: Config) -> None:
        super().__init__()
        self.source_embedding = nn.Embedding(config.source_vocabulary, config.embedding)
        self.target_embedding = nn.Embedding(config.target_vocabulary, config.embedding)
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)
        self.generator = nn.Linear(config.hidden, config.target_vocabulary)

    def forward(self, batch: Batch) -> Tensor:
        """returns logits [batch, T, target vocabulary]"""
        states, context = self.encoder(self.source_embedding(batch.source), batch.source_lengths)
        source_is_padding = batch.source == fixture.PAD
        return self.generator(
            self.decoder(self.target_embedding(batch.target_input), states, context, source_is_padding)
        )


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
    model = EncoderDecoder(config).double()
    values.fill(model, embedding_scale=1.0, weight_scale=2.0)  # large: attention is far from even
    settings = asdict(config) | {"model": config.model} | fixture.training_settings()
    fixture.write(f"recurrent_{name}", fixture.model_results(model, batch), settings)


def main() -> None:
    names = fixture.chosen(__doc__, CONFIGS)
    fixture.start()
    for name in names:
        make(name)


if __name__ == "__main__":
    main()
