# ADD. See viper/add.py; the inner requantisation is done per value here, without tables.
from . import axes, half, high, rescale


def _scaled(p, i, v):
    # (v - zero) << 20, requantised
    a = high(v - p[i] << 20, half(p, i + 4), half(p, i + 6))
    e = p[i + 8]
    return ((a + (a >> 31)) >> (e - 1)) + 1 >> 1 if e else a


def _value(p, r, a, b):
    total = _scaled(p, r + 80, a) + _scaled(p, r + 92, b)
    return rescale(total, p, r + 108, p[r + 104], p[r + 116], p[r + 120])


def run(c):
    axes.run(c, _value)
