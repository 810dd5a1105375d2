#!/usr/bin/env python3
"""Trains the demo model: a small qwen35 hybrid with one MTP block. Resumes from FOLDER/last.pt when it is there.

    python3 train.py FOLDER [--processes 2]     # FOLDER has corpus.jsonl and tokenizer.json

First everything is trained together: next token, and 0.3 times the MTP head's loss on half of the rows, every fourth
step with drafts of three. Then the head alone, on corpus and on text that the trunk wrote greedily, to predict what the
trunk predicts: that is what acceptance counts. FOLDER/log.jsonl takes the losses; the same seed gives the same model on
one machine and number of processes. SIGTERM stops it with a checkpoint.

Each process has one thread and its share of a batch's rows, and gradients are averaged: matrices this small gain little
from two threads.

On two cores this takes less than two hours. With a GPU there is time for more:
    python3 train.py FOLDER --device cuda --processes 1 --rows 64 --length 512 --steps 6000 --geometry width=320,ff=896
"""

import argparse
import dataclasses
import datetime
import json
import os
import signal
import time
from pathlib import Path

import torch
import torch.distributed
import torch.multiprocessing
import torch.nn.functional as F

import accept
from data import Corpus
from model import Geometry, Model

WARM_UP, RATE, HEAD_RATE, WEIGHT_DECAY = 100, 3e-3, 1.5e-3, 0.1
MTP_WEIGHT, CHAIN = 0.3, 3
HELD_OUT_LENGTH = 256
CHECKPOINT = 50
CHAIN_WEIGHTS = (0.5, 0.3, 0.2)
WAIT = datetime.timedelta(hours=1)  # for the process that writes the text of the second part


def cross_entropy(logits, targets):
    return F.cross_entropy(logits.flatten(0, -2), targets.flatten())


