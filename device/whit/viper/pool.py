# MAX_POOL_2D and AVERAGE_POOL_2D: the largest, or the mean rounded half away from zero, of the part of each
# window that lies inside the image; then clamped to the fused activation. Bytes are compared as x + 128.
import micropython


@micropython.viper
def run(x: ptr8):
    acc = 0
    c = ptr32(x)
    p = ptr32((c[1] | c[2] << 32) + c[0])
    arena = c[3] | c[4] << 32
    out = ptr8(arena + p[5])
    ci = p[8]
    line = p[7] * ci
    lo = p[17]
    hi = p[18]
    mean = p[19]
    oy = 0
    while oy < p[9]:
        y0 = oy * p[13] - p[15]
        rows = y0 + p[11]
        if y0 < 0:
            y0 = 0
        if rows > p[6]:
            rows = p[6]
        rows -= y0
        ox = 0
        while ox < p[10]:
            x0 = ox * p[14] - p[16]
            columns = x0 + p[12]
            if x0 < 0:
                x0 = 0
            if columns > p[7]:
                columns = p[7]
            columns -= x0
            count = rows * columns
            columns = columns * ci
            src = arena + p[4] + y0 * line + x0 * ci
            stop = src + ci
            while src < stop:
                acc = 0
                x = ptr8(src)
                src += 1
                y = rows
                while y:
                    end = int(x) + columns
                    if mean:
                        while end - int(x):
                            acc = (x[0] ^ 128) + acc
                            x = ptr8(int(x) + ci)
                    else:
                        while end - int(x):
                            if x[0] ^ 128 > acc:
                                acc = x[0] ^ 128
                            x = ptr8(int(x) + ci)
                    x = ptr8(int(x) + line - columns)
                    y -= 1
                if mean:
                    acc = acc - (count << 7)
                    if acc > 0:
                        acc = (acc + (count >> 1)) // count
                    else:
                        acc = 0 - ((count >> 1) - acc) // count
                    acc = acc + 128
                if acc < lo:
                    acc = lo
                if acc > hi:
                    acc = hi
                out[0] = acc ^ 128
                out = ptr8(int(out) + 1)
            ox += 1
        oy += 1
