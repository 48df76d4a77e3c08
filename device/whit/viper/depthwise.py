# DEPTHWISE_CONV_2D: each input channel has filters of its own.
#   out[c, j] = requantise(bias[c, j] + sum_t (x[c, t] - zx) * w[c, j, t]);  the bias holds -(zx + 128) * sum of w
# Weights are widened to signed words once (scratch); the input rows of one output row are copied to scratch as
# x + 128 with their padding, so that every window lies inside and a tap is one load, one multiplication, one step.
import micropython


@micropython.viper
def run(x: ptr8):
    acc = 0
    w = ptr32(x)
    c = ptr32(x)
    p = ptr32((c[1] | c[2] << 32) + c[0])
    arena = c[3] | c[4] << 32
    data = (c[5] | c[6] << 32) + p[2]
    ci = p[10]
    og = p[14]
    kh = p[15]
    kw = p[16]
    zx = p[23]
    zo = p[24]
    lo = p[25]
    hi = p[26]
    taps = kh * kw
    step = p[20] * ci  # from one tap to the next
    width = ((p[13] - 1) * p[18] + (kw - 1) * p[20] + 1) * ci  # of a row in scratch
    turn = width - kw * step  # from behind the last tap of a row to the first of the next
    left = p[22] * ci
    body = p[9] * ci
    if body > width - left:
        body = width - left
    table = data + p[7]
    words = arena + p[6]
    rows = words + taps * ci * og * 4
    sign = 1
    sign = sign << 31
    mask = (sign << 1) - 1
    x = ptr8(data)
    w = ptr32(words)
    while int(w) < rows:
        w[0] = x[0] - 128
        x = ptr8(int(x) + 1)
        w = ptr32(int(w) + 4)
    oy = 0
    while oy < p[12]:
        dst = rows
        ky = 0
        while ky < kh:
            iy = oy * p[17] - p[21] + ky * p[19]
            x = ptr8(dst)
            acc = dst + left
            dst += width
            if iy < 0 or iy >= p[8]:
                acc = dst
            while int(x) < acc:
                x[0] = zx
                x = ptr8(int(x) + 1)
            if int(x) < dst:
                s = ptr8(arena + p[4] + iy * p[9] * ci)
                acc = int(x) + body - 4
                while int(x) <= acc:
                    x[0] = s[0] ^ 128
                    x[1] = s[1] ^ 128
                    x[2] = s[2] ^ 128
                    x[3] = s[3] ^ 128
                    x = ptr8(int(x) + 4)
                    s = ptr8(int(s) + 4)
                acc += 4
                while int(x) < acc:
                    x[0] = s[0] ^ 128
                    x = ptr8(int(x) + 1)
                    s = ptr8(int(s) + 1)
                while int(x) < dst:
                    x[0] = zx
                    x = ptr8(int(x) + 1)
            ky += 1
        ox = 0
        while ox < p[13]:
            first = rows + ox * p[18] * ci
            out = ptr8(arena + p[5] + oy * p[27] + ox * p[28])
            t = ptr32(table)
            w = ptr32(words)
            end = first + ci
            while first < end:
                j = og
                while j > 0:
                    x = ptr8(first)
                    acc = t[0]
                    ky = kh
                    if kw == 3:
                        while ky > 0:
                            acc = x[0] * w[0] + acc
                            x = ptr8(int(x) + step)
                            acc = x[0] * w[1] + acc
                            x = ptr8(int(x) + step)
                            acc = x[0] * w[2] + acc
                            x = ptr8(int(x) + step + turn)
                            w = ptr32(int(w) + 12)
                            ky -= 1
                    else:
                        while ky > 0:
                            kx = kw
                            while kx > 0:
                                acc = x[0] * w[0] + acc
                                x = ptr8(int(x) + step)
                                w = ptr32(int(w) + 4)
                                kx -= 1
                            x = ptr8(int(x) + turn)
                            ky -= 1
                    # as in conv.py
                    acc = acc << ((t[2] >> 8) & 31)
                    acc = ((acc & mask) ^ sign) - sign
                    ml = t[1] & 65535
                    mh = t[1] >> 16
                    al = acc & 65535
                    acc = acc >> 16
                    u = acc * ml
                    v = al * mh
                    al = ((al * ml >> 16) & 65535) + (u & 32767) + (v & 32767) + 16384
                    acc = (acc * mh << 1) + (u >> 15) + (v >> 15) + (al >> 15)
                    e = t[2] & 255
                    if e:
                        acc = (((acc + (acc >> 31)) >> (e - 1)) + 1) >> 1
                    acc = acc + zo
                    if acc < lo:
                        acc = lo
                    if acc > hi:
                        acc = hi
                    out[0] = acc ^ 128
                    out = ptr8(int(out) + 1)
                    t = ptr32(int(t) + 16)
                    j -= 1
                first += 1
            ox += 1
        oy += 1
