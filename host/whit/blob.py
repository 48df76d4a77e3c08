"""Writes and reads .whit files. The format stands in device/FORMAT.md."""

from __future__ import annotations

import json
import struct
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from whit import program
from whit.errors import WhitError
from whit.fixed import requantise

MAGIC = b"WHIT"
FORMAT = 1
RUNTIME = (0, 1)  # the smallest runtime that runs what this converter writes
_MOST_BYTES = 1 << 28  # no board has room for that
HEADER = struct.Struct("<4sHBBIIIIIII")  # magic, format, runtime minor, major, crc, bytes, arena, META..TEST bytes


@dataclass(frozen=True)
class TensorInfo:
    """An input or output. ``shape`` includes the batch; ``dtype`` is what users of the model see at this edge.

    The board's own buffer is int8: value = (int8 - zero_point) * scale. ``edge`` is (scale, zero point) of an int16
    edge, whose values are requantised as the reference's QUANTIZE does.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: float
    zero_point: int
    edge: tuple[float, int] | None = None

    @property
    def size(self) -> int:
        """Number of values."""
        return int(np.prod(self.shape, dtype=np.int64))

    def quantise(self, values: npt.ArrayLike) -> npt.NDArray[np.int8]:
        """Values in the unit of training -> int8, rounded half away from zero as the reference does.

        Raises WhitError for nan, and for what is infinite in single precision.
        """
        with np.errstate(over="ignore"):
            single = np.asarray(values, np.float32)
            # the reference divides in single precision; in double, adding a half to its quotient loses nothing
            x = (single / np.float32(self.scale)).astype(np.float64)
        if not np.isfinite(single).all():
            at = int(np.flatnonzero(~np.isfinite(single))[0])
            message = f"input {at} is {single.flat[at]}; {self.name} wants finite numbers"
            raise WhitError(message, "take such rows out, or put a number in their place")
        rounded = np.where(x >= 0, np.floor(x + 0.5), np.ceil(x - 0.5))
        q: npt.NDArray[np.int8] = np.clip(rounded + self.zero_point, -128, 127).astype(np.int8)
        return q

    def dequantise(self, q: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """int8 -> values in the unit of training."""
        return ((np.asarray(q, np.int8).astype(np.float64) - self.zero_point) * self.scale).astype(np.float32)

    def to_int8(self, raw: npt.NDArray[Any]) -> npt.NDArray[np.int8]:
        """The model's own numbers at this edge (``dtype``) -> the board's int8."""
        if raw.dtype == np.int8:
            return raw
        if self.dtype == "uint8" and raw.dtype == np.uint8:
            return (raw ^ 128).view(np.int8)
        if self.dtype == "float32" and raw.dtype.kind == "f":
            return self.quantise(raw)
        if self.edge and raw.dtype == np.int16:
            return requantise(raw, *self.edge, self.scale, self.zero_point, np.int8)
        raise WhitError(
            f"input is {raw.dtype}; {self.name} wants {self.dtype}",
            "drop --raw to give values in the unit of training",
        )

    def from_int8(self, q: npt.NDArray[np.int8]) -> npt.NDArray[Any]:
        """The board's int8 -> the model's own numbers at this edge."""
        if self.dtype == "uint8":
            return q.view(np.uint8) ^ 128
        if self.edge:
            return requantise(q, self.scale, self.zero_point, *self.edge, np.int16)
        return self.dequantise(q) if self.dtype == "float32" else q


@dataclass(frozen=True)
class Layer:
    """One record of PLAN, as it is shown to people."""

    kind: str
    shape: tuple[int, ...]
    macs: int


@dataclass(frozen=True)
class Blob:
    """A .whit file in memory."""

    name: str
    content: bytes
    arena_bytes: int
    inputs: list[TensorInfo]
    outputs: list[TensorInfo]
    labels: list[str]
    layers: list[Layer]
    meta: dict[str, Any]
    plan: bytes
    data: bytes
    test: bytes
    source: str = field(default="", compare=False)  # the file, for messages

    @property
    def blob_bytes(self) -> int:
        return len(self.content)

    @property
    def window_bytes(self) -> int:
        """Bytes of RAM that stand in for the file where the model is streamed: PLAN, and the largest part of DATA."""
        return len(self.plan) + max((r[3] for r in self.records), default=0)

    @property
    def records(self) -> list[list[int]]:
        """PLAN as lists of words."""
        return _records(self.plan)

    def save(self, path: Path) -> None:
        """Writes the file beside its place, then renames: a stop half way leaves what was there."""
        try:
            if path.exists() and not path.is_file():  # a device or a pipe is written to, not replaced by a file
                path.write_bytes(self.content)
                return
            path = path.resolve()  # of a link the file that it leads to
            beside = path.with_name(path.name + ".new")
            beside.write_bytes(self.content)
            beside.replace(path)
        except OSError as error:
            raise WhitError(
                f"{path}: {(error.strerror or str(error)).lower()}", "choose another place with -o"
            ) from error


def _padded(section: bytes, filler: bytes = b"\0") -> bytes:
    return section + filler * (-len(section) % 4)


def write(meta: dict[str, Any], plan: bytes, data: bytes, test: bytes, arena_bytes: int) -> bytes:
    """The bytes of a .whit file."""
    text = _padded(json.dumps(meta, separators=(",", ":"), ensure_ascii=True).encode(), b" ")
    body = text + plan + data + test
    sizes = (HEADER.size + len(body), arena_bytes, len(text), len(plan), len(data), len(test))
    head = HEADER.pack(MAGIC, FORMAT, RUNTIME[1], RUNTIME[0], 0, *sizes)
    crc = zlib.crc32(head[12:] + body, zlib.crc32(head[:8]))
    return head[:8] + struct.pack("<I", crc) + head[12:] + body


def read(path: Path | str) -> Blob:
    """Reads and checks a .whit file (header, sections, checksum; the board checks every record besides)."""
    path = Path(path)
    try:
        with path.open("rb") as file:
            content = file.read(HEADER.size)
            if content[:4] == MAGIC:  # any other file may be of any size
                content += file.read(_MOST_BYTES)
    except OSError as error:
        raise WhitError(
            f"{path.name or path}: {(error.strerror or 'cannot be read').lower()}",
            "'whit convert MODEL' makes a .whit file",
        ) from error
    blob = parse(content, path.name)
    try:
        _check_described(blob)
    except ValueError as error:
        raise WhitError(f"{path.name}: its description (META) is damaged: {error}", "convert it again") from error
    return blob


def parse(content: bytes, name: str = "blob") -> Blob:
    """Blob from the bytes of a .whit file; ``name`` is for messages."""
    if len(content) < HEADER.size or content[:4] != MAGIC:
        raise WhitError(f"{name}: not a whit file", "'whit convert MODEL' makes a .whit file")
    _, form, minor, major, crc, size, arena, *sizes = HEADER.unpack_from(content)
    again = "convert or copy it again"
    if form != FORMAT:
        raise WhitError(
            f"{name}: format {form}; this whit reads {FORMAT}",
            "'pip install --upgrade whit', or convert the model again",
        )
    if size != len(content):
        raise WhitError(f"{name}: {len(content)} B; its header says {size}", again)
    if zlib.crc32(content[12:], zlib.crc32(content[:8])) != crc or HEADER.size + sum(sizes) != size:
        raise WhitError(f"{name}: checksum does not match", again)
    ends = np.cumsum([HEADER.size, *sizes])
    text, plan, data, test = (content[a:b] for a, b in zip(ends[:-1], ends[1:], strict=True))
    try:
        meta = json.loads(text)
        inputs = [_info(i) for i in meta["inputs"]]
        outputs = [_info(o) for o in meta["outputs"]]
        layers = [Layer(str(kind), tuple(map(int, shape)), int(macs)) for kind, shape, macs in meta["layers"]]
        labels = [str(label) for label in meta.get("labels", [])]
        title = str(meta["name"])
        int(meta.get("weight_bytes", 0))
    except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
        raise WhitError(f"{name}: its description (META) is damaged", again) from error
    try:
        _records(plan)
    except ValueError as error:
        raise WhitError(f"{name}: its plan is none that whit runs: {error}", again) from error
    return Blob(title, content, arena, inputs, outputs, labels, layers, meta, plan, data, test, name)


def _records(plan: bytes) -> list[list[int]]:
    """PLAN as lists of words. Raises ValueError where its records do not fill it."""
    if len(plan) & 3:
        raise ValueError(f"{len(plan)} B are no words")
    words = list(struct.unpack(f"<{len(plan) // 4}I", plan))
    result = []
    at = 0
    while at < len(words):
        count = words[at + 1] if at + 1 < len(words) else 0
        if not 4 <= count <= len(words) - at or program.WORDS.get(words[at], count) != count:
            raise ValueError(f"op {words[at]} with a record of {count} words")
        result.append(words[at : at + count])
        at += count
    return result


def _check_described(blob: Blob) -> None:
    """Raises ValueError unless META tells of the inputs, outputs and layers that PLAN has."""
    for code, what, told in ((program.INPUT, "inputs", blob.inputs), (program.OUTPUT, "outputs", blob.outputs)):
        sizes, known = [r[5] for r in blob.records if r[0] == code], [info.size for info in told]
        if sizes != known or not sizes:
            raise ValueError(f"{what} of {known} values; PLAN has {sizes}")
    count = sum(r[0] not in (program.INPUT, program.OUTPUT, program.STATE) for r in blob.records)
    if count != len(blob.layers):
        raise ValueError(f"{len(blob.layers)} layers; PLAN has {count}")


def _info(entry: dict[str, Any]) -> TensorInfo:
    return TensorInfo(
        str(entry["name"]),
        tuple(int(n) for n in entry["shape"]),
        str(entry["dtype"]),
        float(entry["scale"]),
        int(entry["zero_point"]),
        (float(entry["edge"][0]), int(entry["edge"][1])) if "edge" in entry else None,
    )


def edge_record(code: int, offset: int, size: int, scale: float, zero_point: int) -> list[int]:
    """Record of an input or output: where it lies, and its quantisation bit for bit."""
    bits = int(np.array(scale, np.float32).view(np.uint32))
    return [code, 8, 0, 0, offset, size, bits, zero_point + 128]
