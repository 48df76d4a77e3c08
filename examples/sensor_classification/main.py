"""Which appliance is plugged in? From an SDM120 power meter where one answers, else from appliances.bin."""

import struct
import sys
import time
from array import array
from math import sqrt

import whit

MODEL = "appliance.whit"
RECORDING = "appliances.bin"
PERIOD_MS = 10_000  # between two readings, as in the recordings
READINGS = 360  # the latest hour counts
FIRST = 60  # readings before the first prediction: ten minutes
EVERY = 6  # readings between two predictions: a minute
AGREE = 3  # predictions in a row that must agree before the answer switches

# For each sys.platform: UART, its TX and RX pins, the button, and LED pins for some appliances.
PINS = {
    "rp2": (1, 8, 9, 15, {"fridge": 16, "microwave": 17, "coffee machine": 18, "lamp": 19}),
    "esp32": (2, 17, 16, 0, {"fridge": 25, "microwave": 26, "coffee machine": 27, "lamp": 33}),
}
PORT, TX, RX, BUTTON, LEDS = PINS.get(sys.platform, (0, None, None, None, {}))

try:
    from machine import UART, Pin
except ImportError:  # a virtual board has no pins
    UART = Pin = None


class SDM120:
    """Active and reactive power from an Eastron SDM120 or SDM230: Modbus RTU over RS-485, 2400 baud, 8N1."""

    READ_INPUT_REGISTERS = 0x04
    ACTIVE_POWER, REACTIVE_POWER = 0x000C, 0x0018  # each a big-endian float in two registers
    REGISTERS = REACTIVE_POWER + 2 - ACTIVE_POWER
    REPLY_BYTES = 3 + 2 * REGISTERS + 2
    WAIT_MS = 500

    def __init__(self, uart, address=1):
        self.uart, self.address = uart, address
        head = struct.pack(">BBHH", address, self.READ_INPUT_REGISTERS, self.ACTIVE_POWER, self.REGISTERS)
        self.request = head + self.crc(head)
        self.read()  # OSError where nothing answers

    @staticmethod
    def crc(data):
        """The two bytes that end a frame: CRC-16 with the polynomial 0xA001, low byte first."""
        crc = 0xFFFF
        for byte in data:
            crc ^= byte
            for _ in range(8):
                crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
        return bytes((crc & 0xFF, crc >> 8))

    def answer(self):
        """The bytes that come within WAIT_MS. Some RS-485 modules hear themselves: the request is taken off."""
        got = b""
        start = time.ticks_ms()
        while len(got) < self.REPLY_BYTES and time.ticks_diff(time.ticks_ms(), start) < self.WAIT_MS:
            got += self.uart.read(self.REPLY_BYTES + len(self.request)) or b""
            if got.startswith(self.request):
                got = got[len(self.request) :]
        return got

    def read(self):
        """(active, reactive) in tenths of a watt and of a var; reactive is positive for a motor."""
        for _ in range(8):  # what is left of an earlier, broken answer
            if not self.uart.read(64):
                break
        self.uart.write(self.request)
        got = self.answer()
        if not got:
            raise OSError("the meter does not answer")
        if len(got) >= 5 and got[1] == self.READ_INPUT_REGISTERS | 0x80 and got[3:5] == self.crc(got[:3]):
            raise OSError(f"the meter refuses: Modbus exception {got[2]}")
        head = bytes((self.address, self.READ_INPUT_REGISTERS, 2 * self.REGISTERS))
        if len(got) < self.REPLY_BYTES or got[:3] != head or got[-2:] != self.crc(got[:-2]):
            raise OSError("the meter's answer is damaged")
        active = struct.unpack_from(">f", got, 3)[0]
        reactive = struct.unpack_from(">f", got, 3 + 2 * (self.REACTIVE_POWER - self.ACTIVE_POWER))[0]
        if not abs(active) + abs(reactive) < 1e6:  # not a number, or not of this world
            raise OSError("the meter's answer is damaged")
        return round(10 * active), round(10 * reactive)


