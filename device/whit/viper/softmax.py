# SOFTMAX over the last axis: exp(x - max) comes from a table of 256 Q0.31 words (index max - x), made by the host;
# their sum (Q12.19) is inverted by three Newton steps, as gemmlowp's one_over_one_plus_x_for_x_in_0_1.
# One loop holds the one high multiplication: steps 0..6 are the inversion, then a step per output.
import micropython


@micropython.viper
def run(x: ptr8):
    w = x
    acc = 0
    c = ptr32(x)
    p = ptr32((c[1] | c[2] << 32) + c[0])
    arena = c[3] | c[4] << 32
    t = ptr32((c[5] | c[6] << 32) + p[2])
    x = ptr8(arena + p[4])
    out = ptr8(arena + p[5])
    rows = p[6]
    depth = p[7]
    one = 1 << 29  # 1.0 in Q2.29
    quot = 23130
    quot = (quot << 16) + 23130  # 48/17 in Q2.29; as a literal it would be no small int on 32-bit
    while rows > 0:
        top = 0
        w = x
        end = int(x) + depth
        while int(w) < end:
            acc = w[0] ^ 128
            if acc > top:
                top = acc
            w = ptr8(int(w) + 1)
        total = 0
        w = x
        while int(w) < end:
            acc = t[top - (w[0] ^ 128)]
            total += (acc >> 12) + (acc >> 11 & 1)
            w = ptr8(int(w) + 1)
        bits = 12  # of the sum above 1.0
        while total < one << 1:
            total = total << 1
            bits -= 1
        # total is now in [2**30, 2**31), which stands for [0.5, 1); half of the denominator is total itself
        half = total
        e = bits + 22
        a = half
        b = -1010580540
        r = 0
        step = 0
        while step < depth + 7:
            # acc = high word of 2*a*b, rounded
            al = a & 65535
            acc = a >> 16
            ml = b & 65535
            mh = b >> 16
            u = acc * ml
            v = al * mh
            al = ((al * ml >> 16) & 65535) + (u & 32767) + (v & 32767) + 16384
            acc = (acc * mh << 1) + (u >> 15) + (v >> 15) + (al >> 15)
            if step == 0:
                r = quot + acc  # 48/17 - 32/17 * half
                b = r
            elif step < 7:
                if step & 1:
                    a = r
                    b = one - acc
                else:
                    if acc >= one:
                        acc = (one << 2) - 1
                    elif acc < 1 - one:
                        acc = 0 - (one << 2)
                    else:
                        acc = acc << 2
                    r += acc
                    a = half
                    b = r
            else:
                if acc < 0:
                    acc = 0
                acc = ((acc >> (e - 1)) + 1) >> 1
                if acc > 255:
                    acc = 255
                out[0] = acc ^ 128
                out = ptr8(int(out) + 1)
            if step >= 6:
                if step == 6:
                    if r >= one << 1:
                        r = (one << 2) - 1
                    else:
                        r = r << 1
                a = r
                if step < depth + 6:
                    b = t[top - (x[0] ^ 128)]
                    x = ptr8(int(x) + 1)
            step += 1
        rows -= 1
