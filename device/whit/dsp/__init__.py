# Kernels with the DSP instructions of Cortex-M4, M7 and M33: made from device/asm/dsp.
# What is not here runs as thumb or in viper; the parameter block is the same.
import sys

from machine import mem32

# firmware for a Cortex-M3 calls itself armv7em as well; ID_ISAR3 of the processor tells (SIMD: 3 with them)
if not 5 < sys.implementation._mpy >> 10 & 15 < 9 or mem32[0xE000ED6C] >> 4 & 15 < 3:
    raise ImportError("no DSP instructions")
