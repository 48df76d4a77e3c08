"""A sensor that plays a recording back: a take of `whit record` on the board, as replay.csv."""

PATH = "replay.csv"


class Sensor:
    """One line of the file for each read; after the last it begins again, or raises EOFError with again=False."""

    def __init__(self, i2c=None, path=PATH, again=True):
        try:
            self.file = open(path)
        except OSError:
            raise OSError("there is no " + path)
        self.again = again
        columns = [column.strip() for column in self.file.readline().split(",")][1:]  # the first is the time
        self.names = tuple(column.split(" (")[0] for column in columns)
        self.units = tuple(column.split(" (")[1][:-1] if " (" in column else "" for column in columns)

    def start(self):
        """Go back to the first sample."""
        self.file.seek(0)
        self.file.readline()

    def read(self, sample):
        """Fill sample with the numbers of the next line."""
        line = self.file.readline()
        if not line:
            if not self.again:
                raise EOFError
            self.start()
            line = self.file.readline()
        for index, number in enumerate(line.split(",")[1:]):
            sample[index] = float(number)
