# MEAN and SUM over any axes: out = requantise(sum of (x - zx)); the mean's division by the count is in the multiplier.
# REDUCE_MAX and REDUCE_MIN: the largest or the smallest x, as it is.
# Two kept axes (n, stride) and two reduced ones; the host merges neighbouring axes.
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
    sign = 1
    sign = sign << 31
    mask = (sign << 1) - 1
    step = p[13]
    kind = p[20]
    flip = 128
    if kind == 2:
        flip = 127
    i = 0
    while i < p[6]:
        j = 0
        while j < p[8]:
            acc = 0
            if kind == 0:
                acc = p[14]  # -(zx + 128) * count
            w = ptr8(src + i * p[7] + j * p[9])
            k = p[10]
            while k > 0:
                x = w
                n = p[12]
                if kind == 0:
                    while n > 0:
                        acc = (x[0] ^ 128) + acc
                        x = ptr8(int(x) + step)
                        n -= 1
                while n > 0:
                    # kind 1 keeps the largest; kind 2 the smallest, which is the largest of 255 - x
                    u = x[0] ^ flip
                    if u > acc:
                        acc = u
                    x = ptr8(int(x) + step)
                    n -= 1
                w = ptr8(int(w) + p[11])
                k -= 1
            if kind:
                out[0] = acc ^ flip
                out = ptr8(int(out) + 1)
                j += 1
                continue
            acc = acc << (p[16] >> 8)
            acc = ((acc & mask) ^ sign) - sign
            ml = p[15] & 65535
            mh = p[15] >> 16
            al = acc & 65535
            acc = acc >> 16
            u = acc * ml
            v = al * mh
            al = ((al * ml >> 16) & 65535) + (u & 32767) + (v & 32767) + 16384
            acc = (acc * mh << 1) + (u >> 15) + (v >> 15) + (al >> 15)
            e = p[16] & 255
            if e:
                acc = (((acc + (acc >> 31)) >> (e - 1)) + 1) >> 1
            acc += p[17]
            if acc < p[18]:
                acc = p[18]
            if acc > p[19]:
                acc = p[19]
            out[0] = acc ^ 128
            out = ptr8(int(out) + 1)
            j += 1
        i += 1
