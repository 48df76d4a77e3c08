"""Fixed-point arithmetic of TensorFlow Lite Micro's int8 reference kernels, in Python integers.

Every rounding is the reference's: ``SaturatingRoundingDoublingHighMul`` followed by ``RoundingDivideByPOT``
(gemmlowp, *fixedpoint.h*), the "double rounding" of Jacob et al., 2018, *Quantization and Training of Neural
Networks for Efficient Integer-Arithmetic-Only Inference*.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from whit.graph import Unsupported

INT32_MIN, INT32_MAX = -(1 << 31), (1 << 31) - 1


def wrap32(x: int) -> int:
    """x as a 32-bit register holds it."""
    return ((x + (1 << 31)) & 0xFFFFFFFF) - (1 << 31)


def quantize_multiplier(real: float) -> tuple[int, int]:
    """``real >= 0`` as ``multiplier * 2**(shift - 31)``, multiplier in [2**30, 2**31) or 0.

    Scales below 2**-31 are flushed to 0. Returns (multiplier, shift); shift > 0 is a left shift.
    """
    if real == 0:
        return 0, 0
    if not 0 < real < math.inf:
        raise Unsupported("a scale out of range")
    fraction, shift = math.frexp(real)
    multiplier = math.floor(fraction * (1 << 31) + 0.5)
    if multiplier == 1 << 31:
        multiplier //= 2
        shift += 1
    return (0, 0) if shift < -31 else (multiplier, shift)


def srdhm(a: int, b: int) -> int:
    """SaturatingRoundingDoublingHighMul: ``round(a * b / 2**31)``, halves up."""
    if a == b == INT32_MIN:
        return INT32_MAX
    return (a * b + (1 << 30)) >> 31


def rounding_shift(x: int, exponent: int) -> int:
    """RoundingDivideByPOT: ``x / 2**exponent``, halves away from zero."""
    mask = (1 << exponent) - 1
    return (x >> exponent) + ((x & mask) > (mask >> 1) + (x < 0))


def rescale(x: int, multiplier: int, shift: int) -> int:
    """MultiplyByQuantizedMultiplier: ``x * multiplier * 2**(shift - 31)`` with both roundings."""
    x = wrap32(x << max(shift, 0))
    return rounding_shift(srdhm(x, multiplier), max(-shift, 0))


def signed32(words: npt.ArrayLike) -> Any:
    """Words, or sums of them, as the int32 that a register holds."""
    return (np.asarray(words, np.int64) + (1 << 31) & 0xFFFFFFFF) - (1 << 31)


def rescale_array(x: npt.NDArray[Any], multiplier: Any, packed: Any) -> npt.NDArray[np.int64]:
    """``rescale`` of an int64 array; ``packed`` shifts as ``shifts`` makes them."""
    packed = np.asarray(packed, np.int64)
    x = signed32(x << (packed >> 8))
    high = (x * np.asarray(multiplier, np.int64) + (1 << 30)) >> 31
    right = packed & 255
    rounded = (((high + (high >> 63)) >> np.maximum(right - 1, 0)) + 1) >> 1
    result: npt.NDArray[np.int64] = np.where(right > 0, rounded, high)
    return result


def requantise(
    x: npt.NDArray[Any], scale: float, zero_point: int, new_scale: float, new_zero_point: int, dtype: Any
) -> npt.NDArray[Any]:
    """QUANTIZE between two integer types."""
    multiplier, shift = quantize_multiplier(scale / new_scale)
    y = rescale_array(x.astype(np.int64) - zero_point, multiplier, shifts(shift)) + new_zero_point
    limits = np.iinfo(dtype)
    return np.clip(y, limits.min, limits.max).astype(dtype)


def shifts(shift: int) -> int:
    """A shift as the device reads it: right shift | left shift << 8."""
    return shift << 8 if shift > 0 else -shift


def round_away(x: float) -> int:
    """Nearest integer, halves away from zero (C's ``round``)."""
    return math.floor(x + 0.5) if x >= 0 else math.ceil(x - 0.5)


def activation_range(activation: str, scale: float, zero_point: int) -> tuple[int, int]:
    """Bounds of the int8 output that a fused activation leaves: NONE, RELU, RELU6, RELU_N1_TO_1."""

    def q(value: float) -> int:
        return zero_point + round_away(float(np.float32(value) / np.float32(scale)))

    bounds = {"NONE": (None, None), "RELU": (0.0, None), "RELU6": (0.0, 6.0), "RELU_N1_TO_1": (-1.0, 1.0)}
    if activation not in bounds:
        raise Unsupported(f"a fused {activation}")
    low, high = bounds[activation]
    return (
        -128 if low is None else max(-128, q(low)),
        127 if high is None else min(127, q(high)),
    )


def input_radius(integer_bits: int, left_shift: int) -> int:
    """Largest input difference that stays inside ``integer_bits`` after the left shift."""
    return math.floor(1.0 * ((1 << integer_bits) - 1) * (1 << (31 - integer_bits)) / (1 << left_shift))


def _saturating_shift(x: int, exponent: int) -> int:
    """SaturatingRoundingMultiplyByPOT."""
    if exponent <= 0:
        return rounding_shift(x, -exponent) if exponent else x
    limit = (1 << (31 - exponent)) - 1
    return INT32_MAX if x > limit else INT32_MIN if x < -limit else x << exponent


def exp_on_negative_values(a: int, integer_bits: int) -> int:
    """exp(a) for a <= 0 with ``integer_bits`` integer bits -> Q0.31."""
    fraction_bits = 31 - integer_bits
    quarter = 1 << (fraction_bits - 2)
    a_mod = (a & (quarter - 1)) - quarter
    # Taylor series around -1/8 on [-1/4, 0)
    x = _saturating_shift(a_mod, integer_bits) + (1 << 28)
    x2 = srdhm(x, x)
    x3 = srdhm(x2, x)
    x4 = srdhm(x2, x2)
    series = _saturating_shift(srdhm(rounding_shift(x4, 2) + x3, 715827883) + x2, -1)
    result = 1895147668 + srdhm(1895147668, x + series)
    remainder = a_mod - a
    factors = (1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242)  # exp(-1/4), ... exp(-16)
    for exponent, factor in zip(range(-2, 5), factors, strict=True):
        if integer_bits > exponent and remainder & (1 << (fraction_bits + exponent)):
            result = srdhm(result, factor)
    if integer_bits > 5 and a < -(1 << (36 - integer_bits)):
        result = 0
    return INT32_MAX if a == 0 else result


def _newton_inverse(x: int) -> int:
    """2 / (1 + x) in Q2.29 for x in [0, 1), Q0.31: three Newton steps from 48/17 - 32/17 * d."""
    half = (x + (1 << 31)) >> 1
    r = 1515870810 + srdhm(half, -1010580540)
    for _ in range(3):
        r += _saturating_shift(srdhm(r, (1 << 29) - srdhm(half, r)), 2)
    return r


def one_over_one_plus_x(x: int) -> int:
    """1 / (1 + x) for x in [0, 1), Q0.31 -> Q0.31."""
    return _saturating_shift(_newton_inverse(x), 1)


def one_minus_x_over_one_plus_x(x: int) -> int:
    """(1 - x) / (1 + x) for x in [0, 1), Q0.31 -> Q0.31."""
    return _saturating_shift(_newton_inverse(x) - (1 << 29), 2)


def inverse_sqrt(x: int) -> tuple[int, int]:
    """1 / sqrt(x) for an integer x >= 1 as (multiplier, shift) for ``rescale``: five Newton steps in Q3.28."""
    if x <= 1:
        return INT32_MAX, 0
    shift = 11
    while x >= 1 << 29:
        x //= 4
        shift += 1
    pairs = (31 - x.bit_length()) // 2 - 1
    shift -= pairs
    x <<= 2 * pairs
    value = x >> 1
    half = rounding_shift(value, 1)
    r = 1 << 28
    for _ in range(5):
        cube = _saturating_shift(srdhm(srdhm(r, r), r), 6)
        r = _saturating_shift(srdhm((1 << 28) + (1 << 27), r) - srdhm(half, cube), 3)
    r = srdhm(r, 1518500250)  # sqrt(2) / 2
    if shift < 0:
        r, shift = r << -shift, 0
    return r, -shift


def logistic(a: int, integer_bits: int) -> int:
    """1 / (1 + exp(-a)), a with ``integer_bits`` integer bits -> Q0.31."""
    if a == 0:
        return 1 << 30
    positive = one_over_one_plus_x(exp_on_negative_values(-abs(a), integer_bits))
    return positive if a > 0 else INT32_MAX - positive
