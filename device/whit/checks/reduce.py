# What a record of REDUCE must prove; verify.py asks.


def check(r):
    span = 1
    for i in range(6, 14, 2):
        r.need(0 < r[i] < 1 << 24 and r[i + 1] < 1 << 24)
        span += (r[i] - 1) * r[i + 1]
    r.need(r[10] * r[12] <= r.arena)
    r.inside(r[4], span)
    r.inside(r[5], r[6] * r[8])
    r.takes(r[6] * r[8] * (r[10] * (r[12] + 4) + 8))
    r.scale(15)
    r.bytes(17, 19)
    r.need(r[20] < 3)
