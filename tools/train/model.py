"""The qwen35 hybrid in PyTorch, as a runtime computes it from a GGUF file: parameters have the file's conventions.

Norm weights are applied as they are (x * rsqrt(mean(x^2) + eps) * w), V head h reads K head h % k_heads, rotary pairs
are (p, p + rope_dims/2). Blocks are Gated DeltaNet, each interval-th gated attention; one MTP block follows.
With a cache (Model.cache) tokens may come in several calls, also one by one.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

import gdn


@dataclass
class Geometry:
    vocab: int = 3072
    width: int = 192
    layers: int = 8
    interval: int = 4
    ff: int = 512
    heads: int = 4
    kv_heads: int = 2
    head_dim: int = 64
    rope_dims: int = 32
    rope_base: float = 10000.0
    k_heads: int = 4
    v_heads: int = 8
    state: int = 32
    conv: int = 4
    eps: float = 1e-6
    context: int = 4096

    def recurrent(self, layer):
        return (layer + 1) % self.interval != 0


class Norm(nn.Module):
    def __init__(self, width, eps):
        super().__init__()
        self.weight, self.eps = nn.Parameter(torch.ones(width)), eps

    def forward(self, x):
        return F.rms_norm(x, x.shape[-1:], self.weight, self.eps)


def matrix(inputs, outputs, scale=1.0):
    layer = nn.Linear(inputs, outputs, bias=False)
    nn.init.normal_(layer.weight, std=scale * (2 / (5 * inputs)) ** 0.5)
    return layer


class DeltaNet(nn.Module):
    def __init__(self, p, scale):
        super().__init__()
        self.p = p
        self.keys, self.values = p.k_heads * p.state, p.v_heads * p.state
        self.qkv = matrix(p.width, 2 * self.keys + self.values)
        self.gate = matrix(p.width, self.values)
        self.alpha, self.beta = matrix(p.width, p.v_heads), matrix(p.width, p.v_heads)
        self.conv = nn.Parameter(torch.empty(2 * self.keys + self.values, p.conv).uniform_(-0.5, 0.5))
        step = torch.empty(p.v_heads).uniform_(-6.9, -2.3).exp()  # 0.001 .. 0.1
        self.dt_bias = nn.Parameter(step + torch.log(-torch.expm1(-step)))  # softplus of it is the step
        self.a_log = nn.Parameter(torch.empty(p.v_heads).uniform_(1, 16).log())
        self.norm = Norm(p.state, p.eps)
        self.out = matrix(self.values, p.width, scale)

    def forward(self, x, cache=None):
        p, (batch, length, _) = self.p, x.shape
        qkv = self.qkv(x).transpose(1, 2)
        window = torch.cat([cache["conv"] if cache else qkv.new_zeros(batch, qkv.shape[1], p.conv - 1), qkv], 2)
        mixed = F.silu(F.conv1d(window, self.conv.unsqueeze(1), groups=qkv.shape[1])).transpose(1, 2)
        q, k, v = mixed.split([self.keys, self.keys, self.values], -1)
        unit = lambda y: F.normalize(y.unflatten(-1, (p.k_heads, p.state)), dim=-1, eps=p.eps)
        tiled = lambda y: y.repeat(1, 1, p.v_heads // p.k_heads, 1)
        q, k, v = tiled(unit(q)), tiled(unit(k)), v.unflatten(-1, (p.v_heads, p.state))
        g = -self.a_log.exp() * F.softplus(self.alpha(x) + self.dt_bias)
        state = cache["state"] if cache else x.new_zeros(batch, p.v_heads, p.state, p.state)
        form = gdn.by_chunk if length % 32 == 0 else gdn.by_token
        o, state = form(q, k, v, g, self.beta(x).sigmoid(), state)
        if cache:
            cache["conv"], cache["state"] = window[:, :, -(p.conv - 1) :], state
        return self.out(self.norm(o).flatten(-2) * F.silu(self.gate(x)))


class Attention(nn.Module):
    def __init__(self, p, scale):
        super().__init__()
        self.p = p
        self.q = matrix(p.width, 2 * p.head_dim * p.heads)  # per head the query, then its gate
        self.k, self.v = matrix(p.width, p.head_dim * p.kv_heads), matrix(p.width, p.head_dim * p.kv_heads)
        self.q_norm, self.k_norm = Norm(p.head_dim, p.eps), Norm(p.head_dim, p.eps)
        self.out = matrix(p.head_dim * p.heads, p.width, scale)
        self.register_buffer(
            "theta",
            p.rope_base ** (-torch.arange(0, p.rope_dims, 2, dtype=torch.float64) / p.rope_dims),
            persistent=False,
        )

    def turned(self, x, start):  # x: [B, H, T, D]
        angle = torch.arange(start, start + x.shape[2], dtype=torch.float64, device=x.device).unsqueeze(1) * self.theta
        cos, sin = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
        a, b, rest = x.split([self.p.rope_dims // 2, self.p.rope_dims // 2, self.p.head_dim - self.p.rope_dims], -1)
        return torch.cat([a * cos - b * sin, b * cos + a * sin, rest], -1)

    def project(self, x, start=0):
        """Query, its gate, key and value by head: [B, H, T, D]."""
        p = self.p
        q, gate = self.q(x).unflatten(-1, (p.heads, 2, p.head_dim)).unbind(3)
        by_head = lambda y: y.unflatten(-1, (p.kv_heads, p.head_dim)).transpose(1, 2)
        shared = lambda y: y.repeat_interleave(p.heads // p.kv_heads, 1)
        k = self.turned(self.k_norm(by_head(self.k(x))), start)
        return self.turned(self.q_norm(q.transpose(1, 2)), start), gate, shared(k), shared(by_head(self.v(x)))

    def finish(self, o, gate):
        return self.out((o.transpose(1, 2) * gate.sigmoid()).flatten(-2))

    def forward(self, x, cache=None):
        start = cache["k"].shape[2] if cache else 0
        q, gate, k, v = self.project(x, start)
        if cache:
            cache["k"], cache["v"] = k, v = torch.cat([cache["k"], k], 2), torch.cat([cache["v"], v], 2)
        mask = None
        if start and q.shape[2] > 1:
            mask = torch.ones(q.shape[2], k.shape[2], dtype=torch.bool, device=x.device).tril(start)
        return self.finish(F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=not start), gate)


class FeedForward(nn.Module):
    def __init__(self, p, scale):
        super().__init__()
        self.gate, self.up, self.down = matrix(p.width, p.ff), matrix(p.width, p.ff), matrix(p.ff, p.width, scale)

    def forward(self, x):
        return self.down(F.silu(self.gate(x)) * self.up(x))


class Block(nn.Module):
    def __init__(self, p, recurrent):
        super().__init__()
        scale = (2 * p.layers) ** -0.5
        self.norm, self.ff_norm = Norm(p.width, p.eps), Norm(p.width, p.eps)
        self.mixer = (DeltaNet if recurrent else Attention)(p, scale)
        self.ff = FeedForward(p, scale)

    def forward(self, x, cache=None):
        x = x + self.mixer(self.norm(x), cache)
        return x + self.ff(self.ff_norm(x))


class MtpHead(nn.Module):
    """Row p pairs the embedding of token p with the final hidden row of p - 1 (zeros for p = 0) and predicts p + 1.

    A chained step pairs token p with this head's own row of p - 1 instead. Its keys are those that exist when it is
    drafted: of rows from the trunk up to where the draft began, and of the draft's own rows after that.
    """

    def __init__(self, p):
        super().__init__()
        self.embedding_norm, self.hidden_norm = Norm(p.width, p.eps), Norm(p.width, p.eps)
        self.joined = matrix(2 * p.width, p.width)
        self.block = Block(p, recurrent=False)
        self.norm = Norm(p.width, p.eps)

    def enter(self, embedded, hidden):
        return self.joined(torch.cat([self.embedding_norm(embedded), self.hidden_norm(hidden)], -1))

    def chain(self, embedded, hidden, steps):
        """Rows of draft steps 1 .. steps for every position at once, [B, T, width] each.

        Row p of step j belongs to the draft that began at p - j + 1, so its first j - 1 rows mean nothing.
        """
        shifted = lambda x: F.pad(x, (0, 0, 1, 0))[:, :-1]
        attention, keys, values, rows = self.block.mixer, [], [], []
        source = hidden
        for step in range(steps):
            x = self.enter(embedded, shifted(source))
            q, gate, k, v = attention.project(self.block.norm(x))
            keys.append(k)
            values.append(v)
            x = x + attention.finish(self._attend(q, keys, values), gate)
            source = self.norm(x + self.block.ff(self.block.ff_norm(x)))
            rows.append(source)
        return rows

    @staticmethod
    def _attend(q, keys, values):
        """Row p sees the first step's keys up to p - (steps - 1), then one key of each later step, its own the last."""
        steps, length, scale = len(keys), q.shape[2], q.shape[3] ** -0.5
        if steps == 1:
            return F.scaled_dot_product_attention(q, keys[0], values[0], is_causal=True)
        back = [F.pad(x, (0, 0, steps - 1 - j, 0))[:, :, :length] for x, j in zip(keys, range(steps))]
        back_v = [F.pad(x, (0, 0, steps - 1 - j, 0))[:, :, :length] for x, j in zip(values, range(steps))]
        seen = torch.ones(length, length, dtype=torch.bool, device=q.device).tril(1 - steps)
        far = (q @ keys[0].transpose(-1, -2)).masked_fill(~seen, -torch.inf)
        near = torch.stack([(q * k).sum(-1) for k in back[1:]], -1)
        for j in range(1, steps - 1):  # of rows before the first
            near[:, :, : steps - 1 - j, j - 1] = -torch.inf
        weights = (torch.cat([far, near], -1) * scale).softmax(-1)
        out = weights[..., :length] @ values[0]
        for j, v in enumerate(back_v[1:]):
            out = out + weights[..., length + j, None] * v
        return out


