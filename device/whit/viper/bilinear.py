# RESIZE_BILINEAR: each output is four neighbours, weighted in 10-bit fractions; the sum is rounded half away from zero.
# The host has worked out, per row and per column: byte offsets of both neighbours, and the fraction + 2048.
import micropython


@micropython.viper
def run(x: ptr8):
    w = x
    acc = 0
    c = ptr32(x)
    p = ptr32((c[1] | c[2] << 32) + c[0])
    arena = c[3] | c[4] << 32
    src = arena + p[4]
    out = ptr8(arena + p[5])
    depth = p[6]
    row = ptr32((c[5] | c[6] << 32) + p[2])
    first = int(row) + p[7] * 12
    i = p[7]
    while i > 0:
        fy = row[2] - 2048
        column = ptr32(first)
        j = p[8]
        while j > 0:
            fx = column[2] - 2048
            upper = src + row[0]
            lower = src + row[1]
            n = 0
            while n < depth:
                x = ptr8(upper + n)
                w = ptr8(lower + n)
                a = (x[column[0]] ^ 128) - 128
                b = (w[column[0]] ^ 128) - 128
                acc = (a * (1024 - fy) + b * fy) * (1024 - fx)
                a = (x[column[1]] ^ 128) - 128
                b = (w[column[1]] ^ 128) - 128
                acc = (a * (1024 - fy) + b * fy) * fx + acc
                if acc > 0:
                    acc = (acc + 524288) >> 20
                else:
                    acc = 0 - ((524288 - acc) >> 20)
                out[0] = acc
                out = ptr8(int(out) + 1)
                n += 1
            column = ptr32(int(column) + 12)
            j -= 1
        row = ptr32(int(row) + 12)
        i -= 1
