#!/usr/bin/env python3
"""Makes the golden models of the runtime tests: GGUF files of random weights and the logits that belong to them.

    pip install torch transformers tokenizers safetensors gguf numpy
    python3 make.py [--out FOLDER]        # default: tests/runtime/goldens/models

The logits of F32 files come from transformers' classes in float64. The same file is then read and computed by
definition.py, which shares nothing with them: both must agree before anything is written. Files of other types have
what definition.py says of their dequantised weights.
"""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from gguf import GGMLQuantizationType as Type

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "convert"))

import gguf_file
import k_quants
import random_model
from convert import convert
from definition import Hybrid

COUNT = 40
LONG = 64  # a prompt that is multiplied by the kernels for prompts on every device
RECURRENT, ATTENTION = "linear_attention", "full_attention"
AGREE = 1e-11  # NMSE; weights of the file are rounded to float32 after + 1 and exp


def nmse(a, b):
    return ((a - b).square().sum() / b.square().sum()).item()


def tokens_of(seed, count=COUNT):
    """Bytes, merged tokens and one control token."""
    tokens = torch.randint(0, 262, (count,), generator=torch.Generator().manual_seed(seed))
    tokens[7] = 263
    return tokens


def image_positions():
    """Text, then a picture of 3 x 5 places, then text that goes on behind the larger of its sides: [3, COUNT]."""
    text = torch.arange(10).expand(3, -1)
    picture = torch.stack([torch.zeros(15, dtype=torch.long), torch.arange(15) // 5, torch.arange(15) % 5]) + 10
    return torch.cat([text, picture, torch.arange(15, 15 + COUNT - 25).expand(3, -1)], 1)


def store(path, rows):
    np.save(path, rows.numpy().astype(np.float32))


class Maker:
    def __init__(self, out):
        self.out, self.work = out, Path(tempfile.mkdtemp())

    def model(self, name, architecture, seed, wrapped=False, fused_input=False, mtp_own=False, **shape):
        """NAME.gguf with trunk and MTP block, NAME.tokens.npy, NAME.logits.npy, NAME.mtp.npy."""
        modeling, config, model, mtp = random_model.make(architecture, seed, mtp_own, **shape)
        folder = self.work / name
        random_model.save(folder, config, model, mtp, wrapped)
        file = self.out / f"{name}.gguf"
        print(convert(folder, file, "f32", fused_input=fused_input, name=name))
        tokens = tokens_of(seed)
        hidden, logits = random_model.trunk(modeling, model, tokens[None])
        mtp_logits = mtp.logits(model, tokens[None], hidden)
        self.compare(name, Hybrid(file), tokens, logits[0], mtp_logits[0])
        self.write(name, tokens, logits[0], mtp_logits[0])
        return folder, modeling, model, mtp, tokens

    @staticmethod
    def compare(name, definition, tokens, logits, mtp_logits, positions=None):
        hidden = definition.hidden(tokens, positions)
        errors = [
            nmse(definition.logits(hidden), logits),
            nmse(definition.mtp_logits(tokens, hidden, positions), mtp_logits),
        ]
        print(f"  {name}: transformers and the definition differ by NMSE {', '.join(f'{e:.1e}' for e in errors)}")
        assert max(errors) < AGREE

    def write(self, name, tokens, logits, mtp_logits):
        np.save(self.out / f"{name}.tokens.npy", tokens.numpy().astype(np.int32))
        store(self.out / f"{name}.logits.npy", logits)
        store(self.out / f"{name}.mtp.npy", mtp_logits)

    def defined(self, name, tokens, suffix=""):
        definition = Hybrid(self.out / f"{name}.gguf")
        hidden = definition.hidden(tokens)
        self.write(name + suffix, tokens, definition.logits(hidden), definition.mtp_logits(tokens, hidden))

    def dense(self):
        """The grafted file, the same in two files, and the same tokens as a picture among text."""
        name = "qwen35"
        folder, modeling, model, mtp, tokens = self.model(name, "qwen35", 1, wrapped=True)
        print(convert(folder, self.out / f"{name}-trunk.gguf", "f32", mtp="none", name=name))
        print(convert(folder, self.out / f"mtp-{name}.gguf", "f32", mtp="only", name=name))
        logits, mtp_logits = (np.load(self.out / f"{name}.{kind}.npy") for kind in ("logits", "mtp"))
        split = Hybrid(self.out / f"{name}-trunk.gguf", self.out / f"mtp-{name}.gguf")
        self.compare("the two files", split, tokens, torch.tensor(logits), torch.tensor(mtp_logits))
        positions = image_positions()
        hidden, logits = random_model.trunk(modeling, model, tokens[None], positions[:, None])
        mtp_logits = mtp.logits(model, tokens[None], hidden, positions[:, None])
        self.compare(f"{name}-picture", Hybrid(self.out / f"{name}.gguf"), tokens, logits[0], mtp_logits[0], positions)
        np.save(self.out / f"{name}-picture.positions.npy", positions.numpy().astype(np.int32))
        self.write(f"{name}-picture", tokens, logits[0], mtp_logits[0])

    def quantised(self):
        modeling, config, model, mtp = random_model.make(
            "qwen35",
            5,
            hidden_size=64,
            linear_key_head_dim=32,
            linear_value_head_dim=32,
            tie_word_embeddings=True,
            num_hidden_layers=2,
            layer_types=[RECURRENT, ATTENTION],
        )
        random_model.save(self.work / "q8_0", config, model, mtp)
        print(convert(self.work / "q8_0", self.out / "qwen35-q8_0.gguf", "q8_0"))
        self.defined("qwen35-q8_0", tokens_of(5))
        self.defined("qwen35-q8_0", tokens_of(8, LONG), "-long")

        modeling, config, model, mtp = random_model.make(
            "qwen35",
            6,
            hidden_size=256,
            num_hidden_layers=2,
            num_attention_heads=2,
            num_key_value_heads=1,
            tie_word_embeddings=True,
            layer_types=[RECURRENT, ATTENTION],
        )
        random_model.save(self.work / "mixed", config, model, mtp)
        mixed = gguf_file.Recipe(15, mixed_type, k_quants.encode)
        print(convert(self.work / "mixed", self.out / "qwen35-q4_k.gguf", mixed))
        self.defined("qwen35-q4_k", tokens_of(6))


def mixed_type(name, shape):
    """As files named Q4_K_M mix them: Q6_K for the head and what is like values, other types where rows are short."""
    if gguf_file.stays_f32(name, shape):
        return Type.F32
    if shape[-1] % 256:
        return Type.Q5_0 if shape[-1] % 64 == 0 else Type.Q8_0
    return (
        Type.Q6_K
        if name.startswith("token_embd") or "attn_v" in name or "attn_qkv" in name or "ffn_down" in name
        else Type.Q4_K
    )


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--out", type=Path, default=HERE.parents[1] / "tests/runtime/goldens/models")
    options = arguments.parse_args()
    torch.set_num_threads(1)
    options.out.mkdir(parents=True, exist_ok=True)
    maker = Maker(options.out)
    try:
        maker.dense()
        maker.model(
            "qwen35-mtp_own", "qwen35", 7, mtp_own=True, num_hidden_layers=2, layer_types=[RECURRENT, ATTENTION]
        )
        maker.model("qwen35moe", "qwen35moe", 2, num_hidden_layers=2, layer_types=[RECURRENT, ATTENTION])
        maker.model("qwen3next", "qwen3next", 3, num_hidden_layers=3, layer_types=[ATTENTION, RECURRENT, RECURRENT])
        maker.model(
            "qwen3next-ssm_in",
            "qwen3next",
            4,
            fused_input=True,
            num_hidden_layers=2,
            layer_types=[RECURRENT, ATTENTION],
        )
        maker.quantised()
    finally:
        shutil.rmtree(maker.work)


if __name__ == "__main__":
    main()
