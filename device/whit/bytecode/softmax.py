# SOFTMAX over the last axis. See viper/softmax.py.
#
# Its numbers have 31 bits, more than a small int of a 32-bit board: they are kept as three limbs of 11 bits in _N,
# v = v[2] << 22 | v[1] << 11 | v[0], the last with the sign. So nothing is allocated.
from array import array

from . import word

_N = array("i", (0 for _ in range(15)))  # five numbers: _HALF, _R, _A, _B and a product
_HALF = 0
_R = 3
_A = 6
_B = 9
_P = 12


def _set(i, v2, v1, v0):
    # limbs of any size -> limbs of 11 bits
    _N[i] = v0 & 2047
    v1 += v0 >> 11
    _N[i + 1] = v1 & 2047
    _N[i + 2] = v2 + (v1 >> 11)


def _high(a, b):
    # _P = round(a * b / 2**31), halves up
    a0 = _N[a]
    a1 = _N[a + 1]
    a2 = _N[a + 2]
    b0 = _N[b]
    b1 = _N[b + 1]
    b2 = _N[b + 2]
    low = (a0 * b0 >> 11) + a0 * b1 + a1 * b0
    low = (low >> 11) + a0 * b2 + a1 * b1 + a2 * b0
    # in units of 2**22 so far; 2**30 rounds, 2**31 divides
    low = (low + 256 >> 9) + (a1 * b2 + a2 * b1 << 2)
    _set(_P, 0, a2 * b2 << 2, low)


def _shifted(i, bits):
    # _N[i] <<= bits, held to 32 bits: the carry of the last limb tells
    top = _N[i + 2]
    limit = 512 >> bits
    if top >= limit:
        _set(i, 511, 2047, 2047)
    elif top < -limit or (top == -limit and not _N[i] and not _N[i + 1]):
        _set(i, -512, 0, 0)
    else:
        _set(i, top << bits, _N[i + 1] << bits, _N[i] << bits)


def _invert(half):
    # Newton: _R = 1 / (2 * half), Q0.31; half is given in Q0.30
    _set(_HALF, 0, half >> 10, (half & 1023) << 1)
    _set(_B, -241, 120, 964)  # -32/17 in Q2.29: -1010580540
    _high(_HALF, _B)
    _set(_R, 361 + _N[_P + 2], 843 + _N[_P + 1], 602 + _N[_P])  # 48/17: 1515870810
    n = 3
    while n:
        _high(_HALF, _R)
        _set(_A, 128 - _N[_P + 2], 0 - _N[_P + 1], 0 - _N[_P])  # 1 in Q2.29
        _high(_R, _A)
        _shifted(_P, 2)
        _set(_R, _N[_R + 2] + _N[_P + 2], _N[_R + 1] + _N[_P + 1], _N[_R] + _N[_P])
        n -= 1
    _shifted(_R, 1)


def run(c):
    r = c[0]
    p = c[1]
    arena = c[2]
    blob = c[3]
    table = c[4] + word(p, r + 8)
    src = word(p, r + 16)
    out = word(p, r + 20)
    rows = word(p, r + 24)
    depth = word(p, r + 28)
    while rows > 0:
        top = -128
        i = 0
        while i < depth:
            if arena[src + i] > top:
                top = arena[src + i]
            i += 1
        total = 0
        i = 0
        while i < depth:
            t = table + 4 * (top - arena[src + i])
            q = blob[t + 1] >> 3 | blob[t + 2] << 5 | blob[t + 3] << 13  # exp >> 11
            total += (q >> 1) + (q & 1)
            i += 1
        e = 33
        while total < 1 << 29:
            total <<= 1
            e -= 1
        _invert(total)
        i = 0
        while i < depth:
            t = table + 4 * (top - arena[src + i])
            low = blob[t + 1] << 8 | blob[t]
            _set(_A, blob[t + 3] << 2, blob[t + 2] << 5, low)
            _high(_R, _A)
            # >> e with rounding, e from 23 to 33: the lower limbs do not count
            v = (max(0, _N[_P + 2]) >> (e - 23)) + 1 >> 1
            arena[out + i] = min(255, v) - 128
            i += 1
        src += depth
        out += depth
        rows -= 1
