# What a record of SVDF must prove; verify.py asks.


def check(r):
    r.small(10, 13, 1)
    filters = r[11] * r[12]
    span = filters * r[13] * r[14]
    r.need(0 < r[14] < 3 and span < 1 << 24)
    r.inside(r[4], r[10])
    r.inside(r[5], r[11])
    r.inside(r[6], span)
    r.inside(r[7], (r[10] + 3) & -4)
    r.need(not (r[8] | r[9]) & 3 and not r[6] & (r[14] - 1))
    r.stored(0, filters * r[10] + 3)
    r.stored(r[8], 4 * (r[11] + filters))
    r.stored(r[9], span)
    r.takes(filters * (r[10] + 2 * r[13] + 64) + 64 * r[11])
    r.bytes(15, 15)
    r.scale(16)
    r.scale(18)
    r.bytes(20, 20)