class Signature:
    """How the latest readings are spread over levels and changes of power. train.py computes it with this code.

    Four histograms: of active power, of reactive power with its sign, and of how much each changed since the
    reading before. All counting is in integers, so every board comes to the same counts.
    """

    # Tenths of a watt, each level about 1.65 times the one before; tenths of a var, about twice; per cent.
    ACTIVE = (6, 17, 35, 64, 112, 191, 321, 536, 890, 1474, 2437, 4024, 6641, 10956, 18070)
    REACTIVE = (4, 17, 43, 93, 191, 381, 752, 1474, 2887)
    CHANGE = (2, 10, 26, 63, 92)
    LENGTH = len(ACTIVE) + 1 + 2 * len(REACTIVE) + 1 + 2 * (len(CHANGE) + 1)

    def __init__(self, readings=READINGS):
        self.readings = readings
        self.seen = bytearray(4 * readings)  # the four places that each reading was counted in
        self.counts = array("H", bytes(2 * self.LENGTH))
        self.features = array("f", bytes(4 * self.LENGTH))
        self.clear()

    def clear(self):
        """Forget everything: another appliance was plugged in."""
        self.count = self.slot = self.active = self.reactive = 0
        for i in range(self.LENGTH):
            self.counts[i] = 0

    @staticmethod
    def level(value, edges):
        """How many edges are not above the value."""
        low, high = 0, len(edges)
        while low < high:
            middle = (low + high) // 2
            if value < edges[middle]:
                high = middle
            else:
                low = middle + 1
        return low

    def change(self, now, before):
        """The level of a change, in per cent of the larger of the two; a watt more, so that noise is small."""
        return self.level(100 * abs(now - before) // (10 + max(abs(now), abs(before))), self.CHANGE)

    def add(self, active, reactive):
        """Count a reading in and, when the window is full, the oldest one out."""
        if self.count == 0:
            self.active, self.reactive = active, reactive
        seen, counts, at = self.seen, self.counts, 4 * self.slot
        if self.count == self.readings:
            for i in range(at, at + 4):
                counts[seen[i]] -= 1
        else:
            self.count += 1
        middle = len(self.ACTIVE) + 1 + len(self.REACTIVE)
        side = self.level(abs(reactive), self.REACTIVE)
        changes = middle + len(self.REACTIVE) + 1
        seen[at] = self.level(active, self.ACTIVE)
        seen[at + 1] = middle - side if reactive < 0 else middle + side
        seen[at + 2] = changes + self.change(active, self.active)
        seen[at + 3] = changes + len(self.CHANGE) + 1 + self.change(reactive, self.reactive)
        for i in range(at, at + 4):
            counts[seen[i]] += 1
        self.active, self.reactive = active, reactive
        self.slot = (self.slot + 1) % self.readings

    def shares(self):
        """Square roots of the shares of all readings: what the model takes. The root lifts rare events."""
        for i in range(self.LENGTH):
            self.features[i] = sqrt(self.counts[i] / self.count)
        return self.features


class Debounce:
    """Follows a value only when it came `agree` times in a row."""

    def __init__(self, agree):
        self.agree = agree
        self.clear()

    def clear(self):
        self.times, self.last, self.steady = 0, None, None

    def switched(self, value):
        """True when this value made the steady one change."""
        self.times = self.times + 1 if value == self.last else 1
        self.last = value
        if self.times < self.agree or value == self.steady:
            return False
        self.steady = value
        return True


def find_meter():
    """The SDM120, or None where there is no UART or nothing answers on it."""
    if UART is None or TX is None:
        return None
    try:
        return SDM120(UART(PORT, baudrate=2400, tx=Pin(TX), rx=Pin(RX), timeout=100, timeout_char=20))
    except (OSError, ValueError):  # no answer; or this chip has no such pin
        return None


def find_leds():
    """appliance -> Pin, for the pins that this board has."""
    leds = {}
    for appliance, pin in LEDS.items():
        try:
            leds[appliance] = Pin(pin, Pin.OUT, value=0)
        except ValueError:
            print("no pin", pin, "for", appliance)
    return leds


def live(meter, pressed):
    """A reading every PERIOD_MS, for ever; None when the button says that another appliance is plugged in."""
    due = time.ticks_ms()
    lost = False
    while True:
        try:
            reading = meter.read()
            lost = False
        except OSError as error:
            if not lost:
                print(error)
            lost = True
            reading = ()
        if reading:
            yield reading
        due = time.ticks_add(due, PERIOD_MS)
        again = False
        while time.ticks_diff(due, time.ticks_ms()) > 0:
            again = again or pressed()
            time.sleep_ms(20)
        if again:
            yield None


def replay(path):
    """The readings of a file of recordings, as fast as the model can take them; None before each recording."""
    head, reading = bytearray(2), bytearray(4)
    with open(path, "rb") as file:
        while file.readinto(head) == 2:
            yield None
            for _ in range(struct.unpack("<H", head)[0]):
                if file.readinto(reading) < 4:
                    return  # cut off
                yield struct.unpack("<hh", reading)


def watch(model, source, leds):
    """Follow the readings; switch the output when another answer is steady. Returns how many readings came."""
    signature = Signature()
    appliance = Debounce(AGREE)
    total = count = 0
    for reading in source:
        if reading is None:
            print("another appliance: starting anew")
            signature.clear()
            appliance.clear()
            count = 0
            for led in leds.values():
                led.value(0)
            continue
        signature.add(*reading)
        total += 1
        count += 1
        if count < FIRST or count % EVERY or not appliance.switched(model.predict(signature.shares())):
            continue
        print(f"{count * PERIOD_MS // 60_000:3d} min  {appliance.steady}, {100 * max(model.scores):.0f} %")
        for name, led in leds.items():
            led.value(name == appliance.steady)
    return total


def main():
    model = whit.load(MODEL)
    print(model)
    meter = find_meter()
    if meter:
        print("SDM120 on UART", PORT, "every", PERIOD_MS // 1000, "s; the button: another appliance; Ctrl-C stops")
        button = Pin(BUTTON, Pin.IN, Pin.PULL_UP)
        watch(model, live(meter, lambda: not button.value()), find_leds())
    print("no SDM120 answers: replaying", RECORDING)
    try:
        total = watch(model, replay(RECORDING), find_leds())
    except OSError:
        print("no", RECORDING, "here either; copy it: mpremote fs cp build/appliances.bin :")
        return
    print(f"end of {RECORDING}: {total} readings")


if __name__ == "__main__":
    main()
