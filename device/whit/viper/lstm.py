# UNIDIRECTIONAL_SEQUENCE_LSTM, int8 with an int16 cell, one batch, all time steps:
#   f, i, o = sigmoid(W x + b + R h), g = tanh(W x + b + R h), each product requantised to Q3.12
#   cell = clip(f * cell + i * g); h = tanh(cell) * o
# Both functions come from one table of sigmoid(n / 24), 0.16, with linear interpolation: tanh(v) = 2 sigmoid(2v) - 1.
# Eleven steps a unit share one requantisation: W and R of f, i, o, g; then f * cell, i * g, tanh(cell) * o.
# The weights lie in the order of use; x and h are copied to scratch as bytes without sign, padded with zeros to 4.
import micropython


@micropython.viper
def run(x: ptr8):
    w = x
    acc = 0
    c = ptr32(x)
    p = ptr32((c[1] | c[2] << 32) + c[0])
    arena = c[3] | c[4] << 32
    data = (c[5] | c[6] << 32) + p[2]
    sigmoid = ptr16(data)
    v = ptr16(arena + p[8])  # f, i, o, g and cell (then its tanh), all plus 32768
    vx = arena + p[8] + 12
    vh = vx + ((p[11] + 3) & -4)
    end = vh + ((p[12] + 3) & -4)
    sign = 1
    sign = sign << 31
    mask = (sign << 1) - 1
    x = ptr8(vx)
    while int(x) < end:
        x[0] = 0
        x = ptr8(int(x) + 1)
    t = 0
    while t < p[10]:
        x = ptr8(arena + p[4] + t * p[13])
        w = ptr8(vx)
        acc = 0
        stop = vx + p[11]
        while int(w) < stop:
            w[0] = x[0] ^ 128
            acc = w[0] + acc
            x = ptr8(int(x) + 1)
            w = ptr8(int(w) + 1)
        minus_x = acc << 7
        x = ptr8(arena + p[6])
        w = ptr8(vh)
        acc = 0
        stop = vh + p[12]
        while int(w) < stop:
            w[0] = x[0] ^ 128
            acc = w[0] + acc
            x = ptr8(int(x) + 1)
            w = ptr8(int(w) + 1)
        minus_h = acc << 7
        w = ptr8(data + 512)
        b = ptr32(data + p[9])  # per unit and product: bias - (zero point + 128) * sum of weights
        cell = ptr16(arena + p[7])
        out = ptr8(arena + p[5] + t * p[14])
        j = p[12]
        while j > 0:
            v[4] = cell[0] ^ 32768
            q = ptr32(int(p) + 76)  # eleven multipliers, each with its shifts
            hold = 0
            k = 0
            while k < 11:
                if k < 8:
                    acc = b[0]
                    b = ptr32(int(b) + 4)
                    if k & 1:
                        x = ptr8(vh)
                        stop = end
                        row = int(w) + p[12]
                        acc -= minus_h
                    else:
                        x = ptr8(vx)
                        stop = vh
                        row = int(w) + p[11]
                        acc -= minus_x
                    while int(x) <= stop - 8:
                        acc = x[0] * w[0] + acc
                        acc = x[1] * w[1] + acc
                        acc = x[2] * w[2] + acc
                        acc = x[3] * w[3] + acc
                        acc = x[4] * w[4] + acc
                        acc = x[5] * w[5] + acc
                        acc = x[6] * w[6] + acc
                        acc = x[7] * w[7] + acc
                        x = ptr8(int(x) + 8)
                        w = ptr8(int(w) + 8)
                    if int(x) < stop:
                        acc = x[0] * w[0] + acc
                        acc = x[1] * w[1] + acc
                        acc = x[2] * w[2] + acc
                        acc = x[3] * w[3] + acc
                    w = ptr8(row)
                else:
                    acc = (v[k - 8] - 32768) * (v[4 - (k & 1)] - 32768)
                acc = acc << (q[1] >> 8)
                acc = ((acc & mask) ^ sign) - sign
                ml = q[0] & 65535
                mh = q[0] >> 16
                al = acc & 65535
                acc = acc >> 16
                u = acc * ml
                s = al * mh
                al = ((al * ml >> 16) & 65535) + (u & 32767) + (s & 32767) + 16384
                acc = (acc * mh << 1) + (u >> 15) + (s >> 15) + (al >> 15)
                e = q[1] & 255
                if e:
                    acc = (((acc + (acc >> 31)) >> (e - 1)) + 1) >> 1
                q = ptr32(int(q) + 8)
                # the sum of two numbers of 16 bits, each of them clamped
                e = 1 + (k & 1)
                while e > 0:
                    if acc > 32767:
                        acc = 32767
                    if acc < -32768:
                        acc = -32768
                    e -= 1
                    if e:
                        acc += hold
                hold = acc
                if k & 1:
                    ml = 3  # from Q3.12 to the table's 24 steps
                    e = 0
                    if k == 9:
                        mh = p[16] - 1
                        if mh >= 0:
                            if acc > mh:
                                acc = mh
                            if acc < 0 - mh:
                                acc = 0 - mh
                        cell[0] = acc
                        ml = p[17]
                        e = p[18]
                    acc = (acc * ml + (1 << e >> 1)) >> e
                    s = acc
                    if acc < 0:
                        acc = 0 - acc
                    e = 9  # bits between two entries: sigmoid, or tanh, whose argument counts twice
                    if k > 6:
                        e = 8
                    u = acc >> e
                    if u > 254:
                        acc = (65543 - e) << e
                    else:
                        acc = (sigmoid[u] << e) + (acc - (u << e)) * (sigmoid[u + 1] - sigmoid[u])
                    acc -= 1 << (e + 15)
                    if s < 0:
                        acc = -1 - acc
                    if e == 9:
                        acc = (acc + 16777728) >> 10
                    else:
                        acc = (acc + 128) >> 8
                    v[k >> 1] = acc + 32768
                k += 1
            acc = hold + p[15]
            if acc < 0:
                acc = 0
            if acc > 255:
                acc = 255
            out[0] = acc ^ 128
            out = ptr8(int(out) + 1)
            cell = ptr16(int(cell) + 2)
            j -= 1
        x = ptr8(int(out) - p[12])
        w = ptr8(arena + p[6])
        while int(x) < int(out):
            w[0] = x[0]
            x = ptr8(int(x) + 1)
            w = ptr8(int(w) + 1)
        t += 1
