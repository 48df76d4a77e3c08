"""MPU6050, and MPU6500 and MPU9250 alike. Registers are named as in InvenSense's register map."""

from struct import unpack
from time import sleep_ms

from micropython import const

ADDRESSES = (0x68, 0x69)  # pin AD0 low or open; high
_SAME = (0x68, 0x70, 0x71)  # what MPU6050, MPU6500 and MPU9250 say they are
_CONFIG = const(0x1A)
_GYRO_CONFIG = const(0x1B)
_ACCEL_CONFIG = const(0x1C)
_ACCEL_XOUT_H = const(0x3B)
_PWR_MGMT_1 = const(0x6B)
_WHO_AM_I = const(0x75)
_M_S2 = 9.80665 / 4096  # at +-8 g
_RAD_S = 3.14159265 / 180 / 16.4  # at +-2000 degrees/s


class Sensor:
    """Acceleration, with gravity, and rotation. OSError where no such sensor answers."""

    names = ("ax", "ay", "az", "gx", "gy", "gz")
    units = ("m/s2", "m/s2", "m/s2", "rad/s", "rad/s", "rad/s")

    def __init__(self, i2c, addresses=ADDRESSES):
        self.i2c = i2c
        self.raw = bytearray(14)
        for self.address in addresses:
            try:
                if i2c.readfrom_mem(self.address, _WHO_AM_I, 1)[0] in _SAME:
                    break
            except OSError:
                pass
        else:
            raise OSError("no MPU6050 answers")
        self.start()

    def start(self):
        """Wake the sensor, with the clock of its gyroscope; low-pass at 44 Hz; ranges."""
        for register, value in ((_PWR_MGMT_1, 1), (_CONFIG, 3), (_GYRO_CONFIG, 0x18), (_ACCEL_CONFIG, 0x10)):
            self.i2c.writeto_mem(self.address, register, bytes((value,)))
        sleep_ms(100)

    def read(self, sample):
        """Fill sample with 6 numbers, all of one moment."""
        self.i2c.readfrom_mem_into(self.address, _ACCEL_XOUT_H, self.raw)
        ax, ay, az, _, gx, gy, gz = unpack(">7h", self.raw)  # between them: the temperature
        sample[0], sample[1], sample[2] = ax * _M_S2, ay * _M_S2, az * _M_S2
        sample[3], sample[4], sample[5] = gx * _RAD_S, gy * _RAD_S, gz * _RAD_S
