# Kernels in Thumb-1, for every Cortex-M: made from device/asm/thumb.
# What is not here runs in viper; the parameter block is the same.
