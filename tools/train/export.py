#!/usr/bin/env python3
"""Writes a checkpoint of the demo model as GGUF.

python3 export.py FOLDER --out model.gguf --type q8_0 [--checkpoint FILE]
"""

import argparse
import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "convert"))

import gguf_file
from vocabulary_keys import Vocabulary

NAME = "Rewind demo"
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
SETTINGS = {"eos_token": "<|im_end|>", "pad_token": "<|padding|>", "chat_template": TEMPLATE}

BLOCK = {
    "norm.weight": "attn_norm.weight",
    "ff_norm.weight": "post_attention_norm.weight",
    "ff.gate.weight": "ffn_gate.weight",
    "ff.up.weight": "ffn_up.weight",
    "ff.down.weight": "ffn_down.weight",
}
DELTA_NET = {
    "qkv.weight": "attn_qkv.weight",
    "gate.weight": "attn_gate.weight",
    "alpha.weight": "ssm_alpha.weight",
    "beta.weight": "ssm_beta.weight",
    "conv": "ssm_conv1d.weight",
    "dt_bias": "ssm_dt.bias",
    "a_log": "ssm_a",
    "norm.weight": "ssm_norm.weight",
    "out.weight": "ssm_out.weight",
}
ATTENTION = {
    "q.weight": "attn_q.weight",
    "k.weight": "attn_k.weight",
    "v.weight": "attn_v.weight",
    "q_norm.weight": "attn_q_norm.weight",
    "k_norm.weight": "attn_k_norm.weight",
    "out.weight": "attn_output.weight",
}
MTP = {
    "embedding_norm.weight": "nextn.enorm.weight",
    "hidden_norm.weight": "nextn.hnorm.weight",
    "joined.weight": "nextn.eh_proj.weight",
    "norm.weight": "nextn.shared_head_norm.weight",
}
WHOLE = {"embedding.weight": "token_embd.weight", "norm.weight": "output_norm.weight"}


def names(p):
    """Of a parameter here -> of the tensor in the file. The head is the embedding."""
    out = dict(WHOLE)
    for i in range(p.layers + 1):
        source = f"blocks.{i}." if i < p.layers else "mtp.block."
        mixer = DELTA_NET if i < p.layers and p.recurrent(i) else ATTENTION
        table = BLOCK | {f"mixer.{ours}": theirs for ours, theirs in mixer.items()}
        out |= {source + ours: f"blk.{i}.{theirs}" for ours, theirs in table.items()}
    return out | {f"mtp.{ours}": f"blk.{p.layers}.{theirs}" for ours, theirs in MTP.items()}


def metadata(p):
    quarter = p.rope_dims // 2 // 3
    keys = {
        "block_count": p.layers + 1,
        "nextn_predict_layers": 1,
        "context_length": p.context,
        "embedding_length": p.width,
        "feed_forward_length": p.ff,
        "attention.head_count": p.heads,
        "attention.head_count_kv": p.kv_heads,
        "attention.key_length": p.head_dim,
        "attention.value_length": p.head_dim,
        "attention.layer_norm_rms_epsilon": float(p.eps),
        "rope.freq_base": float(p.rope_base),
        "rope.dimension_count": p.rope_dims,
        "rope.dimension_sections": [p.rope_dims // 2 - 2 * quarter, quarter, quarter, 0],
        "ssm.conv_kernel": p.conv,
        "ssm.state_size": p.state,
        "ssm.group_count": p.k_heads,
        "ssm.time_step_rank": p.v_heads,
        "ssm.inner_size": p.v_heads * p.state,
        "full_attention_interval": p.interval,
    }
    return {"general.type": "model", "general.name": NAME} | {f"qwen35.{key}": value for key, value in keys.items()}


def export(model, tokenizer_file, out, kind):
    state, table = model.state_dict(), names(model.p)
    if missing := set(state) ^ set(table):
        raise SystemExit(f"export: parameters and names differ: {sorted(missing)}")
    tensors = []
    for ours, theirs in table.items():
        values = -state[ours].exp() if theirs.endswith("ssm_a") else state[ours]
        tensors.append(gguf_file.Tensor(theirs, tuple(values.shape), lambda values=values: values.numpy()))
    vocabulary = Vocabulary(tokenizer_file, model.p.vocab, SETTINGS)
    return gguf_file.write(out, "qwen35", metadata(model.p), vocabulary, tensors, gguf_file.RECIPES[kind])


def main():
    from accept import load

    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--out", type=Path, required=True)
    arguments.add_argument("--type", choices=list(gguf_file.RECIPES), default="q8_0")
    arguments.add_argument("--checkpoint", type=Path)
    options = arguments.parse_args()
    torch.set_num_threads(1)
    model, saved = load(options.checkpoint or options.folder / "last.pt")
    size = export(model, options.folder / "tokenizer.json", options.out, options.type)
    print(f"{options.out}: step {saved['step']}, {size / 2**20:.2f} MiB of tensors")


if __name__ == "__main__":
    main()
