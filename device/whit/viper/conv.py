# Convolution: CONV_2D (any groups), FULLY_CONNECTED.
#   out[g, j] = requantise(bias[g, j] + sum_k (x[g, k] - zx) * w[g, j, k])
# With xu = x + 128 and wu = w + 128 (bytes without sign, the cheap load) that sum is
#   sum xu*wu - 128 * sum xu - (zx + 128) * sum w;   the host has put the last term into the bias.
# The window is gathered once per position into scratch: [group][tap][channel], padded with zeros to 4.
import micropython


@micropython.viper
def run(x: ptr8):
    acc = 0
    w = x
    c = ptr32(x)
    p = ptr32((c[1] | c[2] << 32) + c[0])
    arena = c[3] | c[4] << 32
    data = (c[5] | c[6] << 32) + p[2]
    src = arena + p[4]
    out = ptr8(arena)
    scratch = arena + p[6]
    table = data + p[7]  # per output channel: bias, multiplier, right shift | left shift << 8, bias of another form
    h = p[8]
    wd = p[9]
    groups = p[10]
    cg = p[11]  # input channels of a group
    oh = p[12]
    ow = p[13]
    og = p[14]  # output channels of a group
    kh = p[15]
    kw = p[16]
    zx = p[23]
    zo = p[24]
    lo = p[25]
    hi = p[26]
    k = kh * kw * cg
    k4 = (k + 3) & -4
    ci = groups * cg
    sign = 1
    sign = sign << 31
    mask = (sign << 1) - 1
    # taps gathered in one go: a whole row of the window where its bytes are neighbours
    run = kw
    if groups > 1 or p[20] > 1:
        run = 1
    x = ptr8(scratch)
    acc = groups * k4
    while acc > 0:  # the padding of each group stays 0
        acc -= 1
        x[acc] = 0
    oy = 0
    while oy < oh:
        ox = 0
        while ox < ow:
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
                        w = ptr8(src + (iy * wd + ix + left) * cg)
                        acc = dst + right * cg
                        while int(x) <= acc - 4:
                            x[0] = w[0] ^ 128
                            x[1] = w[1] ^ 128
                            x[2] = w[2] ^ 128
                            x[3] = w[3] ^ 128
                            x = ptr8(int(x) + 4)
                            w = ptr8(int(w) + 4)
                        while int(x) < acc:
                            x[0] = w[0] ^ 128
                            x = ptr8(int(x) + 1)
                            w = ptr8(int(w) + 1)
                        dst += run * cg
                        acc = dst
                        while int(x) < acc:
                            x[0] = zx
                            x = ptr8(int(x) + 1)
                    else:
                        x = ptr8(dst)
                        w = ptr8(src + (iy * wd + ix) * ci)
                        g = groups
                        while g > 0:
                            acc = 0
                            while acc < cg:
                                if left:
                                    x[acc] = zx
                                else:
                                    x[acc] = w[acc] ^ 128
                                acc += 1
                            x = ptr8(int(x) + k4)
                            w = ptr8(int(w) + cg)
                            g -= 1
                        dst += cg
                    kx += run
                ky += 1
            tile = data
            t = ptr32(table)
            out = ptr8(arena + p[5] + oy * p[27] + ox * p[28])
            base = scratch
            end = scratch + groups * k4
            while base < end:
                x = ptr8(base)
                acc = 0
                while int(x) < base + k4:
                    acc = x[0] + acc
                    acc = x[1] + acc
                    acc = x[2] + acc
                    acc = x[3] + acc
                    x = ptr8(int(x) + 4)
                minus = acc << 7
                left = og
                while left > 0:  # a tile: four channels, or the last ones, word by word in turn
                    n = left
                    if n > 4:
                        n = 4
                    step = n << 2
                    row = 0
                    while row < step:
                        x = ptr8(base)
                        w = ptr8(tile + row)
                        acc = 0
                        if n == 4:
                            stop = base + k4 - 8
                            while int(x) <= stop:
                                acc = x[0] * w[0] + acc
                                acc = x[1] * w[1] + acc
                                acc = x[2] * w[2] + acc
                                acc = x[3] * w[3] + acc
                                acc = x[4] * w[16] + acc
                                acc = x[5] * w[17] + acc
                                acc = x[6] * w[18] + acc
                                acc = x[7] * w[19] + acc
                                x = ptr8(int(x) + 8)
                                w = ptr8(int(w) + 32)
                        stop = base + k4
                        while int(x) < stop:
                            acc = x[0] * w[0] + acc
                            acc = x[1] * w[1] + acc
                            acc = x[2] * w[2] + acc
                            acc = x[3] * w[3] + acc
                            x = ptr8(int(x) + 4)
                            w = ptr8(int(w) + step)
                        # gemmlowp: SaturatingRoundingDoublingHighMul, a * m rounded and doubled, in 16-bit halves
                        acc = (acc - minus + t[0]) << ((t[2] >> 8) & 31)
                        acc = ((acc & mask) ^ sign) - sign
                        ml = t[1] & 65535
                        mh = t[1] >> 16
                        al = acc & 65535
                        acc = acc >> 16
                        u = acc * ml
                        v = al * mh
                        al = ((al * ml >> 16) & 65535) + (u & 32767) + (v & 32767) + 16384
                        acc = (acc * mh << 1) + (u >> 15) + (v >> 15) + (al >> 15)
                        # then RoundingDivideByPOT
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
                        row += 4
                    tile += n * k4
                    left -= n
                base += k4
            ox += 1
        oy += 1
