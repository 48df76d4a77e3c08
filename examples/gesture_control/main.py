"""Gestures on the board: from an MPU6050 where one answers, else from the recording windows.bin."""

import sys
import time
from array import array

import whit

MODEL = "gesture.whit"
RECORDING = "windows.bin"
PERIOD_MS = 100  # between two samples; the model was trained at 10 Hz
EVERY = 10  # samples between two predictions
AGREE = 2  # predictions in a row that must agree before the output switches

# For each sys.platform: I2C bus, its SDA and SCL pins, and an LED pin for each gesture.
PINS = {
    "rp2": (0, 4, 5, {"badminton": 16, "running": 17, "standing": 18, "walking": 19}),
    "esp32": (0, 21, 22, {"badminton": 25, "running": 26, "standing": 27, "walking": 33}),
}
BUS, SDA, SCL, LEDS = PINS.get(sys.platform, (0, None, None, {}))

try:
    from machine import I2C, Pin
except ImportError:  # a virtual board has no pins
    I2C = Pin = None


class MPU6050:
    """Linear acceleration in m/s^2, rotation in rad/s. Registers are named as in its data sheet."""

    WHO_AM_I, PWR_MGMT_1, GYRO_CONFIG, ACCEL_CONFIG, ACCEL_XOUT_H = 0x75, 0x6B, 0x1B, 0x1C, 0x3B
    SAME_REGISTERS = (0x68, 0x70, 0x71)  # what MPU6050, MPU6500 and MPU9250 say they are
    M_S2 = 9.80665 / 4096  # at +-8 g
    RAD_S = 3.14159265 / 180 / 16.4  # at +-2000 degrees/s
    SETTLE = 0.02  # share of a sample that goes into gravity: it follows within about 5 s

    def __init__(self, i2c, address=0x68):
        self.i2c, self.address = i2c, address
        self.raw = bytearray(14)
        self.gravity = array("f", (0, 0, 0))
        self.start()

    def start(self):
        """Wake the sensor and set its ranges. OSError where nothing answers or something else does."""
        if self.i2c.readfrom_mem(self.address, self.WHO_AM_I, 1)[0] not in self.SAME_REGISTERS:
            raise OSError("not an MPU6050")
        for register, value in ((self.PWR_MGMT_1, 0), (self.GYRO_CONFIG, 0x18), (self.ACCEL_CONFIG, 0x10)):
            self.i2c.writeto_mem(self.address, register, bytes((value,)))
        time.sleep_ms(100)
        self.burst()
        for axis in range(3):
            self.gravity[axis] = self.word(axis) * self.M_S2

    def burst(self):
        """Fetch all axes at one moment: 3 of acceleration, temperature, 3 of rotation."""
        self.i2c.readfrom_mem_into(self.address, self.ACCEL_XOUT_H, self.raw)

    def word(self, index):
        value = self.raw[2 * index] << 8 | self.raw[2 * index + 1]
        return value - ((value & 0x8000) << 1)

    def read(self, sample):
        """Fill sample with 6 numbers. The recordings hold no gravity, so it is followed and taken off."""
        self.burst()
        for axis in range(3):
            acceleration = self.word(axis) * self.M_S2
            self.gravity[axis] += (acceleration - self.gravity[axis]) * self.SETTLE
            sample[axis] = acceleration - self.gravity[axis]
            sample[axis + 3] = self.word(axis + 4) * self.RAD_S


class Window:
    """The latest samples in one piece, and yet none is ever moved: each is written twice, a window apart."""

    def __init__(self, length, axes):
        self.length, self.axes, self.slot = length, axes, -1
        self.samples = array("f", bytes(2 * length * axes * 4))
        view = memoryview(self.samples)
        # One view for each place where the window can begin: made once, so that a step allocates none.
        self.views = [view[(i + 1) * axes : (i + 1 + length) * axes] for i in range(length)]

    def add(self, sample):
        """Put a sample in; returns the window that ends with it, oldest sample first."""
        self.slot = (self.slot + 1) % self.length
        at = self.slot * self.axes
        again = at + self.length * self.axes
        for axis in range(self.axes):
            self.samples[at + axis] = self.samples[again + axis] = sample[axis]
        return self.views[self.slot]


class Debounce:
    """Follows a value only when it came `agree` times in a row."""

    def __init__(self, agree):
        self.agree, self.times, self.last, self.steady = agree, 0, None, None

    def switched(self, value):
        """True when this value made the steady one change."""
        self.times = self.times + 1 if value == self.last else 1
        self.last = value
        if self.times < self.agree or value == self.steady:
            return False
        self.steady = value
        return True


def find_sensor():
    """The MPU6050, or None where there is no I2C or nothing answers on it."""
    if I2C is None or SDA is None:
        return None
    try:
        return MPU6050(I2C(BUS, sda=Pin(SDA), scl=Pin(SCL), freq=400_000))
    except (OSError, ValueError):  # no answer; or this chip has no such pin
        return None


def find_leds():
    """gesture -> Pin, for the pins that this board has."""
    leds = {}
    for gesture, pin in LEDS.items():
        try:
            leds[gesture] = Pin(pin, Pin.OUT, value=0)
        except ValueError:
            print("no pin", pin, "for", gesture)
    return leds


def live(sensor):
    """A sample every PERIOD_MS, for ever."""
    sample = array("f", (0,) * 6)
    due = time.ticks_ms()
    lost = False
    while True:
        try:
            if lost:
                sensor.start()  # a sensor that lost its power sleeps
                due, lost = time.ticks_ms(), False
            sensor.read(sample)
        except OSError:
            if not lost:
                print("the MPU6050 does not answer: check its wires")
            lost = True
            time.sleep_ms(500)
            continue
        yield sample
        due = time.ticks_add(due, PERIOD_MS)
        time.sleep_ms(max(0, time.ticks_diff(due, time.ticks_ms())))


def replay(path):
    """The samples of a recording, as fast as the model can take them."""
    sample = array("f", (0,) * 6)
    with open(path, "rb") as file:
        while file.readinto(sample) == 24:
            yield sample


def watch(model, source, leds):
    """Follow the samples; switch the output when another gesture is steady. Returns how many samples came."""
    window = Window(100, 6)
    gesture = Debounce(AGREE)
    count = 0
    for sample in source:
        latest = window.add(sample)
        count += 1
        if count < window.length or count % EVERY or not gesture.switched(model.predict(latest)):
            continue
        print(f"{count * PERIOD_MS / 1000:6.1f} s  {gesture.steady}")
        for name, led in leds.items():
            led.value(name == gesture.steady)
    return count


def main():
    model = whit.load(MODEL)
    print(model)
    sensor = find_sensor()
    if sensor:
        print("MPU6050 on I2C", BUS, "at 10 Hz; Ctrl-C stops")
        watch(model, live(sensor), find_leds())
    print("no MPU6050 answers: replaying", RECORDING)
    try:
        count = watch(model, replay(RECORDING), find_leds())
    except OSError:
        print("no", RECORDING, "here either; copy it: mpremote fs cp build/windows.bin :")
        return
    print(f"end of {RECORDING}: {count} samples")


if __name__ == "__main__":
    main()
