# BATCH_MATMUL: out[i, j] = requantise(sum_k (l[i, k] - zl) * (r[k, j] - zr)), for each of two batch axes.
# Strides make the transposes; an operand's address is offset << 1, plus 1 if it lies in DATA.
import micropython


@micropython.viper
def run(x: ptr8):
    w = x
    acc = 0
    c = ptr32(x)
    p = ptr32((c[1] | c[2] << 32) + c[0])
    arena = c[3] | c[4] << 32
    data = (c[5] | c[6] << 32) + p[2]
    left = arena + (p[4] >> 1)
    if p[4] & 1:
        left = data + (p[4] >> 1)
    right = arena + (p[5] >> 1)
    if p[5] & 1:
        right = data + (p[5] >> 1)
    out = ptr8(arena + p[6])
    sign = 1
    sign = sign << 31
    mask = (sign << 1) - 1
    zl = p[20]
    zr = p[21]
    ml = p[22] & 65535
    mh = p[22] >> 16
    e = p[23] & 255
    sl = p[15]
    sr = p[19]
    b = 0
    while b < p[7] * p[8]:
        b0 = b // p[8]
        b1 = b - b0 * p[8]
        i = 0
        while i < p[9]:
            j = 0
            while j < p[10]:
                x = ptr8(left + b0 * p[12] + b1 * p[13] + i * p[14])
                w = ptr8(right + b0 * p[16] + b1 * p[17] + j * p[18])
                acc = 0
                n = p[11]
                while n > 0:
                    acc = ((x[0] ^ 128) - zl) * ((w[0] ^ 128) - zr) + acc
                    x = ptr8(int(x) + sl)
                    w = ptr8(int(w) + sr)
                    n -= 1
                acc = acc << (p[23] >> 8)
                acc = ((acc & mask) ^ sign) - sign
                al = acc & 65535
                acc = acc >> 16
                u = acc * ml
                v = al * mh
                al = ((al * ml >> 16) & 65535) + (u & 32767) + (v & 32767) + 16384
                acc = (acc * mh << 1) + (u >> 15) + (v >> 15) + (al >> 15)
                if e:
                    acc = (((acc + (acc >> 31)) >> (e - 1)) + 1) >> 1
                acc += p[24]
                if acc < 0:
                    acc = 0
                if acc > 255:
                    acc = 255
                out[0] = acc ^ 128
                out = ptr8(int(out) + 1)
                j += 1
            i += 1
        b += 1
