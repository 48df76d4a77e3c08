# Kernels in Thumb-1, for every Cortex-M: made from device/asm/thumb.
# What is not here runs in viper; the parameter block is the same.


def works():
    "Does machine code run here, with the answer known?"
    from ..families import right
    from .lut import run

    return right(run)
