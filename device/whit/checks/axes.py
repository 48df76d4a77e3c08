# What checks ask about operands of four axes, and about tables of offsets.
from ..model import word


def count(r, dims):
    n = 1
    for i in range(dims, dims + 4):
        r.need(0 < r[i] < 1 << 24)
        n *= r[i]
    return n


def strided(r, ref, dims, strides, data=True):  # ref: offset << 1 | in DATA
    span = 1
    for i in range(4):
        span += (r[dims + i] - 1) * r[strides + i]
    r.need(span < 1 << 24)
    (r.stored if data and ref & 1 else r.inside)(ref >> 1, span)


def binary(r):  # two operands, one output
    n = count(r, 8)
    r.inside(r[6], n)
    r.takes(8 * n)
    strided(r, r[4], 8, 12)
    strided(r, r[5], 8, 16)


def largest(r, at, n, step):  # of n words of DATA, `step` words apart
    at += 36 + word(r.b, 20) + word(r.b, 24) + r.start
    return max(word(r.b, at + 4 * step * i) for i in range(n))
