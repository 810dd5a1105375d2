#!/usr/bin/env python3
"""How many drafted tokens of the MTP head the trunk agrees with: greedy, over nine held-out prompts of different kinds.

    python3 accept.py FOLDER [--checkpoint FILE] [--tokens 192] [--n-max 3] [--write-prompts FILE]

The text is written by the trunk alone, token by token. What a draft at any of its positions would have been is then
computed for all positions at once: a draft is checked only as far as it equals the text, so the text may stand for it.
"""

import argparse
import json
from pathlib import Path

import torch
from tokenizers import Tokenizer

from data import conversation, passages
from model import Geometry, Model
from vocabulary import STOP, read_corpus

PROMPTS = [
    ("novels", 4),
    ("novels", 17),
    ("scripture", 2),
    ("scripture", 20),
    ("code", 4),
    ("code", 15),
    ("manual", 0),
    ("entries", 3),
    ("chat", 9),
]
PROMPT_TOKENS = 64


def load(path):
    saved = torch.load(path, map_location="cpu", weights_only=True)
    model = Model(Geometry(**saved["geometry"]))
    model.load_state_dict(saved["model"])
    return model.eval(), saved


def prompts(folder, tokenizer):
    """(kind, text) of held-out documents, PROMPT_TOKENS long and cut so that the text has the same tokens again."""
    documents = read_corpus(folder, "held_out")
    for kind, index in PROMPTS:
        of_kind = [d for d in documents if kind in (d["kind"], "chat")]
        pieces = passages(of_kind[index % len(of_kind)])
        for first, frame in ((f, c) for f in range(1, len(pieces)) for c in (range(8, 24) if kind == "chat" else (0,))):
            text = tokenizer.decode(tokenizer.encode("\n\n".join(pieces[first:])).ids[: PROMPT_TOKENS - frame])
            if kind == "chat":
                text = conversation([text, ""]).rsplit(STOP, 1)[0]
            if len(tokenizer.encode(text).ids) == PROMPT_TOKENS:
                yield kind, text
                break
        else:
            raise SystemExit(f"no prompt of {PROMPT_TOKENS} tokens in document {index} of {kind}")


@torch.no_grad()
def write(model, tokens, count, temperature=0.0, generator=None):
    """tokens: [B, T]. Returns [B, T + count]."""
    cache = model.cache(tokens.shape[0])
    cut = tokens.shape[1] // 32 * 32
    parts = [part for part in (tokens[:, :cut], tokens[:, cut:]) if part.shape[1]]
    for part in parts:
        hidden = model(part, cache)
    for _ in range(count):
        logits = model.logits(hidden[:, -1])
        if temperature:
            new = torch.multinomial((logits / temperature).softmax(-1), 1, generator=generator)
        else:
            new = logits.argmax(-1, keepdim=True)
        tokens = torch.cat([tokens, new], 1)
        hidden = model(new, cache)
    return tokens


@torch.no_grad()
def rounds(model, tokens, begin, n_max):
    """tokens: [T], of which those from `begin` on were written. Returns tries and accepts by position, and rounds."""
    rows = tokens.unsqueeze(0)
    hidden = model(rows)
    drafts = [model.logits(row)[0].argmax(-1) for row in model.mtp.chain(model.embedding(rows), hidden, n_max)]
    tries, accepts, count, last = [0] * n_max, [0] * n_max, 0, begin
    while last + n_max + 1 < len(tokens):
        accepted = 0
        while accepted < n_max:
            tries[accepted] += 1
            if drafts[accepted][last + accepted] != tokens[last + accepted + 1]:
                break
            accepts[accepted] += 1
            accepted += 1
        last += accepted + 1
        count += 1
    return tries, accepts, count


def measure(model, folder, tokenizer, count=192, n_max=3, temperature=0.0):
    results, begun = [], list(prompts(folder, tokenizer))
    device = model.norm.weight.device
    ids = torch.tensor([tokenizer.encode(text).ids for _, text in begun], device=device)
    written = write(model, ids, count, temperature, torch.Generator(device).manual_seed(1))
    for (kind, text), out in zip(begun, written):
        tries, accepts, n = rounds(model, out, PROMPT_TOKENS, n_max)
        results.append(
            {
                "kind": kind,
                "prompt": text,
                "rounds": n,
                "drafted": n * n_max,
                "tries": tries,
                "accepts": accepts,
                "text": tokenizer.decode(out[PROMPT_TOKENS:].tolist(), skip_special_tokens=False),
            }
        )
    add = lambda key: [sum(column) for column in zip(*(r[key] for r in results))]
    drafted, accepts = sum(r["drafted"] for r in results), add("accepts")
    total = {
        "acceptance": sum(accepts) / drafted,
        "drafted": drafted,
        "accepted": sum(accepts),
        "per_position": [a / n for a, n in zip(accepts, [sum(r["rounds"] for r in results)] * n_max)],
        "conditional": [a / max(t, 1) for a, t in zip(accepts, add("tries"))],
    }
    return total, results


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--checkpoint", type=Path)
    arguments.add_argument("--tokens", type=int, default=192)
    arguments.add_argument("--n-max", type=int, default=3)
    arguments.add_argument("--temperature", type=float, default=0.0)
    arguments.add_argument("--write-prompts", type=Path, help="what rewind demo reads; nothing is measured")
    options = arguments.parse_args()
    torch.set_num_threads(1)
    tokenizer = Tokenizer.from_file(str(options.folder / "tokenizer.json"))
    if options.write_prompts:
        entries = [{"kind": kind, "text": text} for kind, text in prompts(options.folder, tokenizer)]
        options.write_prompts.write_text(json.dumps(entries, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        return
    model, saved = load(options.checkpoint or options.folder / "last.pt")
    total, results = measure(model, options.folder, tokenizer, options.tokens, options.n_max, options.temperature)
    for r in results:
        print(f"--- {r['kind']}: {sum(r['accepts'])} of {r['drafted']} = {sum(r['accepts']) / r['drafted']:.2f}")
        print(f"{r['prompt']}\033[1m{r['text']}\033[0m")
    print(json.dumps({"step": saved["step"], **total}))


if __name__ == "__main__":
    main()
