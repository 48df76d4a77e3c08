"""Runs viper machine code of 32-bit boards under an emulator: `machine.Machine` is the way in."""
