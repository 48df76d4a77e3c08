# Kernels with the DSP instructions of Cortex-M4, M7 and M33: made from device/asm/dsp.
# What is not here runs in viper; the parameter block is the same.


def works():
    "Does machine code run here, with the answer known?"
    from machine import mem32

    # firmware for a Cortex-M3 calls itself armv7em as well; ID_ISAR3 of the processor tells (SIMD: 3 with them)
    if mem32[0xE000ED6C] >> 4 & 15 < 3:
        return False
    from ..families import right
    from .lut import run

    return right(run)
