# What a record of DEPTHWISE must prove; verify.py asks.


def check(r):
    taps = r[15] * r[16]
    pixels = (r[13] - 1) * r[18] + (r[16] - 1) * r[20] + 1
    width = pixels * r[10]
    # bytecode gathers no rows: its steps are those of CONV
    r.takes(r[12] * (r[15] * width + r[13] * r[10] * r[14] * 4 * (taps + 8)))
    channels = r[10] * r[14]
    # the weights as words, or as int16 with four words for each output, and the rows of one output row; or these in
    # pairs, and weights for them, of four channels
    rows = r[15] + (r[17] if r[19] == 1 and r[17] <= r[15] else 0)
    channel = 4 * ((rows + 1) // 2) * (pixels + 3 * r[16] * r[14]) + 1
    size = max(4 * taps * max(channels, 2), channels * (16 + 4 * ((taps + 1) // 2)))
    size = max(size + r[15] * width, min(r[10], 4) * channel)
    # or, of as many channels as viper takes at a time, four words and the weights, a line along the longer axis, a byte
    many = r[31] >> 22
    u = r[12] <= r[13]
    line = ((r[12 + u] - 1) * r[17 + u] + (r[15 + u] - 1) * r[19 + u] + 1) * r[16 - u]
    r.image(max(size, many * (4 * r[14] * (4 + taps) + line + 1) + 3))
    r.need(many and r[11] == 1 and r[22] * r[10] <= width)
    r.stored(0, channels * taps)
