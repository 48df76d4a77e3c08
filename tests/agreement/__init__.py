"""Every kernel gives the bytes of TensorFlow Lite Micro: on 64-bit MicroPython, in numpy, on emulated 32-bit boards."""
