# What a record of LSTM must prove; verify.py asks.


def check(r):
    r.small(10, 12, 1)
    r.need(r[13] < 1 << 24 and r[14] < 1 << 24)
    n = r[11]
    units = r[12]
    padded = ((n + 3) & -4) + ((units + 3) & -4)
    r.inside(r[4], (r[10] - 1) * r[13] + n)
    r.inside(r[5], (r[10] - 1) * r[14] + units)
    r.inside(r[6], units)
    r.inside(r[7], 2 * units)
    r.inside(r[8], 12 + padded)
    r.need(not r[7] & 1 and not r[8] & 3 and not r[9] & 3)
    # after the table; a row is read up to three bytes beyond its end
    r.stored(512, 4 * units * (n + units) + 3)
    r.stored(r[9], 32 * units)
    r.takes(r[10] * units * (4 * padded + 256))
    r.bytes(15, 15)
    # the cell, times this, still fits 31 bits
    r.need(r[16] <= 32768 and r[17] <= 12288 and r[18] < 30)
    for i in range(19, 41, 2):
        r.scale(i)
