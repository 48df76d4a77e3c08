"""Gestures on the board: from the sensor that answers on I2C, else from the recording replay.csv."""

import sys

import whit
from samples import Channels, Debounce, Window, live, replay

MODEL = "gesture.whit"
AGREE = 2  # predictions in a row that must agree before the outputs switch

# What a gesture does: a class of outputs.py, the number of its output in PINS, and for a Servo its angle.
ACTIONS = {
    "badminton": ("Led", 0),
    "running": ("Led", 1),
    "standing": ("Led", 2),
    "walking": ("Led", 3),
}
# For each chip: SDA and SCL of the sensor, then the pins of output 0, 1, 2 and 3.
PINS = {
    "RP2040": (4, 5, 16, 17, 18, 19),
    "RP2350": (4, 5, 16, 17, 18, 19),
    "ESP32": (21, 22, 25, 26, 27, 33),
    "ESP32S2": (8, 9, 4, 5, 6, 7),
    "ESP32S3": (8, 9, 4, 5, 6, 7),
    "ESP32C3": (8, 9, 4, 5, 6, 7),
    "ESP32C6": (6, 7, 18, 19, 20, 21),
}


def pins(machine):
    """Those of the chip that a board names at the end: "Raspberry Pi Pico with RP2040"; None for another one."""
    chip = machine.split(" with ")[-1].replace("-", "")
    known = [name for name in PINS if chip.startswith(name)]
    return PINS[max(known, key=len)] if known else None


def drivers():
    """The drivers in turn, each loaded when no sensor answered to those before."""
    from drivers import mpu6050

    yield mpu6050
    from drivers import lsm6ds3

    yield lsm6ds3
    from drivers import adxl345

    yield adxl345


def find_sensor(sda, scl):
    """The sensor that answers on these pins, or None."""
    from machine import I2C, Pin

    try:
        i2c = I2C(0, sda=Pin(sda), scl=Pin(scl), freq=400_000)
        for driver in drivers():
            try:
                sensor = driver.Sensor(i2c)
            except OSError:
                continue
            print(driver.__name__, "at address", hex(sensor.address))
            return sensor
    except (ImportError, ValueError) as error:  # no folder drivers; no such pins
        print("no sensor:", error)


class Outputs:
    """Switches from the outputs of one gesture to those of the next; an output is made when ACTIONS names it."""

    def __init__(self, actions, numbers):
        self.actions, self.made, self.now = {}, {}, None
        for gesture, (kind, number, *more) in actions.items():
            try:
                import outputs

                if (kind, number) not in self.made:
                    self.made[kind, number] = getattr(outputs, kind)(numbers[number])
                self.actions[gesture] = self.made[kind, number], more
            except (ImportError, AttributeError, ValueError, IndexError) as error:  # no such kind, pin, number
                print("no output for", gesture, "here:", error)

    def switch(self, gesture):
        if self.now:
            self.now.off()
        self.now, more = self.actions.get(gesture, (None, ()))
        if self.now:
            self.now.on(*more)


def watch(model, source, period_ms, outputs):
    """Follow the samples; switch the outputs when another gesture is steady. Returns how many samples came."""
    shape = model.meta()["inputs"][0]["shape"]
    window = Window(shape[-2], shape[-1])
    every = max(1, window.length // 10)  # samples from one prediction to the next
    gesture = Debounce(AGREE)
    count = 0
    for sample in source:
        latest = window.add(sample)
        count += 1
        if count < window.length or count % every or not gesture.switched(model.predict(latest)):
            continue
        print(f"{count * period_ms / 1000:6.1f} s  {gesture.steady}")
        outputs.switch(gesture.steady)
    return count


def main():
    model = whit.load(MODEL)
    print(model)
    about = model.meta().get("sensor")
    if not about:
        print(MODEL, "does not tell its channels and their rate; train.py makes one that does")
        return
    period_ms = round(1000 / about["rate_hz"])
    wires = pins(sys.implementation._machine)
    sensor = find_sensor(wires[0], wires[1]) if wires else None
    outputs = Outputs(ACTIONS if wires else {}, wires[2:] if wires else ())
    if sensor:
        watch(model, live(Channels(sensor, about, True), period_ms), period_ms, outputs)
    import replay as recording

    try:
        sensor = recording.Sensor(again=False)
    except OSError as error:
        print("no sensor answers, and", error)
        return
    print("no sensor answers: replaying", recording.PATH)
    count = watch(model, replay(Channels(sensor, about, False)), period_ms, outputs)
    print(f"end of {recording.PATH}: {count} samples")


if __name__ == "__main__":
    main()
