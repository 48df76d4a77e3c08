# What ADD and MUL share: a walk over four axes with the strides of both operands. See viper/add.py.
from . import word


def run(c, value):
    r = c[0]
    p = c[1]
    arena = c[2]
    data = c[4] + word(p, r + 8)
    a = word(p, r + 16)
    b = word(p, r + 20)
    # an operand in DATA is read from the blob, whose bytes have no sign; the arena has one: & 255 makes them alike
    from_a = c[3] if a & 1 else arena
    from_b = c[3] if b & 1 else arena
    a = (a >> 1) + (data if a & 1 else 0)
    b = (b >> 1) + (data if b & 1 else 0)
    out = word(p, r + 24)
    i = 0
    while i < word(p, r + 32):
        j = 0
        while j < word(p, r + 36):
            k = 0
            while k < word(p, r + 40):
                x = a + i * word(p, r + 48) + j * word(p, r + 52) + k * word(p, r + 56)
                w = b + i * word(p, r + 64) + j * word(p, r + 68) + k * word(p, r + 72)
                n = word(p, r + 44)
                while n > 0:
                    arena[out] = value(p, r, (from_a[x] & 255) ^ 128, (from_b[w] & 255) ^ 128)
                    x += word(p, r + 60)
                    w += word(p, r + 76)
                    out += 1
                    n -= 1
                k += 1
            j += 1
        i += 1
