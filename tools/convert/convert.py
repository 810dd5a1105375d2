#!/usr/bin/env python3
"""Converts a Hugging Face folder of the Qwen3.5 / Qwen3-Next family (safetensors, config.json, tokenizer.json) to GGUF.

pip install gguf numpy
python3 convert.py FOLDER --out model.gguf                 # trunk and MTP block in one file
python3 convert.py FOLDER --out model.gguf --mtp none      # the trunk alone
python3 convert.py FOLDER --out mtp-model.gguf --mtp only  # the MTP block, with embedding, final norm and head
"""

import argparse
import sys
from pathlib import Path

import gguf_file
from checkpoint import Config, Problem, Tensors
from family import Family
from vocabulary_keys import Vocabulary


def convert(folder, out, recipe="f32", mtp="graft", fused_input=False, name=None):
    if not folder.is_dir():
        raise Problem(f"{folder} is not a folder")
    family = Family(Config(folder / "config.json"), Tensors(folder), mtp, fused_input)
    tensors = family.tensors_of_file()
    metadata = {"general.type": "model", "general.name": name or folder.resolve().name} | family.metadata()
    vocabulary = Vocabulary(folder / "tokenizer.json", family.vocab)
    recipe = gguf_file.RECIPES[recipe] if isinstance(recipe, str) else recipe
    whole = Path(f"{out}.part")
    try:
        size = gguf_file.write(whole, family.architecture, metadata, vocabulary, tensors, recipe)
        whole.rename(out)
    finally:
        whole.unlink(missing_ok=True)
    return f"{out}: {family.architecture}, {len(tensors)} tensors, {size / 1e6:.1f} MB"


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--out", type=Path, required=True)
    arguments.add_argument(
        "--type", choices=list(gguf_file.RECIPES), default="bf16", help="of matrices; the rest is F32"
    )
    arguments.add_argument("--mtp", choices=["graft", "none", "only"], default="graft")
    arguments.add_argument("--fused-input", action="store_true", help="qwen3next: ssm_in, as older files have it")
    arguments.add_argument("--name", help="general.name; the folder's name if not given")
    options = arguments.parse_args()
    try:
        print(convert(options.folder, options.out, options.type, options.mtp, options.fused_input, options.name))
    except Problem as e:
        sys.exit(f"convert: {e}")
    except OSError as e:
        sys.exit(f"convert: {e.filename}: {e.strerror}")


if __name__ == "__main__":
    main()
