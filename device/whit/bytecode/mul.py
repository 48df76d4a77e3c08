# MUL and PRELU. See viper/mul.py.
from . import axes, rescale


def _value(p, r, a, b):
    a -= p[r + 80]
    scale = r + 88
    if a >= 0 and p[r + 108]:
        scale = r + 112
    else:
        a *= b - p[r + 84]
    return rescale(a, p, scale, p[r + 96], p[r + 100], p[r + 104])


def run(c):
    axes.run(c, _value)
