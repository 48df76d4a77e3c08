"""Windows of convolutions and pools: how many lie where."""

from __future__ import annotations

from dataclasses import dataclass

Record = list[int]
Amounts = dict[str, float]

MOST = 1 << 22  # positions of a layer; no board has memory for so many outputs


@dataclass(frozen=True)
class Axis:
    """One axis of an image and of the windows on it; ``before`` is the padding before the image."""

    size: int
    outputs: int
    kernel: int
    stride: int
    dilation: int
    before: int

    @property
    def starts(self) -> range:
        """Where windows begin; below 0 is outside. OverflowError where there is no end of them."""
        if self.outputs > MOST:
            raise OverflowError(f"{self.outputs} windows")
        return range(-self.before, self.outputs * self.stride - self.before, self.stride)

    @property
    def reach(self) -> int:
        """Pixels from the first that a window has to the last, padding included."""
        return (self.outputs - 1) * self.stride + (self.kernel - 1) * self.dilation + 1

    @property
    def whole(self) -> list[bool]:
        """For each window whether it lies inside the image."""
        last = self.size - (self.kernel - 1) * self.dilation - 1
        return [0 <= start <= last for start in self.starts]

    @property
    def inside(self) -> int:
        """Taps of all windows that lie inside the image."""
        inside = 0
        for start in self.starts:
            first, end = max(0, -(start // self.dilation)), min(self.kernel, -((start - self.size) // self.dilation))
            inside += max(0, end - first)
        return inside


def axes(r: Record) -> tuple[Axis, Axis]:
    """Rows and columns of a record of CONV or DEPTHWISE. OverflowError where counting them would take for ever."""
    rows, columns = (Axis(*(r[at + i] for at in (8, 12, 15, 17, 19, 21))) for i in range(2))
    work = max(rows.outputs * columns.outputs, rows.outputs * rows.kernel, columns.outputs * columns.kernel)
    if work > MOST:
        raise OverflowError(f"{work} windows and taps")
    return rows, columns


def two_inside(rows: Axis, columns: Axis) -> int:
    """Pairs of positions, one after another, whose windows both lie inside; an odd last one is a pair with itself."""
    inside = [down and across for down in rows.whole for across in columns.whole]
    inside += inside[-1:] * (len(inside) & 1)
    return sum(a and b for a, b in zip(inside[::2], inside[1::2], strict=True))


def requantisation(r: Record, data: bytes) -> Amounts:
    """Outputs whose requantisation is not the usual one, or is in a layer with such outputs."""
    positions, channels = r[12] * r[13], r[10] * r[14]
    general = sum(data[r[7] + 16 * i + 11] >> 7 for i in range(channels))
    clamped = channels * (r[25] > 0 or r[26] < 255)
    return {
        "general": positions * general,
        "clamped": positions * clamped,
        "exact": positions * channels * (r[31] >> 13 & 15 == 0),  # a few bits of multiplier and sum are not enough
        # or are enough but where a result is near to a bound between outputs
        "near": positions * channels * (r[31] >> 13 & 15 > 0) / (1 << (r[31] >> 13 & 15)),
        "unusual": positions * (channels if general or clamped else 0),
        "in a general layer": positions * (channels if general else 0),
        "small": positions * (channels if r[30] & 2 else 0),
        # RELU: more than half of the sums end at the bound
        "rectified": positions * (channels if r[24] == r[25] else 0),
        "signed": positions * (channels if r[24] != r[25] else 0),
        "small and signed": positions * (channels if r[30] & 2 and r[24] != r[25] else 0),
    }
