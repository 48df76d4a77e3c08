# What a record of MUL must prove; verify.py asks.
from .axes import binary


def check(r):
    binary(r)
    r.bytes(20, 21)
    r.scale(22)
    r.bytes(24, 27)
    r.scale(28)
