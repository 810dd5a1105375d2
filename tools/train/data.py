"""The corpus as tokens, and batches that depend on (seed, step) alone, so that training resumes where it stopped."""

import numpy as np
import torch
from tokenizers import Tokenizer

from vocabulary import END, SHARES, START, STOP, read_corpus

CHAT_SHARE = 0.08


def conversation(paragraphs):
    """A user who gives a passage and a reply that goes on with it: what the ChatML form means to this model."""
    out = ""
    for user, reply in zip(paragraphs[::2], paragraphs[1::2]):
        out += f"{START}user\n{user}{STOP}\n{START}assistant\n{reply}{STOP}\n"
    return out


def passages(document, size=400):
    """The document in pieces of about `size` characters, cut at its own breaks."""
    cut = "\n" if document["kind"] == "scripture" else "\n\n"
    pieces = [""]
    for part in document["text"].split(cut):
        if len(pieces[-1]) > size:
            pieces.append("")
        pieces[-1] += (cut if pieces[-1] else "") + part
    return pieces


class Corpus:
    def __init__(self, folder, split):
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.documents = read_corpus(folder, split)
        cache = folder / f"tokens_{split}.npz"
        if not cache.exists():
            np.savez(cache, **{kind: self._stream(kind) for kind in [*SHARES, "chat"]})
        self.streams = dict(np.load(cache))

    def _stream(self, kind):
        if kind == "chat":
            texts = [conversation(passages(d)) for d in self.documents]
        else:
            texts = [d["text"] for d in self.documents if d["kind"] == kind]
        order = np.random.default_rng(1).permutation(len(texts))
        end = self.tokenizer.token_to_id(END)
        encoded = self.tokenizer.encode_batch([texts[i] for i in order])
        return np.concatenate([np.array([*e.ids, end], np.int32) for e in encoded])

    def batch(self, seed, step, rows, length):
        """[rows, length + 1] tokens: kinds in their shares, each row from anywhere in its kind."""
        chance = np.random.default_rng([seed, step])
        shares = {kind: share * (1 - CHAT_SHARE) for kind, share in SHARES.items()} | {"chat": CHAT_SHARE}
        out = np.empty((rows, length + 1), np.int64)
        for row in out:
            stream = self.streams[chance.choice(list(shares), p=list(shares.values()))]
            at = chance.integers(len(stream) - length - 1)
            row[:] = stream[at : at + length + 1]
        return torch.from_numpy(out)

    def windows(self, kind, count, length):
        """[count, length + 1] tokens at even distances in one kind, for measuring; [0, ...] when it is too short."""
        stream = self.streams[kind]
        starts = np.linspace(0, max(len(stream) - length - 1, 0), count).astype(int) if len(stream) > length else []
        return torch.from_numpy(
            np.array([stream[s : s + length + 1] for s in starts], np.int64).reshape(-1, length + 1)
        )
