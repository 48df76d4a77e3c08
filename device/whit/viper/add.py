# ADD, SUB: out = requantise(requantise((a - za) << 20) +- requantise((b - zb) << 20));
# SQUARED_DIFFERENCE: the same with << 7, and the difference squared.
# An operand has 256 values, so its inner requantisation is a table of 256 words, made in scratch before the loop:
# for d = a - za and m of two halves, (d << 20) * m / 2**31 = (d * mh << 5) + d * ml / 2**11.
# Up to four axes; a stride of 0 broadcasts. The address of an operand is offset << 1, plus 1 if it lies in DATA.
import micropython


@micropython.viper
def run(x: ptr8):
    acc = 0
    w = x
    c = ptr32(x)
    p = ptr32((c[1] | c[2] << 32) + c[0])
    arena = c[3] | c[4] << 32
    data = (c[5] | c[6] << 32) + p[2]
    a0 = arena + (p[4] >> 1)
    if p[4] & 1:
        a0 = data + (p[4] >> 1)
    b0 = arena + (p[5] >> 1)
    if p[5] & 1:
        b0 = data + (p[5] >> 1)
    out = ptr8(arena + p[6])
    t = ptr32(arena + p[7])
    q = ptr32(int(p) + 80)  # zero point, multiplier, shift of a; then of b
    sign = 1
    sign = sign << 31
    wide = sign << 1  # 0 on 32-bit
    mask = wide - 1
    mode = p[32]  # 1: subtract, 2: square
    tables = 2
    while tables:
        ml = q[1] & 65535
        mh = q[1] >> 16
        e = q[2] & 255
        i = 0
        while i < 256:
            acc = (i ^ 128) - q[0]
            if p[31] == 20:
                acc = (acc * mh << 5) + ((acc * ml + 1024) >> 11)
            else:
                acc = (acc * mh + ((acc * ml + 8388608) >> 16)) >> 8
            if e:
                acc = (((acc + (acc >> 31)) >> (e - 1)) + 1) >> 1
            if tables & mode & 1:
                acc = 0 - acc
            t[0] = acc
            t = ptr32(int(t) + 4)
            i += 1
        q = ptr32(int(q) + 12)
        tables -= 1
    t = ptr32(arena + p[7])
    ml = q[1] & 65535
    mh = q[1] >> 16
    e = q[2] & 255
    left = q[2] >> 8
    half = 0
    if e:
        half = 1 << (e - 1)
    plain = int(left | mode & 2 == 0 and e > 0)
    zo = q[0] - 128
    lo = q[3] - 128
    hi = q[4] - 128
    i = 0
    while i < p[8]:
        j = 0
        while j < p[9]:
            k = 0
            while k < p[10]:
                x = ptr8(a0 + i * p[12] + j * p[13] + k * p[14])
                w = ptr8(b0 + i * p[16] + j * p[17] + k * p[18])
                n = p[11]
                while n > 0:
                    acc = t[x[0]] + t[256 + w[0]]
                    x = ptr8(int(x) + p[15])
                    w = ptr8(int(w) + p[19])
                    if wide:
                        acc = ((acc & mask) ^ sign) - sign
                    if plain:
                        al = acc & 32767
                        acc = acc >> 15
                        u = (acc * ml + ((al * ml) >> 15) + 32768) >> 1
                        acc = acc * mh + ((al * mh + u) >> 15)
                        acc = ((acc >> 31) + acc + half) >> e
                    else:
                        if mode & 2:
                            acc = acc * acc << left
                            acc = ((acc & mask) ^ sign) - sign
                        al = acc & 65535
                        acc = acc >> 16
                        u = acc * ml
                        v = al * mh
                        al = ((al * ml >> 16) & 65535) + (u & 32767) + (v & 32767) + 16384
                        acc = (acc * mh << 1) + (u >> 15) + (v >> 15) + (al >> 15)
                        if e:
                            acc = (((acc + (acc >> 31)) >> (e - 1)) + 1) >> 1
                    acc = acc + zo
                    if acc < lo:
                        acc = lo
                    if acc > hi:
                        acc = hi
                    out[0] = acc
                    out = ptr8(int(out) + 1)
                    n -= 1
                k += 1
            j += 1
        i += 1
