# SOFTMAX over the last axis. See viper/softmax.py.
from . import word

_ONE = 1 << 29  # 1.0 in Q2.29


def _high(a, b):
    return a * b + 0x40000000 >> 31


def _inverse(half):
    # Newton: 1 / (2 * half), Q0.31
    r = 1515870810 + _high(half, -1010580540)
    n = 3
    while n:
        d = _high(r, _ONE - _high(half, r))
        r += 0x7FFFFFFF if d >= _ONE else -0x80000000 if d < 1 - _ONE else d << 2
        n -= 1
    return 0x7FFFFFFF if r >= _ONE << 1 else r << 1


def run(c):
    r = c[0]
    p = c[1]
    arena = c[2]
    blob = c[3]
    table = c[4] + word(p, r + 8)
    src = word(p, r + 16)
    out = word(p, r + 20)
    rows = word(p, r + 24)
    depth = word(p, r + 28)
    while rows > 0:
        top = -128
        i = 0
        while i < depth:
            if arena[src + i] > top:
                top = arena[src + i]
            i += 1
        total = 0
        i = 0
        while i < depth:
            total += word(blob, table + 4 * (top - arena[src + i])) + 2048 >> 12
            i += 1
        e = 34
        while total < _ONE << 1:
            total <<= 1
            e -= 1
        scale = _inverse(total)
        i = 0
        while i < depth:
            v = max(0, _high(scale, word(blob, table + 4 * (top - arena[src + i]))))
            arena[out + i] = min(255, (v >> (e - 1)) + 1 >> 1) - 128
            i += 1
        src += depth
        out += depth
        rows -= 1
