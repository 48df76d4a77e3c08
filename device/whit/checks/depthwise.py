# What a record of DEPTHWISE must prove; verify.py asks.


def check(r):
    taps = r[15] * r[16]
    width = ((r[13] - 1) * r[18] + (r[16] - 1) * r[20] + 1) * r[10]
    # bytecode gathers no rows: its steps are those of CONV
    r.takes(r[12] * (r[15] * width + r[13] * r[10] * r[14] * 4 * (taps + 8)))
    channels = r.image()
    r.need(r[11] == 1 and r[22] * r[10] <= width)
    # rows of one output row, behind the weights as words
    r.inside(r[6], 4 * taps * channels + r[15] * width)
    r.need(not r[6] & 3)
    r.stored(0, channels * taps)
