"""From a sensor to the window that a model sees, and from its answers to a steady one."""

import time
from array import array


class Channels:
    """A sensor's readings as the model was trained on them: which channels in which order, mean 0 and deviation 1.

    With gravity=False it is taken off the acceleration: what stays for seconds is gravity.
    """

    def __init__(self, sensor, about, live):
        self.sensor = sensor
        names = about["channels"]
        missing = [name for name in names if name not in sensor.names]
        if missing:
            raise ValueError("the model wants {}; the sensor has {}".format(" ".join(missing), " ".join(sensor.names)))
        self.picks = [sensor.names.index(name) for name in names]
        self.mean, self.std = array("f", about["mean"]), array("f", about["std"])
        self.gravity = None
        if live and not about["gravity"]:
            self.gravity = array("f", [0] * len(names))
            self.accelerations = [i for i, name in enumerate(names) if name in ("ax", "ay", "az")]
            self.share = 1  # of a reading that goes into gravity: the first is all of it
            self.next_share = 0.2 / about["rate_hz"]  # then it follows within 5 s
        self.reading = array("f", [0] * len(sensor.names))
        self.sample = array("f", [0] * len(names))

    def read(self):
        self.sensor.read(self.reading)
        sample = self.sample
        for i, pick in enumerate(self.picks):
            sample[i] = self.reading[pick]
        if self.gravity:
            for i in self.accelerations:
                self.gravity[i] += (sample[i] - self.gravity[i]) * self.share
                sample[i] -= self.gravity[i]
            self.share = self.next_share
        for i, mean in enumerate(self.mean):
            sample[i] = (sample[i] - mean) / self.std[i]
        return sample


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


def live(channels, period_ms):
    """A sample every period_ms, for ever."""
    due = time.ticks_ms()
    lost = False
    while True:
        try:
            if lost:
                channels.sensor.start()  # a sensor that lost its power sleeps
            sample = channels.read()
        except OSError:
            if not lost:
                print("the sensor does not answer: check its wires")
            lost = True
            time.sleep_ms(500)
            continue
        if lost:
            due, lost = time.ticks_ms(), False
        yield sample
        due = time.ticks_add(due, period_ms)
        time.sleep_ms(max(0, time.ticks_diff(due, time.ticks_ms())))


def replay(channels):
    """The samples of a recording, as fast as the model can take them."""
    try:
        while True:
            yield channels.read()
    except EOFError:
        pass
