# What a record of BILINEAR must prove; verify.py asks.
from .axes import largest


def check(r):
    r.small(6, 8, 1)
    r.stored(0, 12 * (r[7] + r[8]))
    r.inside(r[5], r[6] * r[7] * r[8])
    r.takes(16 * r[6] * r[7] * r[8] + 3000 * (r[7] + r[8]))
    if r.fine():
        rows = max(largest(r, 0, r[7], 3), largest(r, 4, r[7], 3))
        columns = max(largest(r, 12 * r[7], r[8], 3), largest(r, 12 * r[7] + 4, r[8], 3))
        r.inside(r[4], rows + columns + r[6])
        r.need(largest(r, 8, r[7] + r[8], 3) < 4096)
