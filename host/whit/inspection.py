"""``whit.inspect``: what is in a .whit file."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from whit import program
from whit.blob import FORMAT, Blob, TensorInfo, read


@dataclass(frozen=True)
class LayerInfo:
    """A layer: ``kind`` in TensorFlow Lite's names, shape of its output, multiply-accumulates, bytes in DATA."""

    kind: str
    shape: tuple[int, ...]
    macs: int
    data_bytes: int


@dataclass(frozen=True)
class Inspection:
    """Sizes in bytes; ``arena_bytes`` is the RAM for all activations and scratch."""

    name: str
    format: int
    macs: int
    weight_bytes: int
    blob_bytes: int
    arena_bytes: int
    input: TensorInfo
    output: TensorInfo
    inputs: list[TensorInfo]
    outputs: list[TensorInfo]
    labels: list[str]
    layers: list[LayerInfo]

    def to_json(self) -> dict[str, Any]:
        """Plain dictionaries and lists, for ``json.dumps``."""
        return asdict(self)


def inspect(blob: Blob | str | Path) -> Inspection:
    """Layers and sizes of a Blob or a .whit file. Raises WhitError for a file that is none, or is damaged."""
    if not isinstance(blob, Blob):
        blob = read(blob)
    kernels = [r for r in blob.records if r[0] not in (program.INPUT, program.OUTPUT, program.STATE)]
    layers = [
        LayerInfo(layer.kind, layer.shape, layer.macs, record[3])
        for layer, record in zip(blob.layers, kernels, strict=False)
    ]
    return Inspection(
        name=blob.name,
        format=FORMAT,
        macs=sum(layer.macs for layer in layers),
        weight_bytes=int(blob.meta.get("weight_bytes", 0)),
        blob_bytes=blob.blob_bytes,
        arena_bytes=blob.arena_bytes,
        input=blob.inputs[0],
        output=blob.outputs[0],
        inputs=blob.inputs,
        outputs=blob.outputs,
        labels=blob.labels,
        layers=layers,
    )
