# RESIZE_BILINEAR. See viper/bilinear.py.
from . import word


def run(c):
    r = c[0]
    p = c[1]
    arena = c[2]
    blob = c[3]
    src = word(p, r + 16)
    out = word(p, r + 20)
    depth = word(p, r + 24)
    row = c[4] + word(p, r + 8)
    first = row + 12 * word(p, r + 28)
    i = word(p, r + 28)
    while i > 0:
        upper = src + word(blob, row)
        lower = src + word(blob, row + 4)
        fy = word(blob, row + 8) - 2048
        column = first
        j = word(p, r + 32)
        while j > 0:
            left = word(blob, column)
            right = word(blob, column + 4)
            fx = word(blob, column + 8) - 2048
            n = 0
            while n < depth:
                a = arena[upper + left + n] * (1024 - fy) + arena[lower + left + n] * fy
                b = arena[upper + right + n] * (1024 - fy) + arena[lower + right + n] * fy
                a = a * (1024 - fx) + b * fx
                arena[out] = a + 524288 >> 20 if a > 0 else -(524288 - a >> 20)
                out += 1
                n += 1
            column += 12
            j -= 1
        row += 12
        i -= 1
