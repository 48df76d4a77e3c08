# Kernels for ESP32 and ESP32-S3, Xtensa with MAC16 and loops: made from device/asm/xtensa.
# What is not here runs in viper; the parameter block is the same.
import sys

# firmware for an ESP32-S2, which has neither, calls itself xtensawin as well
if "ESP32" not in sys.implementation._machine or "S2" in sys.implementation._machine.split(" with ")[-1]:
    raise ImportError("no MAC16")
