"""ADXL345: acceleration alone. Registers are named as in Analog Devices' data sheet."""

from struct import unpack
from time import sleep_ms

from micropython import const

ADDRESSES = (0x53, 0x1D)  # pin SDO/ALT ADDRESS low; high
_DEVID = const(0x00)
_BW_RATE = const(0x2C)
_POWER_CTL = const(0x2D)
_DATA_FORMAT = const(0x31)
_DATAX0 = const(0x32)
_M_S2 = 9.80665 / 256  # FULL_RES: the same in every range


class Sensor:
    """Acceleration, with gravity. OSError where no such sensor answers."""

    names = ("ax", "ay", "az")
    units = ("m/s2", "m/s2", "m/s2")

    def __init__(self, i2c, addresses=ADDRESSES):
        self.i2c = i2c
        self.raw = bytearray(6)
        for self.address in addresses:
            try:
                if i2c.readfrom_mem(self.address, _DEVID, 1)[0] == 0xE5:
                    break
            except OSError:
                pass
        else:
            raise OSError("no ADXL345 answers")
        self.start()

    def start(self):
        """200 readings/s, +-8 g in full resolution; it measures from then on."""
        for register, value in ((_POWER_CTL, 0), (_BW_RATE, 0x0B), (_DATA_FORMAT, 0x0A), (_POWER_CTL, 0x08)):
            self.i2c.writeto_mem(self.address, register, bytes((value,)))
        sleep_ms(20)

    def read(self, sample):
        """Fill sample with 3 numbers, all of one moment."""
        self.i2c.readfrom_mem_into(self.address, _DATAX0, self.raw)
        ax, ay, az = unpack("<3h", self.raw)
        sample[0], sample[1], sample[2] = ax * _M_S2, ay * _M_S2, az * _M_S2
