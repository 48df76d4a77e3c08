# What a record of STATE must prove; verify.py asks.


def check(r):
    r.inside(r[4], r[5])
    r.bytes(6, 6)
    r.takes(300 * r[5])  # it is filled by bytecode
    if r.data:
        r.stored(0, r[5])
