#!/usr/bin/env python3
"""What a GGUF file of the family computes, from the definition: plain PyTorch in float64, one token after another.

    python3 definition.py model.gguf --tokens 1,2,3 [--mtp-file mtp-model.gguf] --out NAME

writes NAME.logits.npy and, when there is an MTP block, NAME.mtp.npy.
"""

import argparse

import gguf
import numpy as np
import torch
import torch.nn.functional as F


class File:
    def __init__(self, path):
        reader = gguf.GGUFReader(path)
        self.fields = {name: field for name, field in reader.fields.items()}
        self.tensors = {t.name: t for t in reader.tensors}
        self.architecture = self.fields["general.architecture"].contents()
        self.cache = {}

    def get(self, key, fallback=None):
        field = self.fields.get(f"{self.architecture}.{key}")
        return fallback if field is None else field.contents()

    def __contains__(self, name):
        return name in self.tensors

    def __getitem__(self, name):
        if name not in self.cache:
            t = self.tensors[name]
            values = gguf.quants.dequantize(t.data, t.tensor_type)
            self.cache[name] = torch.from_numpy(np.array(values, np.float64))
        return self.cache[name]


class Hybrid:
    """positions: [3, T] of time, height and width; the same three for text."""

    def __init__(self, path, mtp_path=None):
        self.file = f = File(path)
        self.mtp_file = File(mtp_path) if mtp_path else f
        g = f.get
        self.eps, self.heads, self.kv_heads = (
            g("attention.layer_norm_rms_epsilon"),
            g("attention.head_count"),
            g("attention.head_count_kv"),
        )
        self.head_dim, self.turned, self.base = (
            g("attention.key_length"),
            g("rope.dimension_count"),
            g("rope.freq_base"),
        )
        self.sections = g("rope.dimension_sections", [self.turned] * 4)
        self.state, self.k_heads, self.v_heads = g("ssm.state_size"), g("ssm.group_count"), g("ssm.time_step_rank")
        self.used = g("expert_used_count", 0)
        self.trunk = g("block_count") - g("nextn_predict_layers", 0)
        interval, listed = g("full_attention_interval", 4), g("attention.recurrent_layers")
        self.recurrent = [bool(listed[i]) if listed else (i + 1) % interval != 0 for i in range(self.trunk)]
        self.tiled = f.architecture != "qwen3next"

    def rms(self, x, w):
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + self.eps) * w

    def of_k_head(self, x):  # [T, k_heads, S] -> [T, v_heads, S]
        r = self.v_heads // self.k_heads
        return x.repeat(1, r, 1) if self.tiled else x.repeat_interleave(r, 1)

    def delta_net(self, w, y):
        n, s, kh, vh = len(y), self.state, self.k_heads, self.v_heads
        r, hk = vh // kh, kh * s
        if "ssm_in" in w:
            each = (y @ w["ssm_in"].T).reshape(n, kh, 2 * s + 2 * r * s)
            q, k, v, z = each.split([s, s, r * s, r * s], -1)
            qkv, z = torch.cat([part.reshape(n, -1) for part in (q, k, v)], -1), z.reshape(n, vh, s)
        else:
            qkv, z = y @ w["attn_qkv"].T, (y @ w["attn_gate"].T).view(n, vh, s)
        if "ssm_ba" in w:
            both = (y @ w["ssm_ba"].T).view(n, kh, 2, r)
            beta, alpha = both[:, :, 0].reshape(n, vh), both[:, :, 1].reshape(n, vh)
        else:
            beta, alpha = y @ w["ssm_beta"].T, y @ w["ssm_alpha"].T
        g = F.softplus(alpha + w["dt"]) * w["a"]
        taps = w["ssm_conv1d"]
        padded = F.pad(qkv, (0, 0, taps.shape[1] - 1, 0))
        mixed = F.silu(sum(padded[i : i + n] * taps[:, i] for i in range(taps.shape[1])))
        q, k, v = mixed.split([hk, hk, vh * s], -1)
        unit = lambda x: x / x.norm(dim=-1, keepdim=True).clamp_min(self.eps)
        q, k = self.of_k_head(unit(q.view(n, kh, s))), self.of_k_head(unit(k.view(n, kh, s)))
        v, state, out = v.view(n, vh, s), y.new_zeros(vh, s, s), []
        for t in range(n):
            state = g[t].exp()[:, None, None] * state
            d = beta[t].sigmoid()[:, None] * (v[t] - torch.einsum("hij,hi->hj", state, k[t]))
            state = state + k[t][:, :, None] * d[:, None, :]
            out.append(torch.einsum("hij,hi->hj", state, q[t]) * s**-0.5)
        o = self.rms(torch.stack(out), w["ssm_norm"]) * F.silu(z)
        return o.view(n, -1) @ w["ssm_out"].T

    def turn(self, x, positions):  # [T, H, D]
        half = self.turned // 2
        plane = [
            1 if p % 3 == 1 and p < 3 * self.sections[1] else 2 if p % 3 == 2 and p < 3 * self.sections[2] else 0
            for p in range(half)
        ]
        theta = self.base ** (-2 * torch.arange(half, dtype=torch.float64) / self.turned)
        angle = (positions[plane].T * theta)[:, None]
        a, b, rest = x[..., :half], x[..., half : self.turned], x[..., self.turned :]
        return torch.cat([a * angle.cos() - b * angle.sin(), b * angle.cos() + a * angle.sin(), rest], -1)

    def attention(self, w, y, positions):
        n, d, h, kv = len(y), self.head_dim, self.heads, self.kv_heads
        q, gate = (y @ w["attn_q"].T).view(n, h, 2, d).unbind(2)
        q = self.turn(self.rms(q, w["attn_q_norm"]), positions)
        k = self.turn(self.rms((y @ w["attn_k"].T).view(n, kv, d), w["attn_k_norm"]), positions).repeat_interleave(
            h // kv, 1
        )
        v = (y @ w["attn_v"].T).view(n, kv, d).repeat_interleave(h // kv, 1)
        scores = torch.einsum("thd,shd->hts", q, k) * d**-0.5
        scores = scores.masked_fill(~torch.ones(n, n, dtype=torch.bool).tril(), -torch.inf)
        o = torch.einsum("hts,shd->thd", scores.softmax(-1), v) * gate.sigmoid()
        return o.reshape(n, -1) @ w["attn_output"].T

    def feed_forward(self, w, x, suffix=""):
        return (F.silu(x @ w[f"ffn_gate{suffix}"].T) * (x @ w[f"ffn_up{suffix}"].T)) @ w[f"ffn_down{suffix}"].T

    def experts(self, w, x):
        p = (x @ w["ffn_gate_inp"].T).softmax(-1)
        best, which = p.topk(self.used, -1)
        share = best / best.sum(-1, keepdim=True)
        rows = []
        for t in range(len(x)):
            one = {}
            for e, s in zip(which[t].tolist(), share[t]):
                for part in ("gate", "up", "down"):
                    one[f"ffn_{part}"] = w[f"ffn_{part}_exps"][e]
                rows.append((t, s * self.feed_forward(one, x[t])))
        out = torch.zeros_like(x)
        for t, row in rows:
            out[t] += row
        return out + (x @ w["ffn_gate_inp_shexp"]).sigmoid()[:, None] * self.feed_forward(w, x, "_shexp")

    def weights(self, file, block):
        prefix = f"blk.{block}."
        names = {
            name: name.removeprefix(prefix).removesuffix(".weight") for name in file.tensors if name.startswith(prefix)
        }
        w = {short: file[name] for name, short in names.items()}
        return w | {"dt": w.get("ssm_dt.bias"), "a": w.get("ssm_a")}

    def block(self, w, x, positions, recurrent):
        y = self.rms(x, w["attn_norm"])
        x = x + (self.delta_net(w, y) if recurrent else self.attention(w, y, positions))
        y = self.rms(x, w["post_attention_norm"])
        return x + (self.experts(w, y) if self.used else self.feed_forward(w, y))

    @staticmethod
    def text_positions(count):
        return torch.arange(count, dtype=torch.float64).expand(3, -1)

    def hidden(self, tokens, positions=None):
        """[T, width] after the final norm."""
        x = self.file["token_embd.weight"][tokens]
        positions = self.text_positions(len(tokens)) if positions is None else positions
        for i, recurrent in enumerate(self.recurrent):
            x = self.block(self.weights(self.file, i), x, positions, recurrent)
        return self.rms(x, self.file["output_norm.weight"])

    def head(self, file=None):
        file = file or self.file
        return file["output.weight" if "output.weight" in file else "token_embd.weight"]

    def logits(self, hidden):
        return hidden @ self.head().T

    def mtp_logits(self, tokens, hidden, positions=None):
        """Row p pairs token p with the hidden row of p - 1, zeros for p = 0."""
        f, w = self.mtp_file, self.weights(self.mtp_file, self.trunk)
        positions = self.text_positions(len(tokens)) if positions is None else positions
        embedded = w.get("nextn.embed_tokens", f["token_embd.weight"])[tokens]
        before = F.pad(hidden, (0, 0, 1, 0))[:-1]
        x = (
            torch.cat([self.rms(embedded, w["nextn.enorm"]), self.rms(before, w["nextn.hnorm"])], -1)
            @ w["nextn.eh_proj"].T
        )
        x = self.block(w, x, positions, recurrent=False)
        m = self.rms(x, w.get("nextn.shared_head_norm", f["output_norm.weight"]))
        return m @ w.get("nextn.shared_head_head", self.head(f)).T


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("file")
    arguments.add_argument("--mtp-file")
    arguments.add_argument("--tokens", required=True)
    arguments.add_argument("--out", required=True)
    options = arguments.parse_args()
    model, tokens = Hybrid(options.file, options.mtp_file), torch.tensor([int(t) for t in options.tokens.split(",")])
    hidden = model.hidden(tokens)
    np.save(f"{options.out}.logits.npy", model.logits(hidden).numpy().astype(np.float32))
    if model.mtp_file.get("nextn_predict_layers", 0):
        np.save(f"{options.out}.mtp.npy", model.mtp_logits(tokens, hidden).numpy().astype(np.float32))


if __name__ == "__main__":
    main()
