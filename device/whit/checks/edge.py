# What a record of INPUT and OUTPUT must prove; verify.py asks.


def check(r):
    r.inside(r[4], r[5])
    r.need(r[7] < 256 and 0 < r[6] < 0x7F800000)
    r.takes(300 * r[5])
