# BATCH_MATMUL. See viper/matmul.py.
from . import rescale, word


def run(c):
    r = c[0]
    p = c[1]
    arena = c[2]
    data = c[4] + word(p, r + 8)
    left = word(p, r + 16)
    right = word(p, r + 20)
    from_l = c[3] if left & 1 else arena
    from_r = c[3] if right & 1 else arena
    left = (left >> 1) + (data if left & 1 else 0)
    right = (right >> 1) + (data if right & 1 else 0)
    out = word(p, r + 24)
    zl = p[r + 80]
    zr = p[r + 84]
    b = 0
    while b < word(p, r + 28) * word(p, r + 32):
        b0 = b // word(p, r + 32)
        b1 = b % word(p, r + 32)
        i = 0
        while i < word(p, r + 36):
            j = 0
            while j < word(p, r + 40):
                x = left + b0 * word(p, r + 48) + b1 * word(p, r + 52) + i * word(p, r + 56)
                w = right + b0 * word(p, r + 64) + b1 * word(p, r + 68) + j * word(p, r + 72)
                acc = 0
                n = word(p, r + 44)
                while n > 0:
                    acc += ((from_l[x] & 255 ^ 128) - zl) * ((from_r[w] & 255 ^ 128) - zr)
                    x += word(p, r + 60)
                    w += word(p, r + 76)
                    n -= 1
                arena[out] = rescale(acc, p, r + 88, p[r + 96], 0, 255)
                out += 1
                j += 1
            i += 1
        b += 1
