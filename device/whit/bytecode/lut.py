# Functions of one int8 value by a table of 256 bytes. See viper/lut.py.
from . import word


def run(c):
    r = c[0]
    p = c[1]
    arena = c[2]
    blob = c[3]
    table = c[4] + word(p, r + 8)
    src = word(p, r + 16)
    out = word(p, r + 20)
    n = word(p, r + 24)
    i = 0
    while i < n:
        q = blob[table + (arena[src + i] & 255)]
        arena[out + i] = q - 256 if q > 127 else q
        i += 1
