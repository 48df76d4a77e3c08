# What a record of COPY must prove; verify.py asks.


def check(r):
    r.need(r[7] == 0 or r[6] + r[7] <= r.arena)
    r.bytes(8, 8)
    n = r.count(9)
    r.need(n <= r.arena)
    r.takes(r[7] + 8 * n)
    r.strided(r[4], 9, 13)
    r.strided(r[5] << 1, 9, 17, False)
