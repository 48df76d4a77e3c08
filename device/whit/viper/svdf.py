# SVDF: each filter takes in one number a run, requantise(sum_k (x[k] - zx) * wf[k]), and forgets its oldest;
#   out[u] = requantise(bias[u] + sum over the filters of u and their memory of (state - zs) * wt)
# State and time weights are int8 or int16. x is copied to scratch as bytes without sign, padded with zeros to 4.
import micropython


@micropython.viper
def run(x: ptr8):
    w = x
    acc = 0
    c = ptr32(x)
    p = ptr32((c[1] | c[2] << 32) + c[0])
    arena = c[3] | c[4] << 32
    data = (c[5] | c[6] << 32) + p[2]
    scratch = arena + p[7]
    stop = scratch + ((p[10] + 3) & -4)
    sign = 1
    sign = sign << 31
    mask = (sign << 1) - 1
    zero = p[15]
    size = p[14]
    limit = 1 << (8 * size - 1)
    x = ptr8(arena + p[4])
    w = ptr8(scratch)
    acc = 0
    n = p[10]
    while int(w) < stop:
        if n > 0:
            w[0] = x[0] ^ 128
            acc = w[0] + acc
            x = ptr8(int(x) + 1)
        else:
            w[0] = 0
        w = ptr8(int(w) + 1)
        n -= 1
    minus = acc << 7
    w = ptr8(data)
    state = arena + p[6]
    time = data + p[9]
    t = ptr32(data + p[8])  # per unit: bias, then -(zx + 128) * sum of weights of each filter
    out = ptr8(arena + p[5])
    units = p[11]
    while units > 0:
        total = t[0]
        q = ptr32(int(p) + 64)
        k = p[12]
        while k >= 0:
            if k:
                t = ptr32(int(t) + 4)
                acc = t[0] - minus
                x = ptr8(scratch)
                row = int(w) + p[10]
                while int(x) < stop:
                    acc = x[0] * w[0] + acc
                    acc = x[1] * w[1] + acc
                    acc = x[2] * w[2] + acc
                    acc = x[3] * w[3] + acc
                    x = ptr8(int(x) + 4)
                    w = ptr8(int(w) + 4)
                w = ptr8(row)
            else:
                acc = total
                q = ptr32(int(q) + 8)
            acc = acc << (q[1] >> 8)
            acc = ((acc & mask) ^ sign) - sign
            ml = q[0] & 65535
            mh = q[0] >> 16
            al = acc & 65535
            acc = acc >> 16
            u = acc * ml
            v = al * mh
            al = ((al * ml >> 16) & 65535) + (u & 32767) + (v & 32767) + 16384
            acc = (acc * mh << 1) + (u >> 15) + (v >> 15) + (al >> 15)
            e = q[1] & 255
            if e:
                acc = (((acc + (acc >> 31)) >> (e - 1)) + 1) >> 1
            if k:
                if acc >= limit:
                    acc = limit - 1
                if acc < 0 - limit:
                    acc = 0 - limit
                acc += zero - 128
                n = p[13]
                if size == 1:
                    x = ptr8(state)
                    y = ptr8(time)
                    while n > 1:
                        x[0] = x[1]
                        total += ((x[1] ^ 128) - zero) * (y[0] - 128)
                        x = ptr8(int(x) + 1)
                        y = ptr8(int(y) + 1)
                        n -= 1
                    x[0] = acc
                    total += ((x[0] ^ 128) - zero) * (y[0] - 128)
                else:
                    x2 = ptr16(state)
                    y2 = ptr16(time)
                    while n > 1:
                        x2[0] = x2[1]
                        total += ((x2[1] ^ 32768) - 32640 - zero) * (y2[0] - 32768)
                        x2 = ptr16(int(x2) + 2)
                        y2 = ptr16(int(y2) + 2)
                        n -= 1
                    x2[0] = acc
                    total += ((x2[0] ^ 32768) - 32640 - zero) * (y2[0] - 32768)
                state += p[13] * size
                time += p[13] * size
            k -= 1
        t = ptr32(int(t) + 4)
        acc += p[20]
        if acc < 0:
            acc = 0
        if acc > 255:
            acc = 255
        out[0] = acc ^ 128
        out = ptr8(int(out) + 1)
        units -= 1
