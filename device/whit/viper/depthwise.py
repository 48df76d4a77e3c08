# DEPTHWISE_CONV_2D: each input channel has filters of its own.
#   out[c, j] = requantise(bias[c, j] + sum_t (x[c, t] - zx) * w[c, j, t]);  the bias holds -(zx + 128) * sum of w
# Output lines are rows, or columns where these are longer; u runs along a line, v from one to the next. `form` says how
# many channels are taken at a time. Scratch: for each output channel a record of shift, multiplier, constant, bias and
# the weights with their sign, [u][v]; then for each input channel x + 128 for one output line, [u][v] too, so that a
# window lies in one piece (three lines move up by one for a new one; any other number is copied for each output line);
# then a zero point for each channel.
# `form` also says which bits of multiplier and sum are enough to requantise, and which results are too near to a bound
# between outputs: for these, and where `form` has no bits, the whole a * m is worked out in halves.
import micropython


@micropython.viper
def run(x: ptr8):
    acc = 0
    w = ptr32(x)
    t = ptr32(x)
    p = ptr32((t[1] | t[2] << 32) + t[0])
    arena = t[3] | t[4] << 32
    data = (t[5] | t[6] << 32) + p[2]
    ci = p[10]
    og = p[14]
    tu = 1  # from a weight to the next along u, and along v; the same in the image
    tv = p[16]
    su = ci
    sv = p[9] * ci
    q = p  # q[i] and r[i]: what there is for both axes, for v and for u
    r = p
    if p[12] > p[13]:
        tu = tv
        tv = 1
        su = sv
        sv = ci
        q = ptr32(int(p) + 4)
        r = ptr32(int(p) - 4)
    kv = q[15]
    ku = r[16]
    du = r[20]
    hop = r[18] * kv
    pixel = r[28]
    step = ((ku * kv) << 2) + 16
    width = (r[13] - 1) * r[18] + (ku - 1) * du + 1
    body = width - r[22]
    if body > r[9]:
        body = r[9]
    line = width * kv
    turns = 1  # pieces of a window; in each, taps that are taken one by one, then three by three
    rest = ku * kv
    gap = (du - 1) * kv
    if gap:
        turns = ku
        rest = kv
    threes = rest
    while rest > 2:
        rest -= 3
    threes -= rest
    zo = p[24]
    form = p[31]
    frac = (form >> 8) & 31
    k = (form >> 13) & 15
    near = ((1 << k) - 1) << (frac - k)
    above = frac + 8
    bits = (form >> 17) & 31
    tie = 1 << (frac - 1)
    centre = (zo << frac) + tie + (1 << (frac - k - 1)) + (1 << (bits - 1))
    if zo:
        tie = 0
    sign = 1
    sign = sign << 31
    wide = sign << 1  # 0 on 32-bit
    mask = wide - 1
    square = int((ku ^ 3) | (kv ^ 3) | (du ^ 1) | wide == 0)
    first = 0
    last = 0
    while first < ci:
        last = first + ((form >> 22) & 1023)
        if last > ci:
            last = ci
        m = last - first
        w = ptr32(arena + p[6])
        base = data + p[7] + ((first * og) << 4)
        t = ptr32(base)
        x = ptr8(data + first * og * ku * kv)
        n = m * og
        while n:
            w[0] = 0
            w[1] = 0
            w[2] = 1
            if near and t[2] & sign == 0 and p[25] == 0 and p[26] == 255:
                w[0] = t[2] - frac + bits
                w[1] = ((t[1] >> (30 - bits)) + 1) >> 1
                w[2] = centre + (tie >> t[2])
            w[3] = t[0]
            t = ptr32(int(t) + 16)
            w = ptr32(int(w) + 16)
            i = 0
            while i < ku:
                acc = i * tu
                k = kv
                while k:
                    w[0] = x[acc] - 128
                    w = ptr32(int(w) + 4)
                    acc = acc + tv
                    k -= 1
                i += 1
            x = ptr8(int(x) + ku * kv)
            n -= 1
        lines = int(w)
        zeros = lines + m * line
        acc = p[23] * 16843009
        while int(w) < zeros:
            w[0] = acc
            w = ptr32(int(w) + 4)
        x = ptr8(zeros)
        acc = zeros + m
        while int(x) < acc:
            x[0] = p[23] ^ 128
            x = ptr8(int(x) + 1)
        ov = 0
        while ov < q[12]:
            k = 0
            if kv == 3 and ov and q[19] == 1 and q[17] < 3:
                k = 3 - q[17]
            while k < kv:
                iv = ov * q[17] - q[21] + k * q[19]
                src = zeros
                if iv >= 0 and iv < q[8]:
                    src = arena + p[4] + iv * sv + first
                dst = lines + r[22] * kv
                j = body
                while j > 0:
                    x = ptr8(src)
                    acc = dst
                    if kv == 3:
                        i = m >> 2
                        while i:
                            ptr8(acc)[0] = ptr8(acc)[1]
                            ptr8(acc)[1] = ptr8(acc)[2]
                            ptr8(acc)[2] = x[0] ^ 128
                            acc = acc + line
                            ptr8(acc)[0] = ptr8(acc)[1]
                            ptr8(acc)[1] = ptr8(acc)[2]
                            ptr8(acc)[2] = x[1] ^ 128
                            acc = acc + line
                            ptr8(acc)[0] = ptr8(acc)[1]
                            ptr8(acc)[1] = ptr8(acc)[2]
                            ptr8(acc)[2] = x[2] ^ 128
                            acc = acc + line
                            ptr8(acc)[0] = ptr8(acc)[1]
                            ptr8(acc)[1] = ptr8(acc)[2]
                            ptr8(acc)[2] = x[3] ^ 128
                            acc = acc + line
                            x = ptr8(int(x) + 4)
                            i -= 1
                        i = m & 3
                        while i:
                            ptr8(acc)[0] = ptr8(acc)[1]
                            ptr8(acc)[1] = ptr8(acc)[2]
                            ptr8(acc)[2] = x[0] ^ 128
                            acc = acc + line
                            x = ptr8(int(x) + 1)
                            i -= 1
                    else:
                        acc = acc + k
                        i = m
                        while i:
                            ptr8(acc)[0] = x[0] ^ 128
                            acc = acc + line
                            x = ptr8(int(x) + 1)
                            i -= 1
                    if src != zeros:
                        src += su
                    dst += kv
                    j -= 1
                k += 1
            to = arena + p[5] + ov * q[27] + first * og
            w = ptr32(arena + p[6])
            t = ptr32(base)
            src = lines
            n = 0
            while src < zeros:
                n = og
                while n:
                    shift = w[0]
                    factor = w[1]
                    add = w[2]
                    bias = w[3]
                    w = ptr32(int(w) + 16)
                    if square:
                        w0 = w[0]
                        w1 = w[1]
                        w2 = w[2]
                        w3 = w[3]
                        w4 = w[4]
                        w5 = w[5]
                        w6 = w[6]
                        w7 = w[7]
                        w8 = w[8]
                    out = ptr8(to)
                    x = ptr8(src)
                    end = src + r[13] * hop
                    while end - int(x):
                        acc = bias
                        if square:
                            acc = x[0] * w0 + acc
                            acc = x[1] * w1 + acc
                            acc = x[2] * w2 + acc
                            acc = x[3] * w3 + acc
                            acc = x[4] * w4 + acc
                            acc = x[5] * w5 + acc
                            acc = x[6] * w6 + acc
                            acc = x[7] * w7 + acc
                            acc = x[8] * w8 + acc
                        else:
                            v = w
                            k = int(x)
                            j = turns
                            while j:
                                i = int(x) + rest
                                while i - int(x):
                                    acc = x[0] * v[0] + acc
                                    x = ptr8(int(x) + 1)
                                    v = ptr32(int(v) + 4)
                                i = int(x) + threes
                                while i - int(x):
                                    acc = x[0] * v[0] + acc
                                    acc = x[1] * v[1] + acc
                                    acc = x[2] * v[2] + acc
                                    x = ptr8(int(x) + 3)
                                    v = ptr32(int(v) + 12)
                                x = ptr8(int(x) + gap)
                                j -= 1
                            x = ptr8(k)
                            acc = ((acc & mask) ^ sign) - sign
                        whole = acc
                        acc = (acc >> shift) * factor + add
                        if acc >> above:
                            acc = (acc >> 31) ^ 127
                        elif acc & near:
                            acc = (acc >> frac) ^ 128
                        else:
                            mh = t[1] >> 16
                            ml = t[1] & 65535
                            k = t[2] & 255
                            if t[2] & sign:
                                # gemmlowp: SaturatingRoundingDoublingHighMul, a * m rounded and doubled
                                acc = whole << ((t[2] >> 8) & 31)
                                acc = ((acc & mask) ^ sign) - sign
                                al = acc & 65535
                                acc = acc >> 16
                                i = acc * ml
                                j = al * mh
                                al = ((al * ml >> 16) & 65535) + (i & 32767) + (j & 32767) + 16384
                                acc = (acc * mh << 1) + (i >> 15) + (j >> 15) + (al >> 15)
                            else:
                                # the same of a sum below 2**30
                                al = whole & 32767
                                acc = whole >> 15
                                i = (acc * ml + ((al * ml) >> 15) + 32768) >> 1
                                acc = acc * mh + ((al * mh + i) >> 15)
                            # then RoundingDivideByPOT
                            if k:
                                acc = (((acc + (acc >> 31)) >> (k - 1)) + 1) >> 1
                            acc = acc + zo
                            if acc < p[25]:
                                acc = p[25]
                            if acc > p[26]:
                                acc = p[26]
                            acc = acc ^ 128
                        out[0] = acc
                        out = ptr8(int(out) + pixel)
                        x = ptr8(int(x) + hop)
                    w = ptr32(int(w) + step - 16)
                    t = ptr32(int(t) + 16)
                    to += 1
                    n -= 1
                src += line
            ov += 1
        first = last
