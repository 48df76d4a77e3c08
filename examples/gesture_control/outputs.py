"""What a gesture can switch. Each has on() for when the gesture begins, and off() for when it is over."""

from machine import PWM, Pin

LEAST_NS, MOST_NS = 600_000, 2_400_000  # the pulses of a servo at 0 and 180 degrees: a SG90's; yours may want less


class Led:
    """Lights as long as the gesture lasts."""

    def __init__(self, pin):
        self.pin = Pin(pin, Pin.OUT, value=0)

    def on(self):
        self.pin.value(1)

    def off(self):
        self.pin.value(0)


class Button:
    """Holds a button of another device down as long as the gesture lasts: pulls its contact to ground, or lets go."""

    def __init__(self, pin):
        self.pin = Pin(pin, Pin.OPEN_DRAIN, value=1)

    def on(self):
        self.pin.value(0)

    def off(self):
        self.pin.value(1)


class Servo:
    """Turns to an angle, and stays there."""

    def __init__(self, pin):
        self.pwm = PWM(Pin(pin), freq=50, duty_ns=0)  # no pulses: it moves when it is told to

    def on(self, degrees):
        self.pwm.duty_ns(LEAST_NS + (MOST_NS - LEAST_NS) * degrees // 180)

    def off(self):
        pass
