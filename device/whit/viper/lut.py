# Any function of one int8 value (RELU, LOGISTIC, requantisation ...): a table of 256 bytes, made by the host.
import micropython


@micropython.viper
def run(x: ptr8):
    w = x
    n = 0
    c = ptr32(x)
    p = ptr32((c[1] | c[2] << 32) + c[0])
    arena = c[3] | c[4] << 32
    table = ptr8((c[5] | c[6] << 32) + p[2])
    x = ptr8(arena + p[4])
    w = ptr8(arena + p[5])
    n = int(x) + p[6]
    while int(x) < n:
        w[0] = table[x[0]]
        x = ptr8(int(x) + 1)
        w = ptr8(int(w) + 1)
