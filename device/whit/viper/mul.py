# MUL: out = requantise((a - za) * (b - zb)). PRELU: the same where a < za, else requantise'(a - za).
# Axes and operands as in ADD.
import micropython


@micropython.viper
def run(x: ptr8):
    w = x
    acc = 0
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
    q = ptr32(int(p) + 80)  # zero points of a and b, multiplier, shift, zero point, lower and upper bound of the output
    sign = 1
    sign = sign << 31
    mask = (sign << 1) - 1
    za = q[0]
    zb = q[1]
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
                    acc = (x[0] ^ 128) - za
                    s = ptr32(int(q) + 8)  # multiplier and shift
                    if acc >= 0 and q[7]:
                        s = ptr32(int(q) + 32)
                    else:
                        acc = acc * ((w[0] ^ 128) - zb)
                    acc = acc << (s[1] >> 8)
                    x = ptr8(int(x) + p[15])
                    w = ptr8(int(w) + p[19])
                    ml = s[0] & 65535
                    mh = s[0] >> 16
                    e = s[1] & 255
                    acc = ((acc & mask) ^ sign) - sign
                    al = acc & 65535
                    acc = acc >> 16
                    u = acc * ml
                    v = al * mh
                    al = ((al * ml >> 16) & 65535) + (u & 32767) + (v & 32767) + 16384
                    acc = (acc * mh << 1) + (u >> 15) + (v >> 15) + (al >> 15)
                    if e:
                        acc = (((acc + (acc >> 31)) >> (e - 1)) + 1) >> 1
                    acc += q[4]
                    if acc < q[5]:
                        acc = q[5]
                    if acc > q[6]:
                        acc = q[6]
                    out[0] = acc ^ 128
                    out = ptr8(int(out) + 1)
                    n -= 1
                k += 1
            j += 1
        i += 1
