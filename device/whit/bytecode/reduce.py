# MEAN, SUM, REDUCE_MAX and REDUCE_MIN over any axes. See viper/reduce.py.
from . import rescale, signed, word


def run(c):
    r = c[0]
    p = c[1]
    arena = c[2]
    src = word(p, r + 16)
    out = word(p, r + 20)
    count = word(p, r + 40) * word(p, r + 48)
    kind = p[r + 80]
    i = 0
    while i < word(p, r + 24):
        j = 0
        while j < word(p, r + 32):
            acc = 127 if kind == 2 else -128 if kind else signed(p, r + 56) + 128 * count
            k = 0
            while k < word(p, r + 40):
                x = src + i * word(p, r + 28) + j * word(p, r + 36) + k * word(p, r + 44)
                n = word(p, r + 48)
                while n > 0:
                    v = arena[x]
                    if kind == 0:
                        acc += v
                    elif v > acc if kind == 1 else v < acc:
                        acc = v
                    x += word(p, r + 52)
                    n -= 1
                k += 1
            arena[out] = acc if kind else rescale(acc, p, r + 60, p[r + 68], p[r + 72], p[r + 76])
            out += 1
            j += 1
        i += 1
