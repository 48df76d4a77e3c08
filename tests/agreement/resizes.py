"""Cases of RESIZE_NEAREST_NEIGHBOR and RESIZE_BILINEAR."""

from __future__ import annotations

from hypothesis import strategies as st

from .builder import Net
from .draws import ZEROS, Case, Draw, inputs, scales


@st.composite
def resize(draw: Draw, kind: str) -> Case:
    """Up, down, and by odd factors."""
    b, c = draw(st.sampled_from([1, 1, 2])), draw(st.integers(1, 4))
    h, w, oh, ow = (draw(st.one_of(st.integers(1, 9), st.integers(1, 40))) for _ in range(4))
    how = draw(st.sampled_from(["plain", "align", "half", "both" if kind == "RESIZE_NEAREST_NEIGHBOR" else "half"]))
    zero, scale = draw(ZEROS), draw(scales())
    while h * w * b * c > 800:
        h, w = (h + 1) // 2, (w + 1) // 2
    net = Net()
    x = net.tensor((b, h, w, c), scale, zero)
    y = net.tensor((b, oh, ow, c), scale, zero)
    options = {"alignCorners": how in ("align", "both"), "halfPixelCenters": how in ("half", "both")}
    net.op(kind, [x, net.numbers([oh, ow])], y, **options)
    return Case(net.build(x, y), inputs(draw, net.shapes[x], zero), f"{kind} {net.shapes[x]} to {oh}x{ow}, {how}")
