# Moves bytes: a strided copy over four axes (CONCATENATION, PAD ...), and a fill before it where one is wanted.
import micropython


@micropython.viper
def run(x: ptr8):
    w = x
    n = 0
    c = ptr32(x)
    p = ptr32((c[1] | c[2] << 32) + c[0])
    arena = c[3] | c[4] << 32
    x = ptr8(arena + p[6])
    n = int(x) + p[7]
    while int(x) < n:  # fill p[7] bytes at p[6] with p[8]
        x[0] = p[8]
        x = ptr8(int(x) + 1)
    src = arena + (p[4] >> 1)
    if p[4] & 1:
        src = (c[5] | c[6] << 32) + p[2] + (p[4] >> 1)
    dst = arena + p[5]
    a = p[16]
    b = p[20]
    i = 0
    while i < p[9]:
        j = 0
        while j < p[10]:
            k = 0
            while k < p[11]:
                x = ptr8(src + i * p[13] + j * p[14] + k * p[15])
                w = ptr8(dst + i * p[17] + j * p[18] + k * p[19])
                n = p[12]
                while n > 0:
                    w[0] = x[0]
                    x = ptr8(int(x) + a)
                    w = ptr8(int(w) + b)
                    n -= 1
                k += 1
            j += 1
        i += 1
