# What a record of REDUCE must prove; verify.py asks.


def check(r):
    r.need(all(r[i] < 1 << 24 for i in range(6, 14)) and all(r[i] for i in range(6, 14, 2)))
    r.need(r[10] * r[12] <= r.arena)
    r.inside(r[4], 1 + sum((r[i] - 1) * r[i + 1] for i in range(6, 14, 2)))
    r.inside(r[5], r[6] * r[8])
    r.takes(r[6] * r[8] * (r[10] * (r[12] + 4) + 8))
    r.scale(15)
    r.bytes(17, 19)
    r.need(r[20] < 3)
