# Convolution with groups: CONV_2D, DEPTHWISE_CONV_2D, FULLY_CONNECTED. See viper/conv.py and viper/depthwise.py.
from . import rescale, signed, word


def run(c):
    r = c[0]
    p = c[1]
    arena = c[2]
    blob = c[3]
    weights = c[4] + word(p, r + 8)
    src = word(p, r + 16)
    table = weights + word(p, r + 28)
    h = word(p, r + 32)
    w = word(p, r + 36)
    groups = word(p, r + 40)
    cg = word(p, r + 44)
    og = word(p, r + 56)
    kh = word(p, r + 60)
    kw = word(p, r + 64)
    zx = p[r + 92]
    ci = groups * cg
    k4 = (kh * kw * cg + 3) & -4
    oy = 0
    while oy < word(p, r + 48):
        y0 = oy * word(p, r + 68) - word(p, r + 84)
        ox = 0
        while ox < word(p, r + 52):
            x0 = ox * word(p, r + 72) - word(p, r + 88)
            out = word(p, r + 20) + oy * word(p, r + 108) + ox * word(p, r + 112)
            o = 0
            while o < groups * og:
                # the table's bias holds -(zx + 128) * sum of weights; taps outside the image count as zx
                acc = signed(blob, table + 16 * o)
                if word(p, r) == 18:  # DEPTHWISE: its rows lie one after another
                    n = 4
                    wi = weights + o * kh * kw
                else:
                    j = o % og  # its place in a tile of rows, of which each has four bytes in turn
                    n = 4 * min(4, og - (j & -4))
                    wi = weights + (o - (j & 3)) * k4 + 4 * (j & 3)
                ch = src + o // og * cg
                k = 0
                ky = 0
                while ky < kh:
                    y = y0 + ky * word(p, r + 76)
                    kx = 0
                    while kx < kw:
                        x = x0 + kx * word(p, r + 80)
                        if 0 <= y < h and 0 <= x < w:
                            xi = ch + (y * w + x) * ci
                            i = 0
                            while i < cg:
                                acc += (arena[xi + i] + 128) * (blob[wi + (k & 3)] - 128)
                                k += 1
                                if not k & 3:
                                    wi += n
                                i += 1
                        else:
                            i = 0
                            while i < cg:
                                acc += zx * (blob[wi + (k & 3)] - 128)
                                k += 1
                                if not k & 3:
                                    wi += n
                                i += 1
                        kx += 1
                    ky += 1
                arena[out] = rescale(acc, blob, table + 16 * o + 4, p[r + 96], p[r + 100], p[r + 104])
                out += 1
                o += 1
            ox += 1
        oy += 1
