# Kernels for ESP32-S2, Xtensa without MAC16 and loops: made from device/asm/xtensa-s2.
# What is not here runs in viper; the parameter block is the same.
import sys

if "S2" not in sys.implementation._machine.split(" with ")[-1]:
    raise ImportError("no ESP32-S2")
