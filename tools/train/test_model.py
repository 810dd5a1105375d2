#!/usr/bin/env python3
"""Tests of the training side, run by hand: python3 -m unittest discover -s tools/train"""

import sys
import tempfile
import unittest
from pathlib import Path

import torch

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "goldens")]

import accept
import export
import gdn
import random_model
from definition import Hybrid
from model import Geometry, Model


def small(vocab=random_model.VOCABULARY):
    torch.manual_seed(0)
    model = Model(Geometry(vocab=vocab, width=64, ff=96, layers=4, heads=2, kv_heads=1))
    for p in model.parameters():  # norms and the like away from their start
        p.data += 0.1 * torch.randn_like(p)
    return model.double().eval()


def tokens(*shape):
    return torch.randint(0, random_model.VOCABULARY, shape, generator=torch.Generator().manual_seed(1))


class Recurrence(unittest.TestCase):
    def test_chunks_are_the_recurrence(self):
        self.assertLess(gdn.check(), 1e-12)


class Whole(unittest.TestCase):
    def setUp(self):
        self.model = small()

    @torch.no_grad()
    def test_calls_of_any_length(self):
        t, cache = tokens(2, 64), self.model.cache(2)
        parts = [self.model(part, cache) for part in t.split([32, 1, 1, 7, 23], 1)]
        torch.testing.assert_close(torch.cat(parts, 1), self.model(t))

    @torch.no_grad()
    def test_chained_rows_are_those_of_a_draft(self):
        t, head = tokens(1, 24), self.model.mtp
        hidden, embedded = self.model(t), self.model.embedding(t)
        rows = head.chain(embedded, hidden, 4)
        before = torch.nn.functional.pad(hidden, (0, 0, 1, 0))
        for start in (0, 1, 2, 9, 20):
            empty = hidden.new_zeros(1, self.model.p.heads, 0, self.model.p.head_dim)
            cache, own = {"k": empty, "v": empty}, None
            for p in range(start + 4):
                source = before[:, p : p + 1] if p <= start else own
                own = head.norm(head.block(head.enter(embedded[:, p : p + 1], source), cache))
                if p >= start:
                    torch.testing.assert_close(own, rows[p - start][:, p : p + 1])

    @torch.no_grad()
    def test_acceptance_is_that_of_drafting(self):
        """Counted from rows computed at once, and by drafting; with a vocabulary of three some are met by chance."""
        self.model = small(vocab=3)
        text = tokens(160) % 3
        _, accepts, count = accept.rounds(self.model, text, 32, 3)
        self.assertTrue(accepts[0] > accepts[1] > accepts[2] > 0, accepts)
        hidden, last, plain, n = self.model(text[None]), 32, [0, 0, 0], 0
        while last + 4 < len(text):
            accepted = 0
            while accepted < 3:
                drafted = text[None, : last + 1 + accepted]
                rows = self.model.mtp.chain(self.model.embedding(drafted), hidden[:, : drafted.shape[1]], accepted + 1)
                row = rows[accepted][0, -1]
                if self.model.logits(row).argmax() != text[last + accepted + 1]:
                    break
                plain[accepted] += 1
                accepted += 1
            last, n = last + accepted + 1, n + 1
        self.assertEqual((accepts, count), (plain, n))

    @torch.no_grad()
    def test_the_file_has_the_model(self):
        model = self.model.float()
        with tempfile.TemporaryDirectory() as folder:
            random_model.write_tokenizer(Path(folder), marks=True)
            out = Path(folder) / "model.gguf"
            export.export(model, Path(folder) / "tokenizer.json", out, "f32")
            file, t = Hybrid(out), tokens(48)
        model = model.double()
        hidden = model(t[None])
        self.assertEqual(file.recurrent, [True, True, True, False])
        torch.testing.assert_close(file.logits(file.hidden(t)), model.logits(hidden)[0], rtol=1e-5, atol=1e-5)
        row = model.mtp.chain(model.embedding(t[None]), hidden, 1)[0]
        torch.testing.assert_close(file.mtp_logits(t, hidden[0]), model.logits(row)[0], rtol=1e-5, atol=1e-5)


if __name__ == "__main__":
    unittest.main()
