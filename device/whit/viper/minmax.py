# MAXIMUM and MINIMUM of two tensors, whose scales are those of the output. Axes and operands as in ADD.
import micropython


@micropython.viper
def run(x: ptr8):
    w = x
    n = 0
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
    flip = 128  # MINIMUM is the maximum of 255 - x
    if p[7]:
        flip = 127
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
                    a = x[0] ^ flip
                    b = w[0] ^ flip
                    if a < b:
                        a = b
                    out[0] = a ^ flip
                    out = ptr8(int(out) + 1)
                    x = ptr8(int(x) + p[15])
                    w = ptr8(int(w) + p[19])
                    n -= 1
                k += 1
            j += 1
        i += 1
