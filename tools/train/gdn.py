"""The gated delta rule, twice: token by token as it is defined, and in chunks for training.

q, k: [B, T, H, S], k of length 1; v: [B, T, H, S]; g (log decay, <= 0), beta: [B, T, H]; state: [B, H, S_k, S_v].

    S <- exp(g) S;   d = beta (v - S^T k);   S <- S + k d^T;   o = S^T q / sqrt(S_k)
"""

import torch


def by_token(q, k, v, g, beta, state):
    out = []
    for t in range(q.shape[1]):
        state = torch.exp(g[:, t, :, None, None]) * state
        seen = torch.einsum("bhij,bhi->bhj", state, k[:, t])
        d = beta[:, t, :, None] * (v[:, t] - seen)
        state = state + k[:, t, :, :, None] * d[:, :, None, :]
        out.append(torch.einsum("bhij,bhi->bhj", state, q[:, t]))
    return torch.stack(out, 1) * q.shape[-1] ** -0.5, state


class Solved(torch.autograd.Function):
    """X of (1 + L) X = R for L [..., n, n] below the diagonal, n a power of two.

    The inverse is put together from those of the diagonal blocks of 1, 2, 4, .. rows, which stays exact where a power
    series of L would not; all of it is small products, much faster than one solver call for each matrix.
    """

    @staticmethod
    def forward(context, lower, right):
        inverse = torch.eye(lower.shape[-1], dtype=lower.dtype, device=lower.device).expand_as(lower).contiguous()
        half = 1
        while half < lower.shape[-1]:
            blocks = lambda x, row, column: torch.diagonal(
                x.unflatten(-1, (-1, half)).unflatten(-3, (-1, half))[..., row::2, :, column::2, :], dim1=-4, dim2=-2
            ).movedim(-1, -3)
            corner = blocks(inverse, 1, 1) @ blocks(lower, 1, 0) @ blocks(inverse, 0, 0)
            blocks(inverse, 1, 0).copy_(-corner)
            half *= 2
        result = inverse @ right
        context.save_for_backward(inverse, result)
        return result

    @staticmethod
    def backward(context, gradient):
        inverse, result = context.saved_tensors
        of_right = inverse.transpose(-1, -2) @ gradient
        return -(of_right @ result.transpose(-1, -2)).tril(-1), of_right


def by_chunk(q, k, v, g, beta, state, chunk=32):
    """The same, `chunk` tokens at a time; T is a multiple of it.

    Inside a chunk, with G the decay since its beginning and D(i,s) = exp(G_i - G_s), the d are the solution of
        d_i + beta_i sum over s < i of D(i,s) (k_i . k_s) d_s = beta_i (v_i - exp(G_i) S^T k_i),
    which is linear in S: d = U - W S, and U and W of all chunks are found at once.
    """
    batch, length, heads, size = q.shape
    blocks = length // chunk

    def cut(x):  # [B, T, H, ...] -> [B, H, blocks, chunk, ...]
        return x.unflatten(1, (blocks, chunk)).movedim(3, 1)

    q, k, v, g, beta = cut(q) * size**-0.5, cut(k), cut(v), cut(g), cut(beta)
    total = g.cumsum(-1)
    grown = total.exp().unsqueeze(-1)
    lower = torch.ones(chunk, chunk, dtype=torch.bool, device=q.device).tril()
    # Above the diagonal the exponent would be positive: masked before exp, so that its gradient is no NaN.
    between = (total.unsqueeze(-1) - total.unsqueeze(-2)).masked_fill(~lower, -torch.inf).exp()
    inner = beta.unsqueeze(-1) * between * (k @ k.transpose(-1, -2))
    right = beta.unsqueeze(-1) * torch.cat([v, grown * k], -1)
    u, w = Solved.apply(inner.tril(-1), right).split([v.shape[-1], size], -1)
    reach = between * (q @ k.transpose(-1, -2))
    q_start = grown * q
    k_end = (total[..., -1:] - total).exp().unsqueeze(-1) * k
    ends = grown[..., -1:, :]
    out = []
    for n in range(blocks):
        d = u[:, :, n] - w[:, :, n] @ state
        out.append(q_start[:, :, n] @ state + reach[:, :, n] @ d)
        state = ends[:, :, n] * state + k_end[:, :, n].transpose(-1, -2) @ d
    return torch.stack(out, 2).movedim(1, 3).flatten(1, 2), state


def check():
    """Both agree, in values and gradients, strong decays included."""
    torch.manual_seed(0)
    draw = lambda *shape: torch.randn(*shape, dtype=torch.float64)
    q, k, v = draw(2, 96, 3, 16), torch.nn.functional.normalize(draw(2, 96, 3, 16), dim=-1), draw(2, 96, 3, 16)
    g, beta, state = -draw(2, 96, 3).exp() * 2, draw(2, 96, 3).sigmoid(), draw(2, 3, 16, 16)
    g[0, 40] = -50
    inputs = [x.requires_grad_() for x in (q, k, v, g, beta, state)]
    results = []
    for form in (by_token, by_chunk):
        out, last = form(*inputs)
        results.append(
            [out, last, *torch.autograd.grad((out * out.detach().cos()).sum() + last.square().sum(), inputs)]
        )
    worst = max(((a - b).abs().max() / a.abs().max()).item() for a, b in zip(*results))
    assert worst < 1e-12, worst
    return worst


if __name__ == "__main__":
    print(f"token by token and in chunks agree to {check():.1e}")
