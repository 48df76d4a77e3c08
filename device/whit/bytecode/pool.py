# MAX_POOL_2D and AVERAGE_POOL_2D. See viper/pool.py.
from . import word


def run(c):
    r = c[0]
    p = c[1]
    arena = c[2]
    src = word(p, r + 16)
    out = word(p, r + 20)
    h = word(p, r + 24)
    w = word(p, r + 28)
    ci = word(p, r + 32)
    low = p[r + 68] - 128
    top = p[r + 72] - 128
    mean = p[r + 76]
    oy = 0
    while oy < word(p, r + 36):
        y0 = oy * word(p, r + 52) - word(p, r + 60)
        y1 = min(h, y0 + word(p, r + 44))
        y0 = max(0, y0)
        ox = 0
        while ox < word(p, r + 40):
            x0 = ox * word(p, r + 56) - word(p, r + 64)
            x1 = min(w, x0 + word(p, r + 48))
            x0 = max(0, x0)
            count = (y1 - y0) * (x1 - x0)
            ch = 0
            while ch < ci:
                acc = 0 if mean else -128
                y = y0
                while y < y1:
                    x = x0
                    while x < x1:
                        v = arena[src + (y * w + x) * ci + ch]
                        if mean:
                            acc += v
                        elif v > acc:
                            acc = v
                        x += 1
                    y += 1
                if mean:
                    acc = (acc + (count >> 1)) // count if acc > 0 else -(((count >> 1) - acc) // count)
                arena[out] = low if acc < low else top if acc > top else acc
                out += 1
                ch += 1
            ox += 1
        oy += 1
