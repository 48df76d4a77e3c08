# Convolution: CONV_2D (any groups), FULLY_CONNECTED. pairs.py is faster where it can be used.
#   out[g, j] = requantise(bias[g, j] + sum_k (x[g, k] - zx) * w[g, j, k])
# With xu = x + 128 and wu = w + 128 (bytes without sign, the cheap load) that sum is
#   sum xu*wu - 128 * sum xu - (zx + 128) * sum w;   the host has put the last term into the bias.
# The window is gathered once per position into scratch: [group][tap][channel], padded with zeros to 4. Each x is loaded
# once for the four rows of a tile.
import micropython


@micropython.viper
def run(x: ptr8):
    acc = 0
    v = x
    c = ptr32(x)
    p = ptr32((c[1] | c[2] << 32) + c[0])
    arena = c[3] | c[4] << 32
    data = (c[5] | c[6] << 32) + p[2]
    src = arena + p[4]
    out = ptr8(arena)
    scratch = arena + p[6]
    h = p[8]
    wd = p[9]
    groups = p[10]
    cg = p[11]  # input channels of a group
    kh = p[15]
    kw = p[16]
    zx = p[23]
    k4 = (kh * kw * cg + 3) & -4
    ci = groups * cg
    end = scratch + groups * k4
    sign = 1
    sign = sign << 31
    wide = sign << 1  # 0 on 32-bit
    mask = wide - 1
    flip = 128
    flip = flip * 16843009
    # taps gathered in one go: a whole row of the window where its bytes are neighbours
    run = kw
    if groups > 1 or p[20] > 1:
        run = 1
    # a few bits of multiplier and sum are enough to requantise, but where the result is near to a bound between outputs
    acc = p[31]
    frac = (acc >> 8) & 31
    short = (acc >> 13) & 15
    near = ((1 << short) - 1) << (frac - short)
    if p[25] or p[26] != 255:
        near = 0
    above = frac + 8
    tie = 1 << (frac - 1)
    centre = (p[24] << frac) + tie + (1 << (frac - short - 1))
    if p[24]:
        tie = 0
    acc = (acc >> 17) & 31
    centre += 1 << (acc - 1)
    down = acc - frac
    short = 30 - acc
    x = ptr8(scratch)
    while int(x) < end:  # the padding of each group stays 0
        x = ptr8(int(x) + k4)
        ptr32(x)[-1] = 0
    oy = 0
    while oy < p[12]:
        ox = 0
        while ox < p[13]:
            dst = scratch
            ky = 0
            while ky < kh:
                iy = oy * p[17] - p[21] + ky * p[19]
                kx = 0
                while kx < kw:
                    ix = ox * p[18] - p[22] + kx * p[20]
                    left = 0  # taps of this run that lie left of the image, then those up to its right edge
                    if ix < 0:
                        left = 0 - ix
                        if left > run:
                            left = run
                    right = wd - ix
                    if right > run:
                        right = run
                    if right <= left or iy < 0 or iy >= h:
                        left = run
                        right = run
                    if groups == 1:
                        x = ptr8(dst)
                        acc = dst + left * cg
                        while int(x) < acc:
                            x[0] = zx
                            x = ptr8(int(x) + 1)
                        v = ptr8(src + (iy * wd + ix + left) * cg)
                        acc = dst + right * cg
                        if (int(v) | int(x)) & 3 == 0:
                            while int(x) <= acc - 8:
                                ptr32(x)[0] = ptr32(v)[0] ^ flip
                                ptr32(x)[1] = ptr32(v)[1] ^ flip
                                x = ptr8(int(x) + 8)
                                v = ptr8(int(v) + 8)
                        while int(x) < acc:
                            x[0] = v[0] ^ 128
                            x = ptr8(int(x) + 1)
                            v = ptr8(int(v) + 1)
                        dst += run * cg
                        acc = dst
                        while int(x) < acc:
                            x[0] = zx
                            x = ptr8(int(x) + 1)
                    else:
                        x = ptr8(dst)
                        v = ptr8(src + (iy * wd + ix) * ci)
                        i = groups
                        while i > 0:
                            acc = 0
                            while acc < cg:
                                if left:
                                    x[acc] = zx
                                else:
                                    x[acc] = v[acc] ^ 128
                                acc += 1
                            x = ptr8(int(x) + k4)
                            v = ptr8(int(v) + cg)
                            i -= 1
                        dst += cg
                    kx += run
                ky += 1
            tile = data
            t = ptr32(data + p[7])  # per output channel: bias, multiplier, shifts and flag, bias of another form
            out = ptr8(arena + p[5] + oy * p[27] + ox * p[28])
            base = scratch
            while base < end:
                stop = base + k4
                x = ptr8(base)
                acc = 0
                while stop - int(x):
                    acc = x[0] + acc
                    acc = x[1] + acc
                    acc = x[2] + acc
                    acc = x[3] + acc
                    x = ptr8(int(x) + 4)
                minus = acc << 7
                left = p[14]
                while left > 0:
                    a0 = 0
                    a1 = 0
                    a2 = 0
                    a3 = 0
                    v = ptr8(base)
                    x = ptr8(tile)
                    if left > 3:
                        while stop - int(v):
                            acc = v[0]
                            a0 = x[0] * acc + a0
                            a1 = x[4] * acc + a1
                            a2 = x[8] * acc + a2
                            a3 = x[12] * acc + a3
                            acc = v[1]
                            a0 = x[1] * acc + a0
                            a1 = x[5] * acc + a1
                            a2 = x[9] * acc + a2
                            a3 = x[13] * acc + a3
                            acc = v[2]
                            a0 = x[2] * acc + a0
                            a1 = x[6] * acc + a1
                            a2 = x[10] * acc + a2
                            a3 = x[14] * acc + a3
                            acc = v[3]
                            a0 = x[3] * acc + a0
                            a1 = x[7] * acc + a1
                            a2 = x[11] * acc + a2
                            a3 = x[15] * acc + a3
                            x = ptr8(int(x) + 16)
                            v = ptr8(int(v) + 4)
                        tile = int(x)
                        left -= 4
                        i = 4
                    else:
                        # one of the last rows, of which there are n
                        n = p[14] & 3
                        acc = 0
                        while stop - int(v):
                            acc = v[0] * x[0] + acc
                            acc = v[1] * x[1] + acc
                            acc = v[2] * x[2] + acc
                            acc = v[3] * x[3] + acc
                            x = ptr8(int(x) + (n << 2))
                            v = ptr8(int(v) + 4)
                        a0 = acc
                        tile += 4
                        left -= 1
                        i = 1
                    while i:
                        acc = a0 - minus + t[0]
                        if wide:
                            acc = ((acc & mask) ^ sign) - sign
                        whole = acc
                        if near:
                            acc = (acc >> (t[2] + down)) * (((t[1] >> short) + 1) >> 1) + centre + (tie >> t[2])
                        if acc >> above and near:
                            acc = (acc >> 31) ^ 127
                        elif acc & near:
                            acc = (acc >> frac) ^ 128
                        else:
                            # gemmlowp: SaturatingRoundingDoublingHighMul, a * m rounded and doubled, in 16-bit halves
                            acc = whole << ((t[2] >> 8) & 31)
                            if wide:
                                acc = ((acc & mask) ^ sign) - sign
                            ml = t[1] & 65535
                            mh = t[1] >> 16
                            al = acc & 65535
                            acc = acc >> 16
                            u = acc * ml
                            n = al * mh
                            al = ((al * ml >> 16) & 65535) + (u & 32767) + (n & 32767) + 16384
                            acc = (acc * mh << 1) + (u >> 15) + (n >> 15) + (al >> 15)
                            # then RoundingDivideByPOT
                            n = t[2] & 255
                            if n:
                                acc = (((acc + (acc >> 31)) >> (n - 1)) + 1) >> 1
                            acc = acc + p[24]
                            if acc < p[25]:
                                acc = p[25]
                            if acc > p[26]:
                                acc = p[26]
                            acc = acc ^ 128
                        out[0] = acc
                        out = ptr8(int(out) + 1)
                        t = ptr32(int(t) + 16)
                        a0 = a1
                        a1 = a2
                        a2 = a3
                        i -= 1
                base = stop
                tile = data + p[14] * (base - scratch)
            ox += 1
        oy += 1
