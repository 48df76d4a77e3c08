"""LSM6DS3, and LSM6DS3TR-C, LSM6DSL and LSM6DSO alike. Registers are named as in ST's data sheet."""

from struct import unpack
from time import sleep_ms

from micropython import const

ADDRESSES = (0x6A, 0x6B)  # pin SA0 low; high
_SAME = (0x69, 0x6A, 0x6C)  # what LSM6DS3, LSM6DS3TR-C and LSM6DSL, LSM6DSO say they are
_WHO_AM_I = const(0x0F)
_CTRL1_XL = const(0x10)
_CTRL2_G = const(0x11)
_CTRL3_C = const(0x12)
_OUTX_L_G = const(0x22)
_M_S2 = 0.244e-3 * 9.80665  # at +-8 g
_RAD_S = 70e-3 * 3.14159265 / 180  # at +-2000 degrees/s


class Sensor:
    """Acceleration, with gravity, and rotation. OSError where no such sensor answers."""

    names = ("ax", "ay", "az", "gx", "gy", "gz")
    units = ("m/s2", "m/s2", "m/s2", "rad/s", "rad/s", "rad/s")

    def __init__(self, i2c, addresses=ADDRESSES):
        self.i2c = i2c
        self.raw = bytearray(12)
        for self.address in addresses:
            try:
                if i2c.readfrom_mem(self.address, _WHO_AM_I, 1)[0] in _SAME:
                    break
            except OSError:
                pass
        else:
            raise OSError("no LSM6DS3 answers")
        self.start()

    def start(self):
        """Reset; no half of a new reading beside half of an old one (BDU); 208 readings/s; ranges."""
        self.write(_CTRL3_C, 0x05)  # IF_INC, SW_RESET
        sleep_ms(20)
        self.write(_CTRL3_C, 0x44)  # BDU, IF_INC
        self.write(_CTRL1_XL, 0x5C)
        self.write(_CTRL2_G, 0x5C)
        sleep_ms(100)  # the gyroscope takes 80 ms

    def write(self, register, value):
        self.i2c.writeto_mem(self.address, register, bytes((value,)))

    def read(self, sample):
        """Fill sample with 6 numbers."""
        self.i2c.readfrom_mem_into(self.address, _OUTX_L_G, self.raw)
        gx, gy, gz, ax, ay, az = unpack("<6h", self.raw)
        sample[0], sample[1], sample[2] = ax * _M_S2, ay * _M_S2, az * _M_S2
        sample[3], sample[4], sample[5] = gx * _RAD_S, gy * _RAD_S, gz * _RAD_S
