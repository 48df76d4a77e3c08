# What a record of POOL must prove; verify.py asks.


def check(r):
    r.small(6, 14, 1)
    r.small(15, 16)
    r.bytes(17, 19)
    r.inside(r[4], r[6] * r[7] * r[8])
    r.inside(r[5], r[9] * r[10] * r[8])
    # no window without a pixel: it would divide by zero
    r.need(r[15] < r[11] and (r[9] - 1) * r[13] < r[6] + r[15])
    r.need(r[16] < r[12] and (r[10] - 1) * r[14] < r[7] + r[16])
    r.takes(r[9] * r[10] * r[8] * (min(r[6], r[11]) * (min(r[7], r[12]) + 8) + 8))
