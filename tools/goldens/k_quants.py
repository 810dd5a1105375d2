"""Plain quantisation to Q4_K and Q6_K, which the gguf package reads but does not write. Good enough for test data."""

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Type

import gguf_file


def halves(x):
    return x.astype(np.float16).view(np.uint8)


def q4_k(rows):
    """Blocks of 256: d, dmin, 6-bit scales and mins of 8 sub-blocks, 4-bit values: x = d sc q - dmin m."""
    x = rows.reshape(-1, 8, 32)
    low = np.maximum(-x.min(-1), 0)
    step = np.maximum(x.max(-1) + low, 1e-8) / 15
    d, dmin = step.max(-1, keepdims=True) / 63, np.maximum(low.max(-1, keepdims=True), 1e-8) / 63
    d, dmin = d.astype(np.float16).astype(np.float32), dmin.astype(np.float16).astype(np.float32)
    sc, m = np.clip(np.rint(step / d), 1, 63).astype(np.uint8), np.clip(np.rint(low / dmin), 0, 63).astype(np.uint8)
    q = np.clip(np.rint((x + (dmin * m)[..., None]) / (d * sc)[..., None]), 0, 15).astype(np.uint8)
    packed = np.empty((len(x), 12), np.uint8)  # 0..3: scale and min of 0..3; their two top bits hold those of 4..7
    packed[:, 0:4] = sc[:, :4] | (sc[:, 4:] >> 4) << 6
    packed[:, 4:8] = m[:, :4] | (m[:, 4:] >> 4) << 6
    packed[:, 8:12] = (sc[:, 4:] & 15) | (m[:, 4:] & 15) << 4
    nibbles = (q[:, 0::2] | q[:, 1::2] << 4).reshape(len(x), 128)
    return np.concatenate([halves(d), halves(dmin), packed, nibbles], 1)


def q6_k(rows):
    """Blocks of 256: 4 low bits, 2 high bits, 16 signed scales, d: x = d sc (q - 32)."""
    x = rows.reshape(-1, 16, 16)
    step = np.maximum(np.abs(x).max(-1), 1e-8) / 31
    d = (step.max(-1, keepdims=True) / 127).astype(np.float16).astype(np.float32)
    sc = np.clip(np.rint(step / d), 1, 127).astype(np.int8)
    q = (np.clip(np.rint(x / (d * sc)[..., None]), -32, 31) + 32).astype(np.uint8).reshape(-1, 2, 4, 32)
    low = np.stack([q[:, :, 0] & 15 | (q[:, :, 2] & 15) << 4, q[:, :, 1] & 15 | (q[:, :, 3] & 15) << 4], 2).reshape(
        -1, 128
    )
    high = (q[:, :, 0] >> 4 | (q[:, :, 1] >> 4) << 2 | (q[:, :, 2] >> 4) << 4 | (q[:, :, 3] >> 4) << 6).reshape(-1, 64)
    return np.concatenate([low, high, sc.view(np.uint8), halves(d)], 1)


MAKERS = {Type.Q4_K: q4_k, Type.Q6_K: q6_k}


def encode(values, kind):
    if kind not in MAKERS:
        return gguf_file.encode(values, kind)
    made = MAKERS[kind](np.ascontiguousarray(values, np.float32)).reshape(*values.shape[:-1], -1)
    error = np.sqrt(np.square(gguf.quants.dequantize(made, kind) - values).mean() / np.square(values).mean())
    assert error < {Type.Q4_K: 0.12, Type.Q6_K: 0.03}[kind], f"{kind.name} loses {error:.3f}: its layout is wrong"
    return made
