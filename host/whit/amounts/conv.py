"""Amounts of CONV."""

from __future__ import annotations

from whit.amounts.windows import Amounts, Axis, Record, axes, requantisation, two_inside


def conv(r: Record, data: bytes) -> tuple[str, Amounts]:
    groups, depth, oh, ow, filters, kh, kw = r[10:17]
    k = kh * kw * depth
    k4 = k + 3 & ~3
    positions, channels, block = oh * ow, groups * filters, r[29]
    down, across = axes(r)
    tiles, rest = groups * (filters >> 2), groups * (filters & 3)
    found: Amounts = {
        "channel": channels,
        "output": positions * channels,
        **requantisation(r, data),
        **_gathered(r, down, across),
        **_by_positions("", positions, tiles, rest, k4),
        "eight": positions * tiles * -(-k4 // 8),
        "sixteen": positions * tiles * -(-k4 // 16),
        # channels eight at a time, and what is left
        "eights: tile": positions * groups * (filters >> 3),
        "eights: step": positions * groups * (filters >> 3) * k4,
        "eights: left": positions * groups * (filters & 7),
        "eights: step of what is left": positions * groups * (filters & 7) * k4,
        "eights: last": positions * groups * (filters & 7 > 0),
        "eights: step of the last": positions * groups * (filters & 7 > 0) * k4,
        # positions two or three at a time, and what is left one by one
        **_by_positions("twos: ", positions >> 1, tiles, rest, k4),
        **_by_positions("twos left: ", positions & 1, tiles, rest, k4),
        **_by_positions("threes: ", positions // 3, tiles + (rest > 0), 0, k4),
        **_by_positions("threes left: ", positions % 3, tiles + (rest > 0), 0, k4),
        # one by one, four channels each time
        **_by_positions("fours: ", positions, tiles + groups * (filters & 3 > 0), 0, k4),
    }
    if block:
        found["weight"] = channels * k4
        found["threes: weight"] = -(-channels // 4) * 4 * k4
    found |= _in_parts(r, down, across)
    form = "grouped conv"
    if groups == 1:
        form = "conv" if kh * kw > 1 else "pointwise"
        if positions == 1 and not block:
            # many rows of many inputs have a way of their own on Xtensa
            form = "dense" if filters <= 12 or k <= 96 else "dense, large"
        elif not r[31] >> 2 & 63:
            form += ", whole"  # not in parts
    return form + ("" if r[30] & 1 else ", bytes") + ", dilated" * (kw > 1 and r[20] > 1), found


def _by_positions(name: str, sets: int, tiles: int, rest: int, k4: int) -> Amounts:
    """Of sets of positions that are computed together: all channels in tiles of four, and what is left one by one."""
    found: Amounts = {"set": sets, "tile": sets * tiles, "rest": sets * rest}
    found |= {"step": sets * tiles * k4, "step of the rest": sets * rest * k4}
    return {name + key: n for key, n in found.items()}


def _gathered(r: Record, down: Axis, across: Axis) -> Amounts:
    """Windows that are gathered before they are multiplied: inside the image or over its border, words or bytes."""
    groups, depth, oh, ow, filters, kh, kw = r[10:17]
    k = kh * kw * depth
    k4 = k + 3 & ~3
    positions, block = oh * ow, r[29]
    passes = -(-groups * filters // block) if block else 1
    times = passes * groups
    inside = sum(down.whole) * sum(across.whole)
    twos = two_inside(down, across)
    over = (positions + 1 >> 1) - twos
    taps = down.inside * across.inside * depth
    # bytes one by one, from a table of their places where it is not too long
    how = ", words" if depth & 3 == 0 else ", places" if k4 <= min(288, 12 * block - 1) else ", bytes"
    run = kw * depth
    tiles = groups * -(-filters // 4)
    return {
        "pass": passes,
        "row": oh * passes,
        "inside": inside * times,
        "inside rows" + how: inside * kh * times,
        "inside taps" + how: inside * k * times,
        "border": (positions - inside) * times,
        "border rows" + how: (ow * down.inside - inside * kh) * times,
        "border taps" + how: (taps - inside * k) * times,
        "outside": (positions * k - taps) * times,
        "loose": positions * times * (depth & 3 > 0),
        "unaligned": positions * times * (r[4] & 3 > 0),
        "unaligned taps": positions * times * k4 * (r[4] & 3 > 0),
        "twos: inside" + how: twos * times,
        "twos: inside taps" + how: twos * k * times,
        "twos: border": over * times,
        "twos: border step": over * k4 * times,
        "twos: border taps" + how: (taps - 2 * twos * k) * times,
        # read in place, row by row
        "threes: run": inside * kh * tiles,
        "threes: odd run": inside * kh * tiles * (run & 1),
        "threes: end of a run": inside * kh * tiles * (run & 3),
    }


def _in_parts(r: Record, down: Axis, across: Axis) -> Amounts:
    """What a kernel does that takes a window in parts of as many pairs as it has variables for (the record's form)."""
    depth, oh, ow, filters, kh, kw, stride, form = r[11], *r[12:17], r[18], r[31]
    pairs, segment = form >> 2 & 63, form >> 22 & 1023
    if not pairs:
        return {}
    passes = -(-filters // r[29])
    column = kh * depth
    column += column & stride & 1
    parts = -(-(kw * column + 1 >> 1) // pairs)
    segments = -(-ow // segment) * passes
    columns = (ow * passes - segments) * stride + segments * kw
    rows = down.inside
    copied = rows * columns * depth * min(1, r[9] / ((ow - 1) * stride + kw - across.before))
    how = ", words" if depth & 3 == 0 else ", line" if depth == 1 else ", bytes"
    sets = oh * ow * parts
    found: Amounts = {
        "segment": oh * segments,
        "column": oh * columns,
        "word of a column": oh * columns * column / 2,
        "row of a segment": rows * segments,
        "line of a segment": rows * segments * depth,
        "row of a column": rows * columns,
        "copied" + how: copied,
        "not copied": oh * kh * columns * depth - copied,
        "part": sets * passes,
        "word of a part": sets * passes * pairs,
        "sum": sets * filters,
        "product": sets * filters * pairs,
        "tap of weights": filters * kh * kw,
        "bytes of weights" + how: filters * kh * kw * depth,
        "weight of a part": filters * parts,
        "weight": filters * parts * pairs,
        "more than 4": sets * filters * (pairs > 5),
        "more than 8": sets * filters * (pairs > 9),
    }
    return {"parts: " + name: n for name, n in found.items()}
