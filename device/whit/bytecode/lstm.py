# UNIDIRECTIONAL_SEQUENCE_LSTM. See viper/lstm.py.
from . import half, rescale, signed, word


def _scaled(a, p, i):
    # requantised, and clamped to int16
    return rescale(a, p, i, 128, -32640, 32895)


def _int16(a):
    return -32768 if a < -32768 else 32767 if a > 32767 else a


def _product(c, x, n, w, b):
    # bias + W x; the bias holds -(zero point + 128) * sum of W
    arena = c[2]
    blob = c[3]
    acc = signed(blob, b)
    while n > 0:
        acc += (arena[x] + 128) * (blob[w] - 128)
        x += 1
        w += 1
        n -= 1
    return acc


def _table(blob, at, a, e):
    # |a| -> sigmoid - 1/2, with e bits between two entries
    negative = a < 0
    if negative:
        a = -a
    i = a >> e
    if i > 254:
        a = 65543 - e << e
    else:
        low = half(blob, at + 2 * i)
        a = (low << e) + (a & (1 << e) - 1) * (half(blob, at + 2 * i + 2) - low)
    a -= 1 << e + 15
    return -1 - a if negative else a


def _tanh(blob, at, a):
    return _table(blob, at, a, 8) + 128 >> 8


def _gate(c, k, x, w, b):
    # both products of gate k, added
    r = c[0]
    p = c[1]
    n = word(p, r + 44)
    a = _scaled(_product(c, x, n, w, b), p, r + 76 + 16 * k)
    h = _product(c, word(p, r + 24), word(p, r + 48), w + n, b + 4)
    return _int16(a + _scaled(h, p, r + 84 + 16 * k))


def _unit(c, x, w, b, cell):
    r = c[0]
    p = c[1]
    arena = c[2]
    data = c[4] + word(p, r + 8)
    row = word(p, r + 44) + word(p, r + 48)
    f = _table(c[3], data, 3 * _gate(c, 0, x, w, b), 9) + 16777728 >> 10
    f = _scaled(f * (arena[cell] & 255 | arena[cell + 1] << 8), p, r + 140)
    i = _table(c[3], data, 3 * _gate(c, 1, x, w + row, b + 8), 9) + 16777728 >> 10
    o = _table(c[3], data, 3 * _gate(c, 2, x, w + 2 * row, b + 16), 9) + 16777728 >> 10
    g = _tanh(c[3], data, 3 * _gate(c, 3, x, w + 3 * row, b + 24))
    f = _int16(f + _scaled(i * g, p, r + 148))
    clip = word(p, r + 64)
    if clip:
        f = min(max(f, 1 - clip), clip - 1)
    arena[cell] = (f & 255 ^ 128) - 128
    arena[cell + 1] = f >> 8
    e = word(p, r + 72)
    f = _tanh(c[3], data, f * word(p, r + 68) + (1 << e >> 1) >> e)
    return rescale(f * o, p, r + 156, p[r + 60], 0, 255)


def run(c):
    r = c[0]
    p = c[1]
    arena = c[2]
    data = c[4] + word(p, r + 8)
    hidden = word(p, r + 24)
    units = word(p, r + 48)
    x = word(p, r + 16)
    out = word(p, r + 20)
    t = word(p, r + 40)
    while t > 0:
        w = data + 512
        b = data + word(p, r + 36)
        j = 0
        while j < units:
            arena[out + j] = _unit(c, x, w, b, word(p, r + 28) + 2 * j)
            w += 4 * (word(p, r + 44) + units)
            b += 32
            j += 1
        j = 0
        while j < units:  # only now: every unit reads the old state of all
            arena[hidden + j] = arena[out + j]
            j += 1
        x += word(p, r + 52)
        out += word(p, r + 56)
        t -= 1
