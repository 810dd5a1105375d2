#!/usr/bin/env python3
"""Tests of the converter, run by hand: python3 -m unittest discover -s tools/convert

That values are right is what making the golden models shows (tools/goldens/make.py); here is the rest.
"""

import json
import sys
import tempfile
import unittest
from pathlib import Path

import gguf
import numpy as np
import torch
from safetensors.torch import load_file, save_file

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "goldens")]

import random_model
from checkpoint import Problem
from convert import convert

KINDS = {name: getattr(gguf.GGMLQuantizationType, name.upper()) for name in ("f32", "f16", "bf16", "q8_0")}


class Folder(unittest.TestCase):
    architecture = "qwen35"

    def setUp(self):
        self.place = tempfile.TemporaryDirectory()
        self.addCleanup(self.place.cleanup)
        self.folder = Path(self.place.name) / "checkpoint"
        shape = {"layer_types": ["linear_attention", "full_attention"], "num_hidden_layers": 2}
        _, config, model, mtp = random_model.make(self.architecture, 1, **shape)
        random_model.save(self.folder, config, model, mtp)

    def convert(self, kind="f32", **options):
        out = Path(self.place.name) / "out.gguf"
        convert(self.folder, out, kind, **options)
        reader = gguf.GGUFReader(out)
        return {t.name: t for t in reader.tensors}, {k: f.contents() for k, f in reader.fields.items()}

    def refused(self, part, **options):
        with self.assertRaises(Problem) as caught:
            self.convert(**options)
        self.assertIn(part, str(caught.exception))
        self.assertEqual([p.name for p in Path(self.place.name).iterdir()], ["checkpoint"], "something is left behind")

    def change_config(self, **values):
        path = self.folder / "config.json"
        config = json.loads(path.read_text())
        for key, value in values.items():
            config.pop(key, None) if value is None else config.update({key: value})
        path.write_text(json.dumps(config))

    def change_tensors(self, change):
        path = self.folder / "model.safetensors"
        save_file(change(load_file(path)), path)


class Files(Folder):
    def test_graft_none_and_only(self):
        both, keys = self.convert()
        self.assertEqual((keys["qwen35.block_count"], keys["qwen35.nextn_predict_layers"]), (3, 1))
        trunk, keys = self.convert(mtp="none")
        self.assertEqual(keys["qwen35.block_count"], 2)
        self.assertNotIn("qwen35.nextn_predict_layers", keys)
        only, keys = self.convert(mtp="only")
        self.assertEqual((keys["qwen35.block_count"], keys["qwen35.nextn_predict_layers"]), (3, 1))
        shared = {"token_embd.weight", "output_norm.weight", "output.weight"}
        self.assertEqual(set(trunk) & set(only), shared)
        self.assertEqual(set(trunk) | set(only), set(both))

    def test_types(self):
        for name, kind in KINDS.items():
            tensors, keys = self.convert(name)
            for t in tensors.values():
                matrix = len(t.shape) > 1 and "conv1d" not in t.name
                self.assertEqual(t.tensor_type, kind if matrix else KINDS["f32"], t.name)

    def test_rows_that_are_not_whole_blocks(self):
        """ssm_out of inner size 48: F16 instead of Q8_0."""
        _, config, model, mtp = random_model.make(
            "qwen35",
            1,
            linear_num_value_heads=3,
            linear_num_key_heads=1,
            layer_types=["linear_attention", "full_attention"],
            num_hidden_layers=2,
        )
        self.folder = self.folder.parent / "other"
        random_model.save(self.folder, config, model, mtp)
        tensors, _ = self.convert("q8_0")
        self.assertEqual(tensors["blk.0.ssm_out.weight"].tensor_type, KINDS["f16"])
        self.assertEqual(tensors["blk.0.attn_qkv.weight"].tensor_type, KINDS["q8_0"])

    def test_bf16_checkpoints_keep_their_bits(self):
        self.change_tensors(lambda tensors: {name: t.bfloat16() for name, t in tensors.items()})
        tensors, _ = self.convert("bf16")
        source = load_file(self.folder / "model.safetensors")["model.layers.1.self_attn.k_proj.weight"]
        self.assertTrue(
            np.array_equal(tensors["blk.1.attn_k.weight"].data.view(np.uint16), source.view(torch.uint16).numpy())
        )

    def test_vocabulary(self):
        _, keys = self.convert()
        self.assertEqual(keys["tokenizer.ggml.pre"], "qwen35")
        self.assertEqual(len(keys["tokenizer.ggml.tokens"]), random_model.VOCABULARY)
        self.assertEqual(keys["tokenizer.ggml.token_type"][260:268], [1, 1, 3, 3, 3, 5, 5, 5])
        self.assertEqual(keys["tokenizer.ggml.tokens"][keys["tokenizer.ggml.eos_token_id"]], "<|im_end|>")
        self.assertEqual(keys["tokenizer.chat_template"], random_model.TEMPLATE)

    def test_layers_without_an_interval(self):
        self.change_config(layer_types=["full_attention", "linear_attention"])
        self.change_tensors(lambda tensors: {swap_layers(name): t for name, t in tensors.items()})
        _, keys = self.convert()
        self.assertEqual(keys["qwen35.attention.recurrent_layers"], [False, True, False])
        self.assertNotIn("qwen35.full_attention_interval", keys)


