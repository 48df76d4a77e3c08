# What a record of MINMAX must prove; verify.py asks.


def check(r):
    r.binary()
