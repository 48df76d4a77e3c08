"""Version of the package; the device runtime carries the same."""

__version__ = "0.1.0"