def joint_loss(model, batch, step):
    tokens, targets = batch[:, :-1], batch[:, 1:]
    hidden = model(tokens)
    loss = cross_entropy(model.logits(hidden), targets)
    chained = step % 4 == 0
    part = slice(0, len(batch) // (4 if chained else 2))
    rows = model.mtp.chain(model.embedding(tokens[part]), hidden[part], CHAIN if chained else 1)
    losses = [cross_entropy(model.logits(row)[:, j:], targets[part, j:]) for j, row in enumerate(rows)]
    mtp = sum(w * l for w, l in zip(CHAIN_WEIGHTS, losses)) if chained else losses[0]
    return loss + MTP_WEIGHT * mtp, {"loss": loss.item(), "mtp": [l.item() for l in losses]}


def head_loss(model, batch, step):
    """Distance of the head's prediction from the trunk's, over drafts of three."""
    tokens = batch[:, :-1]
    with torch.no_grad():
        hidden = model(tokens)
        wanted = model.logits(hidden).log_softmax(-1)
        embedded = model.embedding(tokens)
    losses = []
    for j, row in enumerate(model.mtp.chain(embedded, hidden, CHAIN)):
        given = F.linear(row, model.embedding.weight.detach()).log_softmax(-1)
        losses.append(
            F.kl_div(given[:, j:].flatten(0, 1), wanted[:, j:].flatten(0, 1), log_target=True, reduction="batchmean")
        )
    return sum(w * l for w, l in zip(CHAIN_WEIGHTS, losses)), {"kl": [l.item() for l in losses]}


def own_text(model, corpus, seed, count, length):
    """[count, length + 1] tokens: prompts from the corpus with what the trunk makes of them, greedily or nearly so."""
    model.eval()
    out, device = [], model.norm.weight.device
    for i in range(0, count, 64):
        prompts = corpus.batch(seed + 1, i, 64, 31).to(device)
        temperature = (0.0, 0.0, 0.0, 0.7)[i // 64 % 4]
        generator = torch.Generator(device).manual_seed(seed + i)
        out.append(accept.write(model, prompts, length + 1 - 32, temperature, generator).cpu())
    model.train()
    return torch.cat(out)[:count]


@torch.no_grad()
def held_out_losses(model, corpus, count=12):
    model.eval()
    losses = {}
    for kind in corpus.streams:
        batch = corpus.windows(kind, count, HELD_OUT_LENGTH).to(model.norm.weight.device)
        if len(batch):
            hidden = model(batch[:, :-1])
            rows = model.mtp.chain(model.embedding(batch[:, :-1]), hidden, CHAIN)
            losses[kind] = [
                round(cross_entropy(model.logits(row)[:, CHAIN:], batch[:, 1 + CHAIN :]).item(), 4)
                for row in [hidden, *rows]
            ]
    model.train()
    return losses


def optimizer_of(parameters, rate):
    parameters = [p for p in parameters if p.requires_grad]
    groups = [
        {"params": [p for p in parameters if p.dim() > 1], "weight_decay": WEIGHT_DECAY},
        {"params": [p for p in parameters if p.dim() <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.95), fused=True)


class Trainer:
    def __init__(self, options, rank):
        self.options, self.folder, self.rank, self.stopped = options, options.folder, rank, False
        signal.signal(signal.SIGTERM, self.stop)
        torch.manual_seed(options.seed)
        torch.set_num_threads(1)
        self.corpus, self.held_out = Corpus(self.folder, "train"), Corpus(self.folder, "held_out")
        self.last, self.written_file = self.folder / "last.pt", self.folder / "written.pt"
        saved = torch.load(self.last, weights_only=True, map_location=options.device) if self.last.exists() else None
        chosen = {
            key: int(value) for key, value in (entry.split("=") for entry in options.geometry.split(",") if entry)
        }
        geometry = (
            Geometry(**saved["geometry"]) if saved else Geometry(vocab=self.corpus.tokenizer.get_vocab_size(), **chosen)
        )
        self.model, self.step = Model(geometry).to(options.device), 0
        self.head_alone = bool(saved) and saved["step"] > options.steps
        self.begin_phase()
        if not saved:
            if rank == 0:
                self.written_file.unlink(missing_ok=True)
        else:
            self.model.load_state_dict(saved["model"])
            self.optimizer.load_state_dict(saved["optimizer"])
            self.step = saved["step"]

    def stop(self, *_):
        """After the step in hand, with a checkpoint."""
        self.stopped = True

    def begin_phase(self):
        if self.head_alone:
            self.model.requires_grad_(False)
            self.model.mtp.requires_grad_(True)
        self.optimizer = optimizer_of(self.model.parameters(), HEAD_RATE if self.head_alone else RATE)

    def rate(self):
        """Rises, then falls in a straight line to nothing; once for each of the two parts."""
        o = self.options
        done, all_of, most = (
            (self.step - o.steps, o.head_steps, HEAD_RATE) if self.head_alone else (self.step, o.steps, RATE)
        )
        return most * min((done + 1) / WARM_UP, (all_of - done) / (all_of - WARM_UP))

    def batch(self):
        o = self.options
        rows, half = self.corpus.batch(o.seed, self.step, o.rows, o.length), o.rows // 2
        if self.head_alone:
            rows[:half] = self.written[(torch.arange(half) + self.step * half) % len(self.written)]
        return rows[self.rank :: o.processes].to(o.device)

    def average_gradients(self, stopped):
        """Over the processes; returns whether any of them was told to stop."""
        if self.options.processes == 1:
            return stopped
        gradients = [p.grad for p in self.model.parameters() if p.grad is not None]
        together = torch.cat([*(g.flatten() for g in gradients), torch.tensor([float(stopped)])])
        torch.distributed.all_reduce(together)
        at = 0
        for g in gradients:
            g.copy_(together[at : at + g.numel()].view_as(g) / self.options.processes)
            at += g.numel()
        return bool(together[-1])

    def save(self):
        if self.rank:
            return
        parts = {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "geometry": dataclasses.asdict(self.model.p),
        }
        torch.save(parts, self.last.with_suffix(".new"))
        self.last.with_suffix(".new").rename(self.last)

    def log(self, **values):
        with open(self.folder / "log.jsonl", "a", encoding="utf-8") as file:
            file.write(json.dumps({"step": self.step, "time": round(time.time()), **values}) + "\n")

    def prepare_head(self):
        """The text that the trunk wrote: made once, kept in a file."""
        o = self.options
        if self.rank == 0 and not self.written_file.exists():
            torch.save(own_text(self.model, self.corpus, o.seed, o.written, o.length), self.written_file)
        if o.processes > 1:
            torch.distributed.barrier()
        self.written = torch.load(self.written_file, weights_only=True)

    def run(self):
        o, since, tokens = self.options, time.time(), 0
        if self.head_alone:
            self.prepare_head()
        while self.step < o.steps + o.head_steps:
            if self.step == o.steps and not self.head_alone:
                self.save()
                self.head_alone = True
                self.begin_phase()
                self.prepare_head()
            for group in self.optimizer.param_groups:
                group["lr"] = self.rate()
            loss, parts = (head_loss if self.head_alone else joint_loss)(self.model, self.batch(), self.step)
            self.optimizer.zero_grad()
            loss.backward()
            stopped = self.average_gradients(self.stopped)
            norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0).item()
            self.optimizer.step()
            self.step, tokens = self.step + 1, tokens + o.rows * o.length
            if self.step % 10 == 0 and self.rank == 0:
                speed, since, tokens = tokens / (time.time() - since), time.time(), 0
                self.log(**parts, rate=round(self.rate(), 7), norm=round(norm, 3), tokens_per_second=round(speed))
            last = self.step == o.steps + o.head_steps
            if self.step % CHECKPOINT == 0 or last or stopped:
                self.save()
            if stopped:
                return
            if (self.step % o.every == 0 or last) and self.rank == 0:
                self.log(held_out=held_out_losses(self.model, self.held_out))
                total, _ = accept.measure(self.model, self.folder, self.corpus.tokenizer, count=96)
                self.log(acceptance=total)
                since, tokens = time.time(), 0


def work(rank, options):
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent passes on what it gets
    if options.processes > 1:
        torch.distributed.init_process_group("gloo", rank=rank, world_size=options.processes, timeout=WAIT)
    Trainer(options, rank).run()


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--steps", type=int, default=4800, help="of everything together")
    arguments.add_argument("--head-steps", type=int, default=1000, help="of the MTP head alone")
    arguments.add_argument("--written", type=int, default=4096, help="rows of text that the trunk writes for it")
    arguments.add_argument("--every", type=int, default=250, help="steps between measurements")
    arguments.add_argument("--rows", type=int, default=8, help="of a batch")
    arguments.add_argument("--length", type=int, default=256, help="tokens of a row, a multiple of 32")
    arguments.add_argument(
        "--geometry", default="", help="of a new model, for instance width=256,ff=768 (model.py has the names)"
    )
    arguments.add_argument("--device", default="cpu")
    arguments.add_argument("--processes", type=int, default=2, help="on processors; 1 with a GPU")
    arguments.add_argument("--seed", type=int, default=1)
    options = arguments.parse_args()
    if options.rows % options.processes or options.rows // options.processes < 4:
        arguments.error(f"--rows {options.rows}: a multiple of --processes {options.processes}, and 4 or more for each")
    if options.device != "cpu" and options.processes > 1:
        arguments.error("with a GPU there is one process: --processes 1")
    for split in ("train", "held_out"):
        Corpus(options.folder, split)  # the text as tokens, made once before the processes read it
    os.environ |= {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(2**40)}  # fresh pages for every tensor cost a fifth
    os.environ.setdefault("MASTER_ADDR", "127.0.0.1")
    os.environ.setdefault("MASTER_PORT", "29400")
    context = torch.multiprocessing.start_processes(
        work, (options,), nprocs=options.processes, join=False, start_method="spawn"
    )

    def stop(*_):
        for process in context.processes:
            if process.is_alive():
                process.terminate()

    for sign in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sign, stop)
    while not context.join():
        pass


if __name__ == "__main__":
    main()
