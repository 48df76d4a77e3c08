# What a record of SOFTMAX must prove; verify.py asks.
from ..model import word


def check(r):
    n = r[6] * r[7]
    r.need(r[7] <= 512)  # a longer sum needs a shift by more than 31 bits
    r.inside(r[4], n)
    r.inside(r[5], n)
    # in place, or apart: an output that lands on values still to be read makes them exceed their maximum,
    # which is the table's index 0
    r.need(r[5] <= r[4] or r[5] >= r[4] + n)
    r.takes(16 * n)
    r.stored(0, 1024)
    if r.fine():  # exp(0) is 1 and no entry is negative: else the sum could be 0, and its inverse never found
        at = 36 + word(r.b, 20) + word(r.b, 24) + r.start
        r.takes(256000)
        r.need(word(r.b, at) == 0x7FFFFFFF)
        for i in range(4, 1024, 4):
            r.need(word(r.b, at + i) < 1 << 31)
