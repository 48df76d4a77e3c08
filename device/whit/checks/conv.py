# What a record of CONV must prove; verify.py asks.


def check(r):
    k4 = (r[15] * r[16] * r[11] + 3) & -4
    og = r[14]
    block = r[29]
    passes = 1
    size = max(r[10] * k4, 2 * k4 + 8)
    if block:
        # weights are expanded, `block` channels at a time
        r.need(r[10] == 1 and block <= og and (block == og or not block & 3))
        passes += og // block
        size = k4 * (6 if r[11] & 3 and k4 <= 288 else 4) + (2 * k4 + 24) * ((block + 3) & -4)
    r.takes(r[12] * r[13] * r[10] * (k4 * (og + 4 * passes) + 8 * og))
    # the table is behind the weights: a kernel that takes four rows of them at a time reads 12 bytes of it
    r.need(r[7] >= r.image(size) * k4)
