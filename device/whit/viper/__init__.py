# Kernels for firmware with the native emitter: viper, right on 32-bit and on 64-bit MicroPython.
#
# Every kernel is `run(x)`; x is the parameter block, array('I'):
#   x[0] byte offset of the record in PLAN; then the addresses of PLAN, arena and DATA, each as low and high word;
#   then the address of weights that are expanded once, low and high, and if they are; kernels in viper take none.
# The first three locals of a function live in registers, so a kernel reuses its argument as a pointer.
# On 64-bit, ptr32 loads zero-extend and nothing wraps; `(a & mask ^ sign) - sign` makes an int32 of a sum there,
# and changes nothing on 32-bit.
import micropython


@micropython.viper
def _probe(x: ptr8) -> int:
    s = 0
    i = 0
    while i < 4:
        s = (x[i] ^ 128) - 128 + s
        i += 1
    return (s * s) >> 3


def works():
    "Does the emitter run, with the answer known?"
    return _probe(b"\x80\xff\x05\x10") == 1458  # (-128 - 1 + 5 + 16)**2 >> 3
