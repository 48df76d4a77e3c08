# What a record of CONV must prove; verify.py asks.
from ..model import word


def check(r):
    r.small(8, 20, 1)
    r.small(21, 22)
    r.bytes(23, 26)
    k = r[15] * r[16] * r[11]
    k4 = (k + 3) & -4
    channels = r[10] * r[14]
    r.inside(r[4], r[8] * r[9] * r[10] * r[11])
    r.need(r[27] < 1 << 24 and r[28] < 1 << 24 and r[12] * r[13] * channels <= r.arena)
    r.inside(r[5], (r[12] - 1) * r[27] + (r[13] - 1) * r[28] + channels)
    r.inside(r[6], r[10] * k4)
    r.stored(0, channels * k + k4 - k)
    r.stored(r[7], 12 * channels)
    r.need(not r[7] & 3)
    r.takes(r[12] * r[13] * r[10] * (k4 * (r[14] + 4) + 8 * r[14]))
    r.takes(1000 * channels)  # the check of the table, which is bytecode
    if r.fine():
        at = 36 + word(r.b, 20) + word(r.b, 24) + r.start + r[7]
        for i in range(channels):
            m = word(r.b, at + 12 * i + 4)
            s = word(r.b, at + 12 * i + 8)
            r.need(m >> 31 == 0 and s & 255 < 32 and s >> 8 < 32)
