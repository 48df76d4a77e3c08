# whit: int8 neural networks on stock MicroPython.
__version__ = "0.1.0"


class BlobError(ValueError):
    "The .whit file is damaged, hostile, or made for another whit."


def load(source, kernels=None, stream=None, expand=False):
    "Model from the path of a .whit file, or from its bytes."
    from .loader import load  # only now: importing whit costs nearly nothing

    return load(source, kernels, stream, expand)
