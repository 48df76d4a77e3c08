# CONV on 32-bit firmware: two products from one multiplication, where no weight is -128 and `form` is not 0.
#   X = xa + 65536 * xb, W = wb + 65536 * wa:   X * W = xa*wb + 65536 * (xa*wa + xb*wb)  (mod 2**32)
#   (X * W + 32784) >> 16 = xa*wa + xb*wb, as |xa*wb| <= 16256 and the other two fit 16 bits
# 32784 is also the amount of the shift, of which processors take the low bits: 16.
# - Columns: input rows of one output row, column by column, so that a window lies in one piece; as words X.
# - Weights of a block of channels, part by part of n pairs: next record, shift, multiplier, constant, sum to begin
#   with, n words W. But for the last part, the second word is the address where the next one's sum begins.
# - For each position and part: n words X into locals, then all records of the part.
# - Requantisation: `form` says which bits of multiplier and sum are enough, and which results are too near to a bound
#   between outputs, so that the full one must tell: a * m, rounded and doubled, from halves of 16 and 15 bits.
import micropython


@micropython.viper
def run(x: ptr32):
    acc = 0
    w = x
    p = ptr32(x[1] + x[0])
    data = x[5] + p[2]
    src = x[3] + p[4]
    to = x[3] + p[5]
    scratch = x[3] + p[6]
    table = data + p[7]
    cg = p[11]
    og = p[14]
    kh = p[15]
    kw = p[16]
    column = kh * cg  # numbers of a column of the window; a window begins at an even one
    column += column & p[18] & 1
    k = p[31]
    n = (k >> 2) & 63
    frac = (k >> 8) & 31
    near = ((1 << ((k >> 13) & 15)) - 1) << (frac - ((k >> 13) & 15))
    bits = (k >> 17) & 31
    seg = (k >> 22) & 1023
    parts = (((kw * column + 1) >> 1) + n - 1) // n
    column = column << 1
    gap = column - cg * 2
    hop = p[18] * column
    n4 = n << 2
    record = n4 + 20
    step = parts * record
    k4 = (kh * kw * cg + 3) & -4
    more5 = n - 5
    more6 = n - 6
    more9 = (n + 2) >> 4
    more14 = n - 14
    more16 = n - 16
    more20 = (n + 10) >> 5
    more27 = (n + 4) >> 5
    more32 = n - 32
    # rounding, half of what is near a bound between outputs, half of what the shift of the sum loses
    tie = 1 << (frac - 1)
    centre = (p[24] << frac) + tie + ((near & -near) >> 1) + (1 << (bits - 1))
    if p[24]:
        tie = 0
    above = frac + 8
    dx = p[20]
    acc = (seg - 1) * hop + kw * column
    if acc < parts * n4:
        acc = parts * n4
    stream = scratch + ((acc + 15) & -16)
    last = 0
    first = 0
    while first < og:
        last = first + p[29]
        if last > og:
            last = og
        # a row's pairs in the order of a column: first all 0, as padding stays
        x = ptr32(scratch)
        end = scratch + parts * n4
        while end - int(x):
            x[0] = 8388736
            x = ptr32(int(x) + 4)
        d = ptr32(stream)
        j = first
        while j < last:
            tile = (og - (j & -4)) << 2
            if tile > 16:
                tile = 16
            x = ptr32(data + (j & -4) * k4 + ((j & 3) << 2))
            # four bytes at a time, or one by one, from the tile
            dst = scratch
            ky = kh
            while ky:
                acc = dst
                kx = kw
                while kx:
                    i = cg >> 2
                    if cg & 3:
                        i = cg
                    while i:
                        if cg & 3:
                            ptr8(acc ^ 2)[0] = ptr8(x)[0]
                            acc = acc + 2
                            x = ptr32(int(x) + 1)
                            if int(x) & 3 == 0:
                                x = ptr32(int(x) + tile - 4)
                        else:
                            ptr8(acc)[2] = ptr8(x)[0]
                            ptr8(acc)[0] = ptr8(x)[1]
                            ptr8(acc)[6] = ptr8(x)[2]
                            ptr8(acc)[4] = ptr8(x)[3]
                            acc = acc + 8
                            x = ptr32(int(x) + tile)
                        i -= 1
                    acc = acc + gap
                    kx -= 1
                dst += cg * 2
                ky -= 1
            t = ptr32(table + (j << 4))
            j += 1
            w = d
            w[4] = t[3]
            i = 0
            while i < parts:
                w = d
                w[0] = int(w) + step
                if j == last:
                    w[0] = 0
                w[1] = int(w) + record + 16
                x = ptr32(scratch + i * n4)
                end = int(x) + ((n4 + 15) & -16)
                acc = 8388736
                while end - int(x):
                    d[5] = x[0] - acc
                    d[6] = x[1] - acc
                    d[7] = x[2] - acc
                    d[8] = x[3] - acc
                    d = ptr32(int(d) + 16)
                    x = ptr32(int(x) + 16)
                d = ptr32(int(w) + record)
                i += 1
            w[1] = t[2] - frac + bits
            w[2] = ((t[1] >> (30 - bits)) + 1) >> 1
            w[3] = centre + (tie >> t[2])
            if p[25] or p[26] != 255:
                w[2] = 0  # all are near
                w[3] = 0
        oy = 0
        while oy < p[12]:
            ox = 0
            while ox < p[13]:
                m = p[13] - ox
                if m > seg:
                    m = seg
                cols = (m - 1) * p[18] + kw
                sx = ox * p[18] - p[22]
                lo = 0
                while sx < 0 and lo < cols:
                    sx += dx
                    lo += 1
                inside = p[9] - sx
                if dx > 1:
                    inside = (inside + dx - 1) // dx
                if inside > cols - lo:
                    inside = cols - lo
                if inside < 0:
                    inside = 0
                iy = oy * p[17] - p[21]
                # what lies outside the image: columns left and right of it, or anything
                acc = (p[23] - 128) * 65537
                if cg & 3:
                    acc = (p[23] ^ 128) * 65537
                inner = scratch + lo * column
                end = inner
                bottom = scratch + ((cols * column + 15) & -16)
                if inside == 0 or iy < 0 or iy + (kh - 1) * p[19] >= p[8]:
                    end = bottom
                x = ptr32(scratch)
                while int(x) < end:
                    x[0] = acc
                    x = ptr32(int(x) + 4)
                if inside < cols - lo:
                    x = ptr32((inner + inside * column) & -4)
                    while int(x) < bottom:
                        x[0] = acc
                        x = ptr32(int(x) + 4)
                if inside:
                    ky = 0
                    while ky < kh:
                        if iy >= 0 and iy < p[8]:
                            base = src + (iy * p[9] + sx) * cg
                            dst = inner + ky * cg * 2
                            if cg & 3:
                                i = cg
                                k = dx * cg
                                while i:
                                    x = ptr32(base)
                                    acc = dst
                                    end = acc + inside * column
                                    if k == 1:
                                        lo = inside >> 2
                                        while lo:
                                            ptr16(acc)[0] = ptr8(x)[0]
                                            acc = acc + column
                                            ptr16(acc)[0] = ptr8(x)[1]
                                            acc = acc + column
                                            ptr16(acc)[0] = ptr8(x)[2]
                                            acc = acc + column
                                            ptr16(acc)[0] = ptr8(x)[3]
                                            acc = acc + column
                                            x = ptr32(int(x) + 4)
                                            lo -= 1
                                    while end - acc:
                                        ptr16(acc)[0] = ptr8(x)[0]
                                        acc = acc + column
                                        x = ptr32(int(x) + k)
                                    base += 1
                                    dst += 2
                                    i -= 1
                            else:
                                x = ptr32(base)
                                d = ptr32(dst)
                                acc = 8388736
                                i = inside
                                k = cg
                                if kh + dx == 2:
                                    i = 1
                                    k = inside * cg
                                while i:
                                    end = int(x) + k
                                    while end - int(x):
                                        d[0] = (((ptr8(x)[1] << 16) + ptr8(x)[0]) ^ acc) - acc
                                        d[1] = (((ptr8(x)[3] << 16) + ptr8(x)[2]) ^ acc) - acc
                                        d = ptr32(int(d) + 8)
                                        x = ptr32(int(x) + 4)
                                    d = ptr32(int(d) + gap)
                                    x = ptr32(int(x) + (dx - 1) * cg)
                                    i -= 1
                        iy += p[19]
                        ky += 1
                if cg & 3:
                    x = ptr32(scratch)
                    acc = 8388736
                    while bottom - int(x):
                        x[0] = (x[0] ^ acc) - acc
                        x[1] = (x[1] ^ acc) - acc
                        x[2] = (x[2] ^ acc) - acc
                        x[3] = (x[3] ^ acc) - acc
                        x = ptr32(int(x) + 16)
                out = to + oy * p[27] + ox * p[28] + first
                ox += m
                dst = scratch
                while m:
                    i = parts
                    base = dst
                    end = stream
                    while i:
                        i -= 1
                        x = ptr32(base)
                        a0 = x[0]
                        a1 = x[1]
                        a2 = x[2]
                        a3 = x[3]
                        a4 = x[4]
                        if more5:
                            a5 = x[5]
                            a6 = x[6]
                            a7 = x[7]
                            a8 = x[8]
                            if more9:
                                a9 = x[9]
                                a10 = x[10]
                                a11 = x[11]
                                a12 = x[12]
                                a13 = x[13]
                                a14 = x[14]
                                a15 = x[15]
                                a16 = x[16]
                                a17 = x[17]
                                a18 = x[18]
                                a19 = x[19]
                                if more20:
                                    a20 = x[20]
                                    a21 = x[21]
                                    a22 = x[22]
                                    a23 = x[23]
                                    a24 = x[24]
                                    a25 = x[25]
                                    a26 = x[26]
                                    a27 = x[27]
                                    a28 = x[28]
                                    a29 = x[29]
                                    a30 = x[30]
                                    a31 = x[31]
                                    if more32:
                                        x = ptr32(int(x) + 128)
                                        a32 = x[0]
                                        a33 = x[1]
                                        a34 = x[2]
                                        a35 = x[3]
                        base += n4
                        x = ptr32(32784)
                        o = ptr8(out)
                        w = ptr32(end)
                        end += record
                        while int(w):
                            acc = w[4]
                            acc = ((a0 * w[5] + int(x)) >> int(x)) + acc
                            acc = ((a1 * w[6] + int(x)) >> int(x)) + acc
                            acc = ((a2 * w[7] + int(x)) >> int(x)) + acc
                            acc = ((a3 * w[8] + int(x)) >> int(x)) + acc
                            acc = ((a4 * w[9] + int(x)) >> int(x)) + acc
                            if more5:
                                if more9:
                                    acc = ((a5 * w[10] + int(x)) >> int(x)) + acc
                                    acc = ((a6 * w[11] + int(x)) >> int(x)) + acc
                                    acc = ((a7 * w[12] + int(x)) >> int(x)) + acc
                                    acc = ((a8 * w[13] + int(x)) >> int(x)) + acc
                                    acc = ((a9 * w[14] + int(x)) >> int(x)) + acc
                                    acc = ((a10 * w[15] + int(x)) >> int(x)) + acc
                                    acc = ((a11 * w[16] + int(x)) >> int(x)) + acc
                                    acc = ((a12 * w[17] + int(x)) >> int(x)) + acc
                                    acc = ((a13 * w[18] + int(x)) >> int(x)) + acc
                                    if more20:
                                        acc = ((a14 * w[19] + int(x)) >> int(x)) + acc
                                        acc = ((a15 * w[20] + int(x)) >> int(x)) + acc
                                        acc = ((a16 * w[21] + int(x)) >> int(x)) + acc
                                        acc = ((a17 * w[22] + int(x)) >> int(x)) + acc
                                        acc = ((a18 * w[23] + int(x)) >> int(x)) + acc
                                        acc = ((a19 * w[24] + int(x)) >> int(x)) + acc
                                        acc = ((a20 * w[25] + int(x)) >> int(x)) + acc
                                        acc = ((a21 * w[26] + int(x)) >> int(x)) + acc
                                        acc = ((a22 * w[27] + int(x)) >> int(x)) + acc
                                        acc = ((a23 * w[28] + int(x)) >> int(x)) + acc
                                        acc = ((a24 * w[29] + int(x)) >> int(x)) + acc
                                        acc = ((a25 * w[30] + int(x)) >> int(x)) + acc
                                        acc = ((a26 * w[31] + int(x)) >> int(x)) + acc
                                        if more27:
                                            v = ptr32(int(w) + 128)
                                            acc = ((a27 * v[0] + int(x)) >> int(x)) + acc
                                            acc = ((a28 * v[1] + int(x)) >> int(x)) + acc
                                            acc = ((a29 * v[2] + int(x)) >> int(x)) + acc
                                            acc = ((a30 * v[3] + int(x)) >> int(x)) + acc
                                            acc = ((a31 * v[4] + int(x)) >> int(x)) + acc
                                            if more32:
                                                acc = ((a32 * v[5] + int(x)) >> int(x)) + acc
                                                acc = ((a33 * v[6] + int(x)) >> int(x)) + acc
                                                acc = ((a34 * v[7] + int(x)) >> int(x)) + acc
                                                acc = ((a35 * v[8] + int(x)) >> int(x)) + acc
                                    elif more14:
                                        acc = ((a14 * w[19] + int(x)) >> int(x)) + acc
                                        acc = ((a15 * w[20] + int(x)) >> int(x)) + acc
                                        if more16:
                                            acc = ((a16 * w[21] + int(x)) >> int(x)) + acc
                                            acc = ((a17 * w[22] + int(x)) >> int(x)) + acc
                                            acc = ((a18 * w[23] + int(x)) >> int(x)) + acc
                                            acc = ((a19 * w[24] + int(x)) >> int(x)) + acc
                                else:
                                    acc = ((a5 * w[10] + int(x)) >> int(x)) + acc
                                    if more6:
                                        acc = ((a6 * w[11] + int(x)) >> int(x)) + acc
                                        acc = ((a7 * w[12] + int(x)) >> int(x)) + acc
                                        acc = ((a8 * w[13] + int(x)) >> int(x)) + acc
                            if i:
                                t = ptr32(w[1])
                                t[0] = acc
                            else:
                                whole = acc
                                acc = (acc >> w[1]) * w[2] + w[3]
                                if acc >> above:
                                    acc = (acc >> 31) ^ 127
                                elif acc & near:
                                    acc = (acc >> frac) ^ 128
                                else:
                                    t = ptr32(table + ((int(o) - out + first) << 4))
                                    k = t[1]
                                    j = k >> int(x)
                                    k = k - (j << int(x))
                                    acc = whole >> 15
                                    whole = whole & 32767
                                    acc = acc * j + ((((acc * k + ((whole * k) >> 15) + 32768) >> 1) + whole * j) >> 15)
                                    k = t[2]
                                    acc = ((acc >> 31) + acc + (1 << (k - 1))) >> k
                                    acc = acc + p[24]
                                    if acc < p[25]:
                                        acc = p[25]
                                    if acc > p[26]:
                                        acc = p[26]
                                    acc = acc ^ 128
                                o[0] = acc
                                o = ptr8(int(o) + 1)
                            w = ptr32(w[0])
                    dst += hop
                    out += p[28]
                    m -= 1
            oy += 1
        first = last
