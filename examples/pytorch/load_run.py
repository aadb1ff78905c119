"""Loads a run of qkv's Transformer into torch.nn.Transformer; prints which tensor becomes which.

    python examples/pytorch/load_run.py docs/checkpoint/transformer "유나는 작은 책을 안 그립니다 ."

Needs torch, numpy and safetensors. With a sentence, it is translated greedily, as `qkv translate` does.
"""
import json
import math
import re
import sys

import torch
from safetensors.torch import load_file

NAMES = ((r"self_attention", "self_attn"), (r"cross_attention", "multihead_attn"), (r"\.output\.", ".out_proj."),
         (r"feed_forward\.inner", "linear1"), (r"feed_forward\.outer", "linear2"))
run = sys.argv[1]
config, tensors = json.load(open(f"{run}/config.json")), load_file(f"{run}/model.safetensors")
state = {}
for name, tensor in tensors.items():
    theirs = name
    for ours, other in NAMES:
        theirs = re.sub(ours, other, theirs)
    packed = re.sub(r"\.(query|key|value)\.(weight|bias)$", r".in_proj_\2", theirs)  # query, key, value in one
    state[packed] = torch.cat([state[packed], tensor]) if packed in state else tensor
    print(f"{name:58} {packed}")
inside = {name: tensor for name, tensor in state.items() if re.match(r"(encoder|decoder)\.", name)}
model = torch.nn.Transformer(config["d_model"], config["heads"], config["layers"], config["layers"], config["ff"],
                             activation=config["activation"], norm_first=config["norm"] == "pre", batch_first=True)
model.load_state_dict(inside)
model.eval()

def embed(ids, side):
    width, count = config["d_model"], len(ids)
    table = state.get(f"{side}_positions.weight")  # learned, or sinusoids
    if table is None:
        angles = torch.arange(count)[:, None] / 10000 ** (torch.arange(0, width, 2) / width)
        table = torch.stack([angles.sin(), angles.cos()], dim=2).reshape(count, width)
    return (state[f"{side}_embedding.weight"][ids] * math.sqrt(width) + table[:count])[None]

if len(sys.argv) > 2:
    source, target = (open(f"{run}/{side}.vocab").read().split("\n") for side in ("source", "target"))
    read = [source.index(word) if word in source else 3 for word in sys.argv[2].split()] + [2]  # 2 is <eos>, 3 <unk>
    words, generator = [1], state.get("generator.weight", state["target_embedding.weight"])  # 1 is <bos>
    while words[-1] != 2 and len(words) < 2 * len(read) + 10:
        mask = model.generate_square_subsequent_mask(len(words))
        logits = model(embed(read, "source"), embed(words, "target"), tgt_mask=mask)[0, -1] @ generator.T
        logits = logits + state["generator.bias"]
        logits[[0, 1, 3]] = -math.inf  # <pad>, <bos>, <unk>
        words.append(int(logits.argmax()))
    print(" ".join(target[word] for word in words[1:] if word != 2))
