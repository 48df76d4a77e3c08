# What a record of CONV must prove; verify.py asks.


def check(r):
    k = r[15] * r[16] * r[11]
    k4 = (k + 3) & -4
    r.takes(r[12] * r[13] * r[10] * (k4 * (r[14] + 4) + 8 * r[14]))
    channels = r.image()
    r.inside(r[6], r[10] * k4)
    r.stored(0, channels * k + k4 - k)
