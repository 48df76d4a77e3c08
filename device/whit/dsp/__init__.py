# Kernels with the DSP instructions of Cortex-M4, M7 and M33: made from device/asm/dsp.
# What is not here runs in viper; the parameter block is the same.


def works():
    "Does machine code run here, with the answer known?"
    from ..families import right
    from .lut import run

    return right(run)
