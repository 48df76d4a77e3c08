"""whit: int8 neural networks on stock MicroPython. These are the types of what runs on the board."""

from array import array
from typing import Any, Literal

__version__: str

class BlobError(ValueError):
    """The .whit file is damaged, hostile, or made for another whit; the text begins with the file's name."""

def load(
    source: str | bytes | bytearray | memoryview | array[int],
    kernels: Literal["dsp", "thumb", "rv32", "viper", "bytecode"] | None = None,
    stream: bool | None = None,
    expand: bool = False,
) -> Model:
    """Reads, checks and readies a model.

    ``source`` is the path of a .whit file, or its bytes; these are used where they are, and must not change.
    ``kernels`` forces a kind of kernel; by default it is the fastest that the firmware runs: machine code for Cortex-M
    with DSP instructions ("dsp"), for every Cortex-M ("thumb") or for RISC-V ("rv32"), else "viper", else "bytecode".
    ``stream``: True leaves the weights in the file and reads those of a layer before the layer runs, False never does,
    None does where the file does not fit into RAM. It is slow, and the file must stay as it is while the model lives.
    ``expand``: keeps the weights of convolutions and dense layers in RAM in the form in which the kernels multiply, 2
    bytes each besides the blob's one, instead of making it anew in every run: `whit inspect` says what that saves. It
    does nothing where RAM does not allow it, with viper and bytecode kernels, and for streamed models.

    Blob and arena take one piece of RAM each, so load early, while there are large pieces. The check takes
    milliseconds to a few seconds, by the size of the file.

    Raises BlobError for a file that is no whole and honest one, MemoryError with the bytes that are wanted and free,
    OSError for a file that is not there, ValueError for kernels that do not run here.
    """

class Model:
    """A model that is ready to run; made by `load`. It keeps no reference to an input."""

    name: str
    """The file's name, or "blob"."""

    kernels: str
    """The kind of kernels, as `load` takes it."""

    where: str
    """Where the weights are, for `repr`: "" in RAM, ", in place" in mapped flash, ", streamed" from a file,
    ", expanded" in RAM and once more as `load(..., expand=True)` keeps them."""

    inputs: list[memoryview]
    """The inputs, int8, each a view of the arena: real value = (byte - zero point) * scale."""

    outputs: list[memoryview]
    """The outputs of the last run, int8, alike."""

    input: memoryview
    """The first input. Fill it and call `run` to spare `predict` its work."""

    output: memoryview
    """The first output."""

    def predict(self, *x: Any) -> str | int | float:
        """The answer for ``x``, in the unit of training, one argument per input.

        ``x`` is any buffer, sequence or iterator of numbers, nested as one likes; their count must be that of the
        input. They are rounded to int8 as TensorFlow Lite does it, and saturate.

        Returns the label of the largest output of the first output; its index where the model has no label for it;
        the value itself, in the unit of training, where there is but one and no label.

        Raises ValueError for a wrong count, and for nan and inf; TypeError for what is no number.
        """

    def run(self) -> None:
        """Computes `outputs` from `inputs`. Allocates nothing: it may be called with the heap locked."""

    def reset(self) -> None:
        """Sets what the model keeps between runs back to what it was after `load`."""

    @property
    def scores(self) -> array[float]:
        """All outputs of the last run in the unit of training, one after another.

        It is the same array each time, filled anew: copy what you want to keep.
        """

    @property
    def labels(self) -> list[str]:
        """Names of the outputs; empty where the converter got none. Raises BlobError when they are no list of names."""

    def meta(self) -> dict[str, Any]:
        """What the converter wrote about the model (see FORMAT.md), read anew at each call: it takes RAM."""

    def selftest(self) -> int:
        """Runs the test in the file; returns how many bytes of output differ from what they must be: 0 is a pass.

        It overwrites the inputs and resets the model. 0 as well for a file without a test.
        """

    def summary(self) -> None:
        """Prints a line for the model and one for each layer: operator, shape of its output, multiplications."""

    def profile(self, runs: int = 1) -> list[tuple[str, float, int]]:
        """Runs every layer ``runs`` times on what `inputs` hold; prints and returns (operator, microseconds, MACs).

        A model that keeps something between runs is moved on by it: call `reset` afterwards.
        """

    def __repr__(self) -> str: ...
