"""Writes a GGUF file from tensors that are made one after the other, so that a model need not fit in memory."""

from typing import Callable, NamedTuple

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Type

TYPES = {"f32": (Type.F32, 0), "f16": (Type.F16, 1), "bf16": (Type.BF16, 32), "q8_0": (Type.Q8_0, 7)}


class Tensor(NamedTuple):
    name: str
    shape: tuple  # slowest first, as numpy has it
    read: Callable[[], np.ndarray]


def type_of(name, shape, wanted):
    """Matrices take the wanted type; vectors, norms, the convolution and the router stay F32."""
    small = len(shape) == 1 or not name.endswith(".weight") or "_norm.weight" in name
    if small or "ssm_conv1d" in name or name.endswith("ffn_gate_inp.weight"):
        return Type.F32
    block = gguf.GGML_QUANT_SIZES[wanted][0]
    return wanted if shape[-1] % block == 0 else Type.F16


def write(path, architecture, metadata, vocabulary, tensors, wanted, type_of=type_of):
    """metadata: key -> value; a float is f32, an int u32, a bool bool, a list of ints i32. Returns the bytes of tensors."""
    wanted, file_type = TYPES[wanted] if isinstance(wanted, str) else wanted
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_file_type(file_type)
    if file_type:
        writer.add_quantization_version(2)
    for key, value in metadata.items():
        add = {bool: writer.add_bool, float: writer.add_float32, int: writer.add_uint32, str: writer.add_string, list: writer.add_array}
        add[type(value)](key, value)
    vocabulary.add_to(writer)
    types, total = {}, 0
    for name, shape, _ in tensors:
        kind = types[name] = type_of(name, shape, wanted)
        stored = gguf.quant_shape_to_byte_shape(shape, kind) if kind not in (Type.F32, Type.F16) else shape
        item = {Type.F32: np.float32, Type.F16: np.float16}.get(kind, np.uint8)
        size = int(np.prod(stored)) * np.dtype(item).itemsize
        writer.add_tensor_info(name, stored, np.dtype(item), size, raw_dtype=kind)
        total += size
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    for name, shape, read in tensors:
        values = np.ascontiguousarray(read(), np.float32)
        assert values.shape == tuple(shape), (name, values.shape, shape)
        writer.write_tensor_data(encode(values, types[name]))
    writer.close()
    return total


def encode(values, kind):
    if kind == Type.F32:
        return values
    return values.astype(np.float16) if kind == Type.F16 else gguf.quants.quantize(values, kind)
