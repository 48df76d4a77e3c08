# What a record of ADD must prove; verify.py asks.
from .axes import binary


def check(r):
    binary(r)
    r.inside(r[7], 2048)
    r.need(not r[7] & 3)
    r.bytes(20, 20)
    r.scale(21)
    r.bytes(23, 23)
    r.scale(24)
    r.bytes(26, 26)
    r.scale(27)
    r.bytes(29, 30)
    r.need(r[31] < 21 and r[32] < 4)