def swap_layers(name):
    if not name.startswith("model.layers."):
        return name
    return (
        name.replace("model.layers.0.", "model.layers.x.")
        .replace("layers.1.", "layers.0.")
        .replace("layers.x.", "layers.1.")
    )


class Refusals(Folder):
    def test_missing_files(self):
        (self.folder / "tokenizer.json").unlink()
        self.refused("tokenizer.json is missing")
        (self.folder / "model.safetensors").unlink()
        self.refused("has no *.safetensors")
        (self.folder / "config.json").write_text("{")
        self.refused("config.json is not JSON")
        (self.folder / "config.json").unlink()
        self.refused("config.json is missing")

    def test_missing_keys(self):
        for key in ("linear_num_key_heads", "num_attention_heads", "intermediate_size", "rms_norm_eps"):
            saved = (self.folder / "config.json").read_text()
            self.change_config(**{key: None})
            self.refused(f"'{key}' is missing")
            (self.folder / "config.json").write_text(saved)

    def test_other_models(self):
        self.change_config(model_type="llama")
        self.refused("model_type 'llama' is not one of")

    def test_missing_tensors(self):
        name = "model.layers.1.self_attn.k_norm.weight"
        self.change_tensors(lambda tensors: {n: t for n, t in tensors.items() if n != name})
        self.refused(f"tensor '{name}' [32] is missing")

    def test_wrong_shapes(self):
        name = "model.layers.0.mlp.up_proj.weight"
        self.change_tensors(lambda tensors: tensors | {name: tensors[name][:-1].contiguous()})
        self.refused(f"tensor '{name}': expected [64, 32], found [63, 32]")

    def test_tensors_without_a_place(self):
        self.change_tensors(lambda tensors: tensors | {"model.layers.0.mlp.up_proj.bias": torch.zeros(64)})
        self.refused("have no place in qwen35: model.layers.0.mlp.up_proj.bias")

    def test_no_mtp_block(self):
        self.change_tensors(lambda tensors: {n: t for n, t in tensors.items() if not n.startswith("mtp.")})
        self.refused("convert it with --mtp none")
        self.convert(mtp="none")

    def test_quantised_checkpoints(self):
        name = "model.layers.0.mlp.up_proj.weight"
        self.change_tensors(lambda tensors: tensors | {name: tensors[name].to(torch.float8_e4m3fn)})
        self.refused("type F8_E4M3 is not one of")

    def test_files_cut_off(self):
        path = self.folder / "model.safetensors"
        whole = path.read_bytes()
        for length in (4, 100, len(whole) - 1):
            path.write_bytes(whole[:length])
            self.refused("is cut off")

    def test_a_lost_shard(self):
        weights = {"weight_map": {"model.layers.9.x": "model-00002-of-00002.safetensors"}}
        (self.folder / "model.safetensors.index.json").write_text(json.dumps(weights))
        self.refused("'model-00002-of-00002.safetensors', which is missing")

    def test_other_tokenizers(self):
        path = self.folder / "tokenizer.json"
        tokenizer = json.loads(path.read_text())
        path.write_text(json.dumps(tokenizer | {"pre_tokenizer": {"type": "Whitespace"}}))
        self.refused("is not that of the qwen2 or qwen35 family")
        for key in ("merges", "vocab"):
            for empty in ({key: []}, {}):
                model = {k: v for k, v in tokenizer["model"].items() if k != key} | empty
                path.write_text(json.dumps(tokenizer | {"model": model}))
                self.refused(f"its BPE model has no {key}")
        tokenizer["model"]["vocab"]["far"] = random_model.VOCABULARY
        path.write_text(json.dumps(tokenizer))
        self.refused(f"but the embedding has {random_model.VOCABULARY} rows")


class Next(Folder):
    architecture = "qwen3next"

    def test_fused_input(self):
        fused, _ = self.convert(fused_input=True)
        parted, keys = self.convert()
        self.assertEqual(keys["tokenizer.ggml.pre"], "qwen2")
        self.assertEqual(
            set(fused) ^ set(parted), {"blk.0.ssm_in.weight", "blk.0.attn_qkv.weight", "blk.0.attn_gate.weight"}
        )


if __name__ == "__main__":
    unittest.main()
