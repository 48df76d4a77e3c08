# ADD, SUB and SQUARED_DIFFERENCE. See viper/add.py; the inner requantisation is done per value here, without tables.
from . import axes, half, high, rescale


def _scaled(p, r, i, v):
    # (v - zero) << 20 or 7, requantised
    i += r
    a = high(v - p[i] << p[r + 124], half(p, i + 4), half(p, i + 6))
    e = p[i + 8]
    return ((a + (a >> 31)) >> (e - 1)) + 1 >> 1 if e else a


def _value(p, r, a, b):
    a = _scaled(p, r, 80, a)
    b = _scaled(p, r, 92, b)
    mode = p[r + 128]
    a = a - b if mode & 1 else a + b
    return rescale(a * a if mode & 2 else a, p, r + 108, p[r + 104], p[r + 116], p[r + 120])


def run(c):
    axes.run(c, _value)
