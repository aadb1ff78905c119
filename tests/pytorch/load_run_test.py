"""Runs examples/pytorch/load_run.py without PyTorch: a tensor is its name and shape here, and the model compares what it
is given with the names and shapes that torch.nn.Transformer has.

    python load_run_test.py load_run.py RUN
"""
import json
import runpy
import struct
import sys
import types

sys.dont_write_bytecode = True
loaded = []


def load_file(path):
    """The header of a safetensors file: its length in 8 bytes, then JSON."""
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
    return {name: (name, tuple(entry["shape"])) for name, entry in sorted(header.items()) if name != "__metadata__"}


def cat(tensors):
    """The shape of tensors one behind the other; in_proj holds the query, the key and the value."""
    names, shapes = zip(*tensors)
    assert len(names) == 1 or [name.split(".")[-2] for name in names] == ["query", "key", "value"], names
    return (sum(shape[0] for shape in shapes), *shapes[0][1:])


class Transformer:
    def __init__(self, width, heads, encoder_layers, decoder_layers, ff, **settings):
        self.shapes = {}
        for side, layers in (("encoder", encoder_layers), ("decoder", decoder_layers)):
            attentions = ["self_attn"] + (["multihead_attn"] if side == "decoder" else [])
            for layer in (f"{side}.layers.{i}" for i in range(layers)):
                for name in (f"{layer}.{attention}" for attention in attentions):
                    self.shapes |= {f"{name}.in_proj_weight": (3 * width, width), f"{name}.in_proj_bias": (3 * width,)}
                    self.add(f"{name}.out_proj", width, width)
                self.add(f"{layer}.linear1", ff, width)
                self.add(f"{layer}.linear2", width, ff)
                for norm in range(1, len(attentions) + 2):
                    self.add(f"{layer}.norm{norm}", width)
            self.add(f"{side}.norm", width)

    def add(self, name, *shape):
        self.shapes |= {f"{name}.weight": shape, f"{name}.bias": shape[:1]}

    def load_state_dict(self, state):
        assert state == self.shapes, f"{state}\nis not what torch.nn.Transformer has:\n{self.shapes}"
        loaded.append(self)

    def eval(self):
        return self


torch = types.ModuleType("torch")
torch.cat, torch.nn = cat, types.SimpleNamespace(Transformer=Transformer)
safetensors = types.ModuleType("safetensors")
safetensors.torch = types.ModuleType("safetensors.torch")
safetensors.torch.load_file = load_file
sys.modules |= {"torch": torch, "safetensors": safetensors, "safetensors.torch": safetensors.torch}

script, run = sys.argv[1:]
sys.argv = [script, run]
runpy.run_path(script, run_name="__main__")
assert loaded, "no model was loaded"
