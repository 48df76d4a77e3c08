# What a record of LUT must prove; verify.py asks.


def check(r):
    r.inside(r[4], r[6])
    r.inside(r[5], r[6])
    r.takes(r[6])
    r.stored(0, 256)
