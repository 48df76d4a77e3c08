# Kernels for firmware without the native emitter: plain Python, the same bytes, far slower.
#
# Every kernel is `run(c)`; c is [byte offset of the record in PLAN, PLAN, arena (int8), blob, start of DATA in it].
# Small ints end at 2**30 on 32-bit: nothing here goes beyond for sums below 2**28, so nothing is allocated.


def word(b, i):
    return b[i] | b[i + 1] << 8 | b[i + 2] << 16 | b[i + 3] << 24


def half(b, i):
    return b[i] | b[i + 1] << 8


def signed(b, i):
    # a word with its sign, without a big int on the way
    top = b[i + 3]
    return b[i] | b[i + 1] << 8 | b[i + 2] << 16 | (top - 256 if top > 127 else top) << 24


def high(a, ml, mh):
    # round(a * (mh * 65536 + ml) / 2**31), halves up: SaturatingRoundingDoublingHighMul
    ah = a >> 15
    al = a & 32767
    u = ah * ml + (al * (ml >> 1) + (al * (ml & 1) >> 1) >> 14) + 32768 >> 1
    v = al * mh
    return ah * mh + (u >> 15) + (v >> 15) + ((u & 32767) + (v & 32767) >> 15)


def rescale(a, b, i, zero, low, top):
    # a * multiplier * 2**shift + zero, clamped; multiplier and shifts stand at b[i], zero and bounds are plus 128
    a <<= b[i + 5]
    if not -0x40000000 <= a < 0x40000000:
        # what native code holds in 32 bits
        a = (a + 0x80000000 & 0xFFFFFFFF) - 0x80000000
    a = high(a, half(b, i), half(b, i + 2))
    e = b[i + 4]
    if e:
        # RoundingDivideByPOT: halves away from zero
        a = ((a + (a >> 31)) >> (e - 1)) + 1 >> 1
    a += zero
    return (low if a < low else top if a > top else a) - 128
