# SVDF. See viper/svdf.py.
from . import half, rescale, signed, word


def _remember(c, acc, state, time):
    # the state of a filter, one number on; -> its product with the time weights
    r = c[0]
    p = c[1]
    arena = c[2]
    blob = c[3]
    size = p[r + 56]
    n = word(p, r + 52)
    zero = p[r + 60] - 128
    last = state + size * (n - 1)
    while state < last:
        arena[state] = arena[state + size]
        state += 1
    state -= size * (n - 1)
    acc += zero
    arena[last] = (acc & 255 ^ 128) - 128
    if size == 2:
        arena[last + 1] = (acc >> 8 & 255 ^ 128) - 128
    total = 0
    while n > 0:
        if size == 1:
            total += (arena[state] - zero) * (blob[time] - 128)
        else:
            total += ((arena[state] & 255 | arena[state + 1] << 8) - zero) * (half(blob, time) - 32768)
        state += size
        time += size
        n -= 1
    return total


def run(c):
    r = c[0]
    p = c[1]
    arena = c[2]
    blob = c[3]
    w = c[4] + word(p, r + 8)
    table = w + word(p, r + 32)
    time = w + word(p, r + 36)
    state = word(p, r + 24)
    out = word(p, r + 20)
    memory = word(p, r + 52) * p[r + 56]
    limit = 128 if p[r + 56] == 1 else 32768
    units = word(p, r + 44)
    while units > 0:
        total = signed(blob, table)
        k = word(p, r + 48)
        while k > 0:
            table += 4
            acc = signed(blob, table)
            x = word(p, r + 16)
            n = word(p, r + 40)
            while n > 0:
                acc += (arena[x] + 128) * (blob[w] - 128)
                x += 1
                w += 1
                n -= 1
            acc = rescale(acc, p, r + 64, 128, 128 - limit, limit + 127)
            total += _remember(c, acc, state, time)
            state += memory
            time += memory
            k -= 1
        table += 4
        arena[out] = rescale(total, p, r + 72, p[r + 80], 0, 255)
        out += 1
        units -= 1
