# What a record of COPY must prove; verify.py asks.
from .axes import count, strided


def check(r):
    r.need(r[7] == 0 or r[6] + r[7] <= r.arena)
    r.bytes(8, 8)
    n = count(r, 9)
    r.need(n <= r.arena)
    r.takes(r[7] + 8 * n)
    strided(r, r[4], 9, 13)
    strided(r, r[5] << 1, 9, 17, False)
