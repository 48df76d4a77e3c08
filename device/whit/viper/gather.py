# Copies pieces from places that the host has worked out (RESIZE_NEAREST_NEIGHBOR, GATHER):
# piece (i, j) of the output is p[8] bytes from offset row[i] + column[j] of the source.
import micropython


@micropython.viper
def run(x: ptr8):
    w = x
    end = 0
    c = ptr32(x)
    p = ptr32((c[1] | c[2] << 32) + c[0])
    arena = c[3] | c[4] << 32
    data = (c[5] | c[6] << 32) + p[2]
    src = arena + (p[4] >> 1)
    if p[4] & 1:
        src = data + (p[4] >> 1)
    w = ptr8(arena + p[5])
    rows = ptr32(data + p[9])
    columns = ptr32(int(rows) + p[6] * 4)
    i = 0
    while i < p[6]:
        j = 0
        while j < p[7]:
            x = ptr8(src + rows[i] + columns[j])
            end = int(x) + p[8]
            while int(x) < end:
                w[0] = x[0]
                x = ptr8(int(x) + 1)
                w = ptr8(int(w) + 1)
            j += 1
        i += 1