class Model(nn.Module):
    def __init__(self, p):
        super().__init__()
        self.p = p
        self.embedding = nn.Embedding(p.vocab, p.width)
        nn.init.normal_(self.embedding.weight, std=0.02)
        self.blocks = nn.ModuleList(Block(p, p.recurrent(i)) for i in range(p.layers))
        self.norm = Norm(p.width, p.eps)
        self.mtp = MtpHead(p)

    def forward(self, tokens, cache=None):
        """The hidden rows after the final norm: what the head reads and what MTP is fed."""
        x = self.embedding(tokens)
        for i, block in enumerate(self.blocks):
            x = block(x, cache[i] if cache else None)
        return self.norm(x)

    def logits(self, hidden):
        return F.linear(hidden, self.embedding.weight)

    def cache(self, batch):
        p, zeros = self.p, lambda *shape: self.norm.weight.new_zeros(batch, *shape)
        width = (2 * p.k_heads + p.v_heads) * p.state
        return [
            (
                {"conv": zeros(width, p.conv - 1), "state": zeros(p.v_heads, p.state, p.state)}
                if p.recurrent(i)
                else {"k": zeros(p.heads, 0, p.head_dim), "v": zeros(p.heads, 0, p.head_dim)}
            )
            for i in range(p.layers)
        ]
