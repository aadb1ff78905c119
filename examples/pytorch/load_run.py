"""Loads a run of qkv's Transformer into torch.nn.Transformer and prints which tensor becomes which. Needs torch, numpy
and safetensors. With a sentence, it is translated greedily, as `qkv translate` does:

    python examples/pytorch/load_run.py docs/checkpoint/transformer "유나는 작은 책을 안 그립니다 ."
"""
import json, re, sys
import torch
from safetensors.torch import load_file

NAMES = (("self_attention", "self_attn"), ("cross_attention", "multihead_attn"), (".output.", ".out_proj."),
         ("feed_forward.inner", "linear1"), ("feed_forward.outer", "linear2"))
run = sys.argv[1]
config, tensors, state = json.load(open(f"{run}/config.json")), load_file(f"{run}/model.safetensors"), {}
for name in tensors:
    theirs = re.sub(r"\.(query|key|value)\.", ".in_proj_", name)
    for ours, other in NAMES:
        theirs = theirs.replace(ours, other)
    print(f"{name:58} {theirs}")
    if ".key." not in name and ".value." not in name:  # they lie behind the query, in one tensor
        parts = dict.fromkeys(name.replace(".query.", f".{part}.") for part in ("query", "key", "value"))
        state[theirs] = torch.cat([tensors[part] for part in parts])
model = torch.nn.Transformer(config["d_model"], config["heads"], config["layers"], config["layers"], config["ff"],
                             activation=config["activation"], norm_first=config["norm"] == "pre", batch_first=True)
model.load_state_dict({name: state[name] for name in state if name.startswith(("encoder.", "decoder."))})
model.eval()

def embed(ids, side):
    count, width = len(ids), config["d_model"]
    angles = torch.arange(count)[:, None] / 10000 ** (torch.arange(0, width, 2) / width)
    sinusoids = torch.stack([angles.sin(), angles.cos()], dim=2).flatten(1)
    positions = state.get(f"{side}_positions.weight", sinusoids)[:count]
    return (state[f"{side}_embedding.weight"][ids] * width**0.5 + positions)[None]

for sentence in sys.argv[2:]:
    source, target = (open(f"{run}/{side}.vocab").read().split("\n") for side in ("source", "target"))
    read = [source.index(word) if word in source else 3 for word in sentence.split()] + [2]  # 2 is <eos>, 3 <unk>
    words, generator = [1], state.get("generator.weight", state["target_embedding.weight"])  # 1 is <bos>
    while words[-1] != 2 and len(words) < 2 * len(read) + 10:
        mask = model.generate_square_subsequent_mask(len(words))
        y = model(embed(read, "source"), embed(words, "target"), tgt_mask=mask)[0, -1]
        logits = generator @ y + state["generator.bias"]
        logits[[0, 1, 3]] = -torch.inf  # <pad>, <bos>, <unk>
        words.append(int(logits.argmax()))
    print(" ".join(target[word] for word in words[1:] if word != 2))
