"""Endless .tflite files that are almost right: changes to what the schema names, and to the bytes of its tables."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from copy import copy
from typing import Any

import flatbuffers
import numpy as np
from tflite_micro.python.tflite_micro.runtime import schema_fb as schema

BIG = (1 << 31) - 1
SIZES = (0, 1, 2, 3, 5, 8, 17, 255, 256, 4096, 32767, 32768, 65536, 1 << 20, 1 << 24, BIG, -1, -2, -BIG - 1)
REALS = (0.0, -0.0, 1.0, -1.0, 1e-45, 1e-30, 1e30, 3.4e38, float("inf"), float("-inf"), float("nan"), 0.5, 2.0**-126)
ZEROS = (0, 1, -1, 127, 128, -128, -129, 255, 32767, BIG, -BIG - 1, (1 << 63) - 1, -(1 << 63))
OPTIONS = [name for name in dir(schema) if name.endswith("OptionsT")]
KINDS = [value for name, value in vars(schema.BuiltinOperator).items() if isinstance(value, int)]
NAMES = (b"", b"x", b"a\nb\r\x1b[31m", b"\xff\xfe\xc0", b"n" * 5000, "ü/../\u202e".encode())


class Mutator:
    """A repeatable stream of files: mostly objects of the schema that were changed, packed anew; some bytes besides."""

    def __init__(self, seeds: dict[str, bytes], seed: str) -> None:
        self.random = random.Random(seed)
        self.seeds = [content for _, content in sorted(seeds.items())]

    def next(self) -> bytes:
        """The next mutant."""
        r = self.random
        content = r.choice(self.seeds)
        changed = r.random() < 0.8
        if changed:
            content = self._objects(content)
        if not changed or r.random() < 0.1:
            content = self._bytes(content)
        return content

    def _objects(self, content: bytes) -> bytes:
        """Some things of the schema are changed; what the schema cannot hold is tried again."""
        r = self.random
        for _ in range(20):
            model = schema.ModelT.InitFromPackedBuf(content)
            graph = r.choice(model.subgraphs)
            try:
                for _ in range(r.choice((1, 1, 1, 2, 2, 3, 5))):
                    change = r.choices([c for c, _ in CHANGES], [n for _, n in CHANGES])[0]
                    change(r, model, graph)
                builder = flatbuffers.Builder(4096)
                builder.Finish(model.Pack(builder), b"TFL3")
                return bytes(builder.Output())
            except Exception:  # a change of what is not there; or a number that does not fit its field
                continue
        return content

    def _bytes(self, content: bytes) -> bytes:
        """Offsets, lengths, tables of fields: whatever stands in the words."""
        r = self.random
        b = bytearray(content)
        for _ in range(r.choice((1, 1, 2, 4))):
            kind = r.randrange(8)
            at = r.randrange(max(1, len(b) // 4)) * 4
            if len(b) < 12:
                break
            if kind < 3 and at + 4 <= len(b):
                word = struct.unpack_from("<I", b, at)[0]
                other = struct.unpack_from("<I", b, r.randrange(len(b) // 4) * 4)[0]
                news = (0, 1, word + 4, word - 4, word ^ 1 << r.randrange(32), BIG, BIG + 1, BIG * 2 + 1, len(b), other)
                struct.pack_into("<I", b, at, r.choice(news) & 0xFFFFFFFF)
            elif kind == 3:
                struct.pack_into(
                    "<H", b, min(at, len(b) - 2), r.choice((0, 1, 2, 4, 6, 0x7FFF, 0xFFFF, len(b) & 0xFFFF))
                )
            elif kind == 4:
                b[r.randrange(len(b))] ^= 1 << r.randrange(8)
            elif kind == 5:
                b[r.randrange(len(b))] = r.choice((0, 1, 127, 128, 255))
            elif kind == 6:
                if r.random() < 0.3:
                    del b[r.randrange(len(b)) :]
            else:
                size = r.choice((1, 4, 8, 64))
                b[at : at + size] = r.choice((b"", bytes(size), b[at : at + size] * 2, r.randbytes(size)))
        return bytes(b)


Change = Callable[[random.Random, Any, Any], None]


def _pick(r: random.Random, items: Any) -> Any:
    return r.choice(items) if items is not None and len(items) else None


def _shape(r: random.Random, model: Any, graph: Any) -> None:
    t = _pick(r, graph.tensors)
    if t is None:
        return
    shape = [int(n) for n in t.shape] if t.shape is not None else []
    kind = r.randrange(7)
    if kind < 3 and shape:
        shape[r.randrange(len(shape))] = r.choice((*SIZES, r.randrange(1, 9)))
    elif kind == 3:
        shape.insert(r.randrange(len(shape) + 1), r.choice((1, 1, 0, 2, -1, 1 << 16)))
    elif kind == 4 and shape:
        del shape[r.randrange(len(shape))]
    elif kind == 5:
        r.shuffle(shape)
    else:
        shape = [r.choice((1, 2, 3, *SIZES)) for _ in range(r.choice((0, 1, 2, 3, 4, 5, 8, 70)))]
    t.shape = shape if r.random() < 0.97 else None


def _type(r: random.Random, model: Any, graph: Any) -> None:
    t = _pick(r, graph.tensors)
    if t:
        t.type = r.choice((0, 1, 2, 3, 4, 5, 6, 7, 9, 9, 9, 10, 17, 18, 19, 127, -1))


def _tensor(r: random.Random, model: Any, graph: Any) -> None:
    t = _pick(r, graph.tensors)
    if t is None:
        return
    kind = r.randrange(6)
    if kind == 0:
        t.buffer = r.choice((0, len(model.buffers or ()), 0xFFFFFFFF, r.randrange(len(model.buffers or (0,)))))
    elif kind == 1:
        t.name = r.choice(NAMES)
    elif kind == 2:
        t.isVariable = not t.isVariable
    elif kind == 3:
        t.shapeSignature = [r.choice(SIZES) for _ in range(r.randrange(5))]
    elif kind == 4:
        i, j = r.randrange(len(graph.tensors)), r.randrange(len(graph.tensors))
        graph.tensors[i] = copy(graph.tensors[j])
    elif len(graph.tensors) > 1 and r.random() < 0.3:
        graph.tensors.pop(r.randrange(len(graph.tensors)))


def _quantisation(r: random.Random, model: Any, graph: Any) -> None:
    t = _pick(r, graph.tensors)
    if t is None:
        return
    if t.quantization is None or r.random() < 0.05:
        t.quantization = r.choice((None, schema.QuantizationParametersT()))
    q = t.quantization
    if q is None:
        return
    scales = [float(x) for x in q.scale] if q.scale is not None else []
    zeros = [int(x) for x in q.zeroPoint] if q.zeroPoint is not None else []
    kind = r.randrange(8)
    if kind < 2:
        scales = scales or [0.1]
        scales[r.randrange(len(scales))] = r.choice((*REALS, 10 ** r.uniform(-12, 12)))
    elif kind == 2:
        scales = r.choice(([], scales * 2, scales[:-1], [0.1] * r.randrange(9)))
    elif kind == 3:
        zeros = zeros or [0]
        zeros[r.randrange(len(zeros))] = r.choice(ZEROS)
    elif kind == 4:
        zeros = r.choice(([], zeros * 2, zeros[:-1], [r.choice(ZEROS)] * r.randrange(9)))
    elif kind == 5:
        q.quantizedDimension = r.choice((0, 1, 2, 3, 4, -1, BIG, -BIG - 1))
    else:
        scales = [s * r.choice((0.25, 0.5, 2, 1024, 2.0**-20)) for s in scales]
    q.scale, q.zeroPoint = scales, zeros


def _operator(r: random.Random, model: Any, graph: Any) -> None:
    op = _pick(r, graph.operators)
    if op is None:
        return
    kind = r.randrange(9)
    count = len(graph.tensors)
    side = "inputs" if r.random() < 0.7 else "outputs"
    indices = [int(i) for i in getattr(op, side)] if getattr(op, side) is not None else []
    if kind < 3 and indices:
        indices[r.randrange(len(indices))] = r.choice(
            (-1, r.randrange(count), r.randrange(count), count, BIG, -2, -BIG)
        )
    elif kind == 3:
        indices.insert(r.randrange(len(indices) + 1), r.randrange(-1, count))
    elif kind == 4 and indices:
        indices.pop(r.randrange(len(indices)))
    elif kind == 5:
        r.shuffle(indices)
    elif kind == 6:
        op.opcodeIndex = r.choice((0, len(model.operatorCodes), 0xFFFFFFFF, r.randrange(len(model.operatorCodes))))
    elif kind == 7:
        i, j = r.randrange(len(graph.operators)), r.randrange(len(graph.operators))
        graph.operators[i], graph.operators[j] = graph.operators[j], graph.operators[i]
        if r.random() < 0.3:
            graph.operators.append(copy(op))
    elif len(graph.operators) > 1:
        graph.operators.remove(op)
    setattr(op, side, indices)


def _options(r: random.Random, model: Any, graph: Any) -> None:
    op = _pick(r, graph.operators)
    if op is None:
        return
    options = op.builtinOptions
    if options is None or r.random() < 0.15:
        name = r.choice(OPTIONS)
        options = op.builtinOptions = r.choice((None, getattr(schema, name)()))
        op.builtinOptionsType = getattr(schema.BuiltinOptions, name[:-1], 0)
    elif r.random() < 0.1:
        op.builtinOptionsType = r.randrange(128)
    names = [n for n, value in vars(options).items() if isinstance(value, int | float | bool)] if options else []
    for name in r.sample(names, min(len(names), r.choice((1, 1, 2)))):
        value = getattr(options, name)
        if isinstance(value, bool):
            setattr(options, name, not value)
        elif isinstance(value, float):
            setattr(options, name, r.choice(REALS))
        else:
            setattr(
                options,
                name,
                r.choice((0, 1, 2, 3, 4, 6, 7, 127, -1, -128, value + 1, 1 << 15, 1 << 20, BIG, -BIG - 1)),
            )


def _buffer(r: random.Random, model: Any, graph: Any) -> None:
    buffer = _pick(r, model.buffers)
    if buffer is None:
        return
    data = bytes(bytearray(buffer.data)) if buffer.data is not None else b""
    kind = r.randrange(6)
    if kind == 0:
        data = r.choice((b"", data[:-1], data[:-4], data + b"\0", data * 2, data[: len(data) // 2]))
    elif kind < 4 and 4 <= len(data) <= 400:  # axes, sizes, paddings
        words = list(struct.unpack(f"<{len(data) // 4}i", data[: len(data) & ~3]))
        words[r.randrange(len(words))] = r.choice((*SIZES, r.randrange(-5, 9)))
        data = struct.pack(f"<{len(words)}i", *words)
    elif data:
        at = r.randrange(len(data))
        data = data[:at] + r.randbytes(4) + data[at + 4 :]
    buffer.data = np.frombuffer(data, np.uint8) if r.random() < 0.97 else None
    if r.random() < 0.05:
        buffer.offset, buffer.size = r.choice(SIZES[:14]), r.choice(SIZES[:14])


def _code(r: random.Random, model: Any, graph: Any) -> None:
    code = _pick(r, model.operatorCodes)
    if code is None:
        return
    code.builtinCode = r.choice((*KINDS, 32, -1, 4000, BIG))
    code.deprecatedBuiltinCode = r.choice((0, 127, -1, min(max(code.builtinCode, 0), 127)))
    code.customCode = r.choice((None, None, *NAMES))
    code.version = r.choice((0, 1, BIG, -1))


def _whole(r: random.Random, model: Any, graph: Any) -> None:
    kind = r.randrange(9)
    count = max(1, len(graph.tensors or ()))
    if kind < 3:
        few = [
            r.choice((r.randrange(count), r.randrange(count), -1, count, BIG)) for _ in range(r.choice((0, 1, 1, 2, 5)))
        ]
        setattr(graph, r.choice(("inputs", "outputs")), few)
    elif kind == 3:
        model.subgraphs.append(copy(graph))
    elif kind == 4:
        graph.name = r.choice(NAMES)
    elif kind == 5:
        entry = schema.MetadataT()
        entry.name, entry.buffer = r.choice(NAMES), r.choice((0, 1, 0xFFFFFFFF))
        model.metadata = [entry] * r.choice((1, 3, 1000))
    elif kind == 6:
        model.version = r.choice((0, 1, 2, 4, 0xFFFFFFFF))
        model.description = r.choice(NAMES)
    elif kind == 7:
        field = r.choice(("buffers", "operatorCodes", "subgraphs"))
        setattr(model, field, r.choice((None, [])) if r.random() < 0.3 else getattr(model, field))
    else:
        field = r.choice(("tensors", "operators", "inputs", "outputs"))
        setattr(graph, field, r.choice((None, [])) if r.random() < 0.3 else getattr(graph, field))


CHANGES: list[tuple[Change, int]] = [
    (_shape, 6),
    (_type, 2),
    (_tensor, 4),
    (_quantisation, 6),
    (_operator, 6),
    (_options, 7),
    (_buffer, 5),
    (_code, 2),
    (_whole, 2),
]
