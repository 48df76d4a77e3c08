# Kernels for 32-bit RISC-V with multiplication (RV32IMC): made from device/asm/rv32.
# What is not here runs in viper; the parameter block is the same.


def works():
    "Does machine code run here, with the answer known?"
    from ..families import right
    from .lut import run

    return right(run)
