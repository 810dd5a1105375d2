"""Writes a GGUF file from tensors that are made one after the other, so that a model need not fit in memory."""

from typing import Callable, NamedTuple

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Type


class Tensor(NamedTuple):
    name: str
    shape: tuple  # slowest first, as numpy has it
    read: Callable[[], np.ndarray]


class Recipe(NamedTuple):
    """Which type a tensor is stored in, and how it is made."""

    file_type: int
    type_of: Callable[[str, tuple], Type]
    encode: Callable[[np.ndarray, Type], np.ndarray]


def encode(values, kind):
    if kind == Type.F32:
        return values
    return values.astype(np.float16) if kind == Type.F16 else gguf.quants.quantize(values, kind)


def stays_f32(name, shape):
    """Vectors, norms, the convolution and the router."""
    small = len(shape) == 1 or not name.endswith(".weight") or "_norm.weight" in name
    return small or "ssm_conv1d" in name or name.endswith("ffn_gate_inp.weight")


def all_matrices(kind, file_type):
    """Of one type, but for rows that are not whole blocks of it: those are F16."""

    def type_of(name, shape):
        if stays_f32(name, shape):
            return Type.F32
        return kind if shape[-1] % gguf.GGML_QUANT_SIZES[kind][0] == 0 else Type.F16

    return Recipe(file_type, type_of, encode)


RECIPES = {
    "f32": all_matrices(Type.F32, 0),
    "f16": all_matrices(Type.F16, 1),
    "bf16": all_matrices(Type.BF16, 32),
    "q8_0": all_matrices(Type.Q8_0, 7),
}


def write(path, architecture, metadata, vocabulary, tensors, recipe):
    """metadata: key -> value; float is written as f32, int as u32, a list of int as i32. Returns the tensors' bytes."""
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_file_type(recipe.file_type)
    if recipe.file_type:
        writer.add_quantization_version(2)
    for key, value in metadata.items():
        add = {
            bool: writer.add_bool,
            float: writer.add_float32,
            int: writer.add_uint32,
            str: writer.add_string,
            list: writer.add_array,
        }
        add[type(value)](key, value)
    vocabulary.add_to(writer)
    types, total = {}, 0
    for name, shape, _ in tensors:
        kind = types[name] = recipe.type_of(name, shape)
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
        writer.write_tensor_data(recipe.encode(values, types[name]))
    writer.close()
    return total
