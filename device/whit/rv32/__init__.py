# Kernels for 32-bit RISC-V with multiplication (RV32IMC): made from device/asm/rv32.
# What is not here runs in viper; the parameter block is the same.
