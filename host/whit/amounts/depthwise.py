"""Amounts of DEPTHWISE."""

from __future__ import annotations

from whit.amounts.windows import Amounts, Axis, Record, axes, requantisation
from whit.ops.conv import depthwise_scratch


def depthwise(r: Record, data: bytes) -> tuple[str, Amounts]:
    groups, oh, ow, multiplier, kh, kw = r[10], *r[12:17]
    channels, positions = groups * multiplier, oh * ow
    down, across = axes(r)
    inside = sum(down.whole) * sum(across.whole)
    longer, shorter = (across, down) if ow >= oh else (down, across)
    rows, taps = down.inside * ow, down.inside * across.inside
    found: Amounts = {
        "channel": channels,
        "weight": channels * kh * kw,
        "row": oh,
        "position": positions,
        "input": positions * groups,
        "output": positions * channels,
        **requantisation(r, data),
        "inside": inside * channels,
        "inside tap": inside * kh * kw * channels,
        "border": (positions - inside) * channels,
        "border row": (rows - inside * kh) * channels,
        "border tap": (taps - inside * kh * kw) * channels,
        **_from_a_plane(r, shorter, longer),
        **_from_pieces(r, shorter, longer),
        **_from_lines(r, down, across),
        **_from_rows(r, across),
    }
    # filters of 3 x 3, and a walk from output to output, have ways of their own, if requantisation is the usual one
    form = "depthwise" + " 3x3" * (kh == kw == 3)
    axis, kind = _walk(r, (down, across))
    if kind:
        form += f", along {kind}"
        walked, lines = (down, across)[axis], (down, across)[1 - axis]
        found["line"] = lines.outputs * channels
        found["border line"] = (lines.outputs - sum(lines.whole)) * channels
        found["column"] = lines.outputs * walked.inside * channels / walked.kernel
    form += ", multiplied" * (multiplier > 1) + ", unusual" * bool(found["unusual"])
    return form + ", dilated" * (max(r[19:21]) > 1), found


def _walk(r: Record, both: tuple[Axis, Axis]) -> tuple[int, int]:
    """(axis, kind) of a walk from output to output: down (0) or across (1); along 3 or 5 columns, or 2 outputs apart.

    The kind is 0 where there is no way to walk.
    """
    longer = int(r[13] >= r[12])
    for i in (longer, 1 - longer):
        axis = both[i]
        kind = {1: 3 if axis.kernel <= 3 else 5, 2: 2}.get(axis.stride, 0)
        fits = axis.kernel <= max(kind, 3) and both[1 - i].kernel <= 3 and axis.dilation == 1
        if kind and fits and axis.before < kind <= axis.size + 1 and r[30] & 1:
            return i, kind
    return longer, 0


def _from_a_plane(r: Record, shorter: Axis, longer: Axis) -> Amounts:
    """What a kernel does that copies the input of one channel with its padding, and makes eight outputs at a time."""
    channels, taps = r[10] * r[14], r[15] * r[16]
    eights, left = (n * shorter.outputs * channels for n in divmod(longer.outputs, 8))
    return {
        "plane: channel": r[10],
        "plane: line": shorter.reach * r[10],
        "plane: byte": shorter.reach * longer.reach * r[10],
        "plane: eight": eights,
        "plane: tap of eight": eights * taps,
        "plane: left": left,
        "plane: tap of what is left": left * taps,
    }


def _from_pieces(r: Record, shorter: Axis, longer: Axis) -> Amounts:
    """What a kernel does that copies lines of some channels so that each window lies in one piece."""
    groups, outputs = r[10], r[12] * r[13] * r[10] * r[14]
    blocks = -(-groups // max(1, r[31] >> 22 & 1023))
    taken = shorter.outputs * shorter.kernel
    if shorter.kernel == 3 and shorter.dilation == 1 and shorter.stride < 3:
        taken = 3 + (shorter.outputs - 1) * shorter.stride
    pixels = taken * min(longer.size, longer.reach - longer.before)
    turns, taps = (1, longer.kernel * shorter.kernel) if longer.dilation == 1 else (longer.kernel, shorter.kernel)
    return {
        "pieces: block": blocks,
        "pieces: line": taken * blocks,
        "pieces: pixel": pixels * blocks,
        "pieces: four bytes": pixels * (groups >> 2),
        "pieces: byte": pixels * (groups & 3),
        "pieces: row": shorter.outputs * blocks,
        "pieces: position": r[12] * r[13] * blocks,
        "pieces: turn": outputs * turns,
        "pieces: three taps": outputs * turns * (taps // 3),
        "pieces: tap": outputs * turns * (taps % 3),
    }


def _from_lines(r: Record, down: Axis, across: Axis) -> Amounts:
    """What a kernel does that takes lines of the input in pairs, as words, and makes two output lines of them."""
    groups, multiplier = r[10], r[14]
    channels = groups * multiplier
    if down.outputs == 1 and across.outputs > 1:
        down, across = across, down  # a signal is turned
    at_once = 2 if down.stride <= down.kernel and down.dilation == 1 else 1
    pairs = down.kernel + down.stride * (at_once - 1) + 1 >> 1
    turns = -(-down.outputs // at_once)
    scratch = depthwise_scratch(groups, channels, (r[15], r[16]), r[13], (r[17], r[18]), (r[19], r[20]))
    width = 4 * pairs * (across.reach + 2 * across.kernel * multiplier) + 1
    blocks = -(-groups // max(4, scratch // width & ~3))
    one_new = down.kernel == across.kernel == 3 and down.stride == down.dilation == multiplier == 1
    taken = turns + 1 if one_new else turns * pairs
    return {
        "lines: block": blocks,
        "lines: turn": turns * blocks,
        "lines: pair": taken * blocks,
        "lines: word": taken * across.reach * groups,
        "lines: pixel": turns * across.outputs * blocks,
        "lines: two outputs": turns * across.outputs * channels,
        "lines: product": turns * across.outputs * channels * pairs * across.kernel,
        "lines: weight": channels * pairs * across.kernel,
    }


def _from_rows(r: Record, across: Axis) -> Amounts:
    """What a kernel does that copies the input rows of each output row with their padding, and walks over all taps."""
    groups, outputs = r[10], r[12] * r[13] * r[10] * r[14]
    rows = r[12] * r[15]
    bytes_ = rows * across.reach * groups
    words = groups & 3 == 0 and r[4] & 3 == 0
    return {
        "rows: input row": rows,
        "rows: word": bytes_ / 4 * words,
        "rows: byte": bytes_ * (not words),
        "rows: channel": r[12] * groups * r[14],
        "rows: output": outputs,
        # taps come in runs; one column of taps is one run
        "rows: row of taps": outputs * (r[15] if r[16] > 1 else 1),
        "rows: tap": outputs * r[15] * r[16],
        "rows: tap of a single run": outputs * r[15] * r[16] * (1 in r[15:17]),
        "rows: tap of three": outputs * r[15] * r[16] * (r[16] == 3 and r[15] > 1),
        "rows: outside": rows * (across.reach - min(r[9], across.reach)) * groups,
    }
