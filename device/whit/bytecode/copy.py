# Strided copies over four axes, and a fill before. See viper/copy.py.
from . import word


def _signed(q):
    return q - 256 if q > 127 else q


def run(c):
    r = c[0]
    p = c[1]
    arena = c[2]
    i = word(p, r + 24)
    end = i + word(p, r + 28)
    while i < end:
        arena[i] = _signed(p[r + 32])
        i += 1
    src = word(p, r + 16)
    source = c[3] if src & 1 else arena
    src = (src >> 1) + (c[4] + word(p, r + 8) if src & 1 else 0)
    dst = word(p, r + 20)
    i = 0
    while i < word(p, r + 36):
        j = 0
        while j < word(p, r + 40):
            k = 0
            while k < word(p, r + 44):
                x = src + i * word(p, r + 52) + j * word(p, r + 56) + k * word(p, r + 60)
                w = dst + i * word(p, r + 68) + j * word(p, r + 72) + k * word(p, r + 76)
                n = word(p, r + 48)
                while n > 0:
                    arena[w] = _signed(source[x] & 255)
                    x += word(p, r + 64)
                    w += word(p, r + 80)
                    n -= 1
                k += 1
            j += 1
        i += 1
