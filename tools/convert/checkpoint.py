"""A Hugging Face folder: config.json, and the tensors of its safetensors files, read as they are asked for.

safetensors: u64 length of a JSON header, the header (name -> dtype, shape, data_offsets), the data.
"""

import json

import numpy as np

TYPES = {"F64": np.float64, "F32": np.float32, "F16": np.float16, "BF16": np.uint16}


class Problem(Exception):
    """What stands in the way, said to the user; no traceback wanted."""


def read_json(path):
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise Problem(f"{path} is missing") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as e:
        raise Problem(f"{path} is not JSON: {e}") from None


class Config:
    """config.json; of a model that also sees, the part about text."""

    def __init__(self, path):
        self.path = path
        whole = read_json(path)
        self.values = whole.get("text_config") or whole
        self.architectures = whole.get("architectures") or self.values.get("architectures") or []
        self.model_type = self.values.get("model_type") or whole.get("model_type") or ""
        self.tied = self.values.get("tie_word_embeddings", whole.get("tie_word_embeddings", False))

    def __getitem__(self, key):
        value = self.get(key)
        if value is None:
            raise Problem(f"{self.path}: '{key}' is missing")
        return value

    def get(self, key, fallback=None):
        value = self.values.get(key)
        return fallback if value is None else value


class Tensors:
    def __init__(self, folder):
        files = sorted(folder.glob("*.safetensors"))
        if not files:
            raise Problem(f"{folder} has no *.safetensors")
        self.where, self.used = {}, set()
        for path in files:
            self._index(path)
        index = folder / "model.safetensors.index.json"
        if index.exists():
            weights = read_json(index).get("weight_map", {})
            if lost := [name for name in weights if name not in self.where]:
                raise Problem(
                    f"{folder}: tensor '{lost[0]}' should be in '{weights[lost[0]]}', which is missing or lacks it"
                    f" ({len(lost)} tensors in all)"
                )

    def _index(self, path):
        size = path.stat().st_size
        with open(path, "rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if length > size - 8:
                raise Problem(f"{path} is cut off: a header of {length} bytes in {size}")
            try:
                header = json.loads(file.read(length))
            except (json.JSONDecodeError, UnicodeDecodeError) as e:
                raise Problem(f"{path}: header is not JSON: {e}") from None
        for name, entry in header.items():
            if name == "__metadata__":
                continue
            begin, end = entry["data_offsets"]
            if 8 + length + end > size:
                raise Problem(f"{path} is cut off: tensor '{name}' ends at {8 + length + end}, the file at {size}")
            self.where[name] = (path, 8 + length + begin, entry["dtype"], tuple(entry["shape"]))

    def __contains__(self, name):
        return name in self.where

    def shape(self, name):
        return self.where[name][3]

    def need(self, name, *shape):
        """Notes that the tensor is used, and that its shape is right; returns what reads it as float32."""
        if name not in self.where:
            raise Problem(f"tensor '{name}' {list(shape)} is missing")
        path, offset, dtype, found = self.where[name]
        if found != shape:
            raise Problem(f"tensor '{name}': expected {list(shape)}, found {list(found)}")
        if dtype not in TYPES:
            raise Problem(
                f"tensor '{name}': type {dtype} is not one of {', '.join(TYPES)}: convert an unquantised checkpoint"
            )
        self.used.add(name)

        def read():
            values = np.memmap(path, TYPES[dtype], "r", offset, shape)
            if dtype == "BF16":
                return (values.astype(np.uint32) << 16).view(np.float32)
            return values.astype(np.float32)

        return read

    def unused(self):
        return [name for name in self.where if name not in self.used]
