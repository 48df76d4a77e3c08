# MUL. See viper/mul.py.
from . import axes, rescale


def _value(p, r, a, b):
    return rescale((a - p[r + 80]) * (b - p[r + 84]), p, r + 88, p[r + 96], p[r + 100], p[r + 104])


def run(c):
    axes.run(c, _value)
