# Pieces from places that the host has worked out. See viper/gather.py.
from . import word


def run(c):
    r = c[0]
    p = c[1]
    arena = c[2]
    blob = c[3]
    data = c[4] + word(p, r + 8)
    src = word(p, r + 16)
    source = blob if src & 1 else arena
    src = (src >> 1) + (data if src & 1 else 0)
    out = word(p, r + 20)
    rows = data + word(p, r + 36)
    columns = rows + 4 * word(p, r + 24)
    size = word(p, r + 32)
    i = 0
    while i < word(p, r + 24):
        j = 0
        while j < word(p, r + 28):
            x = src + word(blob, rows + 4 * i) + word(blob, columns + 4 * j)
            n = size
            while n > 0:
                q = source[x] & 255
                arena[out] = q - 256 if q > 127 else q
                x += 1
                out += 1
                n -= 1
            j += 1
        i += 1
