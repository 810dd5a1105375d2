#!/usr/bin/env python3
"""Trains the byte-level BPE vocabulary on the training split of FOLDER/corpus.jsonl: FOLDER/tokenizer.json.

Ids: 0..255 the bytes, then what the merges make, then the control tokens of ChatML.
"""

import argparse
import json
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

# The pre-tokenizer of the qwen35 family.
SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
END, START, STOP, PAD = SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|padding|>"]
# Share of each kind in what is seen in training; the code alone is as large as novels and scripture together.
SHARES = {"novels": 0.32, "scripture": 0.25, "code": 0.25, "manual": 0.04, "entries": 0.14}


def byte_letters():
    own = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [b for b in range(256) if b not in own]
    return [chr(b) if b in own else chr(0x100 + others.index(b)) for b in range(256)]


def read_corpus(folder, split):
    with open(Path(folder) / "corpus.jsonl", encoding="utf-8") as lines:
        return [document for line in lines if (document := json.loads(line))["split"] == split]


def train(folder, size):
    documents = read_corpus(folder, "train")
    total = {kind: sum(len(d["text"]) for d in documents if d["kind"] == kind) for kind in SHARES}
    least = min(total[kind] / share for kind, share in SHARES.items() if kind != "manual")
    texts = []  # kinds in their shares: a prefix of each
    for kind, share in SHARES.items():
        left = share * least
        for document in (d for d in documents if d["kind"] == kind):
            texts.append(document["text"])
            left -= len(document["text"])
            if left < 0:
                break
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(SPLIT), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    trainer = trainers.BpeTrainer(vocab_size=size - len(SPECIAL), initial_alphabet=byte_letters(), show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)

    # The trainer numbers the alphabet by code point; here a byte is its own number.
    merges = [tuple(pair) for pair in json.loads(tokenizer.to_str())["model"]["merges"]]
    vocabulary = {token: i for i, token in enumerate([*byte_letters(), *(a + b for a, b in merges)])}
    assert len(vocabulary) == 256 + len(merges)
    split = tokenizer.pre_tokenizer
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    tokenizer.pre_tokenizer = split
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(text, special=True, normalized=False) for text in SPECIAL])
    assert tokenizer.get_vocab_size() == size, tokenizer.get_vocab_size()
    return tokenizer


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--size", type=int, default=3072)
    options = arguments.parse_args()
    tokenizer = train(options.folder, options.size)
    tokenizer.save(str(options.folder / "tokenizer.json"))
    for kind in SHARES:
        text = "\n".join(d["text"] for d in read_corpus(options.folder, "held_out") if d["kind"] == kind)
        print(f"{kind:10} {len(text.encode()) / len(tokenizer.encode(text).ids):.2f} bytes a token, held out")


if __name__ == "__main__":
    main()
