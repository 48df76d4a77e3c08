# MAX_POOL_2D and AVERAGE_POOL_2D: the largest, or the mean rounded half away from zero, of the part of each
# window that lies inside the image; then clamped to the fused activation. Bytes are compared as x + 128.
import micropython


@micropython.viper
def run(x: ptr8):
    acc = 0
    b = 0
    c = ptr32(x)
    p = ptr32((c[1] | c[2] << 32) + c[0])
    arena = c[3] | c[4] << 32
    src = arena + p[4]
    out = ptr8(arena + p[5])
    h = p[6]
    wd = p[7]
    ci = p[8]
    oh = p[9]
    ow = p[10]
    kh = p[11]
    kw = p[12]
    lo = p[17]
    hi = p[18]
    mean = p[19]
    oy = 0
    while oy < oh:
        y0 = oy * p[13] - p[15]
        y1 = y0 + kh
        if y0 < 0:
            y0 = 0
        if y1 > h:
            y1 = h
        ox = 0
        while ox < ow:
            x0 = ox * p[14] - p[16]
            x1 = x0 + kw
            if x0 < 0:
                x0 = 0
            if x1 > wd:
                x1 = wd
            count = (y1 - y0) * (x1 - x0)
            ch = 0
            while ch < ci:
                acc = 0
                y = y0
                while y < y1:
                    x = ptr8(src + (y * wd + x0) * ci + ch)
                    end = int(x) + (x1 - x0) * ci
                    if mean:
                        while int(x) < end:
                            acc = (x[0] ^ 128) + acc
                            x = ptr8(int(x) + ci)
                    else:
                        while int(x) < end:
                            b = x[0] ^ 128
                            if b > acc:
                                acc = b
                            x = ptr8(int(x) + ci)
                    y += 1
                if mean:
                    acc -= count << 7
                    if acc > 0:
                        acc = (acc + (count >> 1)) // count
                    else:
                        acc = 0 - ((count >> 1) - acc) // count
                    acc += 128
                if acc < lo:
                    acc = lo
                if acc > hi:
                    acc = hi
                out[0] = acc ^ 128
                out = ptr8(int(out) + 1)
                ch += 1
            ox += 1
        oy += 1
