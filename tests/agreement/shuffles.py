"""Cases of what puts values in another order: TRANSPOSE, TILE, blocks to depth or batch and back."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from .builder import Net
from .draws import ZEROS, Array, Case, Draw, inputs, scales, shapes


@st.composite
def transpose(draw: Draw) -> Case:
    shape, zero, scale = draw(shapes(1, 5, 5)), draw(ZEROS), draw(scales())
    order = draw(st.permutations(range(len(shape))))
    net = Net()
    x = net.tensor(shape, scale, zero)
    y = net.op("TRANSPOSE", [x, net.numbers(order)], net.tensor([shape[i] for i in order], scale, zero))
    return Case(net.build(x, y), inputs(draw, shape, zero), f"TRANSPOSE {shape} to {order}")


@st.composite
def tile(draw: Draw) -> Case:
    """The reference has no TILE; numpy has."""
    shape, zero, scale = draw(shapes(1, 4, 4)), draw(ZEROS), draw(scales())
    multiples = [draw(st.integers(1, 3)) for _ in shape]
    net = Net()
    x = net.tensor(shape, scale, zero)
    tiled = [n * m for n, m in zip(shape, multiples, strict=True)]
    y = net.op("TILE", [x, net.numbers(multiples)], net.tensor(tiled, scale, zero))
    values = inputs(draw, shape, zero)
    expected = [[np.tile(v, multiples)] for v in values]
    return Case(net.build(x, y), values, f"TILE {shape} by {multiples}", expected)


@st.composite
def depth(draw: Draw, kind: str) -> Case:
    """DEPTH_TO_SPACE or SPACE_TO_DEPTH."""
    b, h, w, c = (draw(st.integers(1, n)) for n in (2, 4, 4, 4))
    block, zero, scale = draw(st.integers(1, 3)), draw(ZEROS), draw(scales())
    deep, wide = (b, h, w, c * block * block), (b, h * block, w * block, c)
    before, after = (deep, wide) if kind == "DEPTH_TO_SPACE" else (wide, deep)
    net = Net()
    x = net.tensor(before, scale, zero)
    y = net.op(kind, [x], net.tensor(after, scale, zero), blockSize=block)
    return Case(net.build(x, y), inputs(draw, before, zero), f"{kind} {before}, block {block}")


@st.composite
def batch(draw: Draw, kind: str) -> Case:
    """SPACE_TO_BATCH_ND with paddings, or BATCH_TO_SPACE_ND with crops; one or two axes of space."""
    spatial = draw(st.sampled_from([1, 2, 2]))
    blocks = [draw(st.integers(1, 3)) for _ in range(spatial)]
    few = [draw(st.integers(1, 4)) for _ in range(spatial)]  # sizes of the tensor with many batches
    edges = []
    for n, block in zip(few, blocks, strict=True):
        first = draw(st.integers(0, min(3, n * block - 1)))
        edges.append((first, draw(st.integers(0, min(3, n * block - 1 - first)))))
    b, c, zero, scale = draw(st.integers(1, 2)), draw(st.integers(1, 3)), draw(ZEROS), draw(scales())
    many = (b * int(np.prod(blocks)), *few, c)
    image = (b, *(n * k - sum(e) for n, k, e in zip(few, blocks, edges, strict=True)), c)
    before, after = (image, many) if kind == "SPACE_TO_BATCH_ND" else (many, image)
    net = Net()
    x = net.tensor(before, scale, zero)
    y = net.op(kind, [x, net.numbers(blocks), net.numbers(edges)], net.tensor(after, scale, zero))
    text = f"{kind} {before} by {blocks}, edges {edges} -> {after}, zero {zero}"
    values = inputs(draw, before, zero)
    expected = None
    if kind == "SPACE_TO_BATCH_ND" and any(map(any, edges)):
        # the reference fills paddings with what it finds in memory that it never set
        expected = [[_to_batch(v, blocks, edges, zero)] for v in values]
    return Case(net.build(x, y), values, text, expected)


def _to_batch(x: Array, blocks: list[int], edges: list[tuple[int, int]], zero: int) -> Array:
    """SPACE_TO_BATCH_ND, padded with the zero point as TensorFlow Lite does."""
    padded = np.pad(x, [(0, 0), *edges, (0, 0)], constant_values=zero)
    parts = [padded[(slice(None), *map(slice, corner, [None] * 2, blocks))] for corner in np.ndindex(*blocks)]
    return np.concatenate(parts)
