# Kernels for the vectors of ESP32-S3, by name only: they have not run on a chip yet.
# What is not here runs in xtensa; the parameter block is the same.
import sys

if "S3" not in sys.implementation._machine.split(" with ")[-1]:
    raise ValueError("pie kernels do not run here; they are for an ESP32-S3")
