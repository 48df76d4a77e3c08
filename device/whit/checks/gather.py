# What a record of GATHER must prove; verify.py asks.
from .axes import largest


def check(r):
    r.small(6, 7, 1)
    r.need(not r[9] & 3)
    r.stored(r[9], 4 * (r[6] + r[7]))
    r.inside(r[5], r[6] * r[7] * r[8])
    r.takes(r[6] * r[7] * (r[8] + 8) + 1000 * (r[6] + r[7]))
    if r.fine():
        span = largest(r, r[9], r[6], 1) + largest(r, r[9] + 4 * r[6], r[7], 1) + r[8]
        (r.stored if r[4] & 1 else r.inside)(r[4] >> 1, span)
