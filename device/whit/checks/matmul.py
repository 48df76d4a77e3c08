# What a record of MATMUL must prove; verify.py asks.


def check(r):
    r.small(7, 11, 1)
    r.need(all(r[i] < 1 << 24 for i in range(12, 20)))
    r.inside(r[6], r[7] * r[8] * r[9] * r[10])
    for ref, column, n in ((4, 12, 9), (5, 16, 10)):
        sizes = (r[7], r[8], r[n], r[11])
        span = 1 + sum((sizes[i] - 1) * r[column + i] for i in range(4))
        r.need(span < 1 << 24)
        (r.stored if r[ref] & 1 else r.inside)(r[ref] >> 1, span)
    r.takes(r[7] * r[8] * r[9] * r[10] * (r[11] + 16))
    r.bytes(20, 21)
    r.scale(22)
    r.bytes(24, 24)
