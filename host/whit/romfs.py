"""``whit deploy --romfs``: runtime and model as one image in the board's ROMFS partition.

Code and weights are used where they lie, in flash that is mapped into memory, so they take no RAM. The partition
holds one image: while it is written there is none, and its first bytes go last, so that half an image is no image.
What was there before is read first, and written back if the new image does not pass. A cable that is pulled in
between leaves the board with what its file system has.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import itertools
import time

from whit import switching
from whit.board import Progress
from whit.cargo import Item, Plan, make_plan, title, too_large
from whit.deployment import Deployment
from whit.errors import WhitError
from whit.probe import BoardInfo
from whit.runtime import runtime
from whit.switching import sealed
from whit.via_mpremote import rom_writer

_FOLDER = "/rom"  # where firmware mounts it; /rom and /rom/lib come before /lib in sys.path
_ALIGNED = 4
_ERASE_S = 60.0

# _whit_rom(): (memory of the partition, its object if it has methods, bytes of a block) or None
_TOOLS = """\
import vfs
def _whit_rom():
    try:
        if vfs.rom_ioctl(1) < 1:
            return None
        d = vfs.rom_ioctl(2, 0)
    except (AttributeError, OSError):
        return None
    if isinstance(d, int):
        return None
    if hasattr(d, "ioctl"):
        return memoryview(d), d, d.ioctl(5, 0)
    try:
        n = vfs.rom_ioctl(6, 0)
    except OSError:
        n = 0
    return memoryview(d), None, n if n > 0 else len(d)
"""

# Size of the partition, the first bytes of what is in it, and the names of what is mounted.
_QUERY = """\
def _whit_query():
    rom = _whit_rom()
    if rom is None:
        print(None)
        return
    print((len(rom[0]), bytes(rom[0][:16]), _whit_walk("/rom", [])))
_whit_query()
"""

_SHA256 = """\
def _whit_rom_sha256(n):
    from binascii import hexlify
    from hashlib import sha256
    m = _whit_rom()[0]
    h = sha256()
    for i in range(0, n, 512):
        h.update(m[i : min(i + 512, n)])
    return str(hexlify(h.digest()), "ascii")
print(_whit_rom_sha256({size}))
"""

# A file that is the partition: erased first, its first piece written last.
_OPEN = """\
class _WhitRom:
    def __init__(self, size):
        try:
            vfs.umount("/rom")
        except OSError:
            pass
        _, self.device, self.block = _whit_rom()
        self.at = 0
        self.first = None
        if self.device:
            for i in range(0, size, self.block):
                self.device.ioctl(6, i // self.block)
        elif self.block < len(_whit_rom()[0]):
            step = max(self.block, 32768 // self.block * self.block)
            for i in range(0, size, step):
                n = min(step, size - i)
                vfs.rom_ioctl(3, 0, i, (n + self.block - 1) // self.block * self.block)
        else:
            vfs.rom_ioctl(3, 0, size)
    def put(self, at, b):
        if self.device:
            self.device.writeblocks(at // self.block, b, at % self.block)
        else:
            vfs.rom_ioctl(4, 0, at, b)
    def write(self, b):
        n = len(b)
        if n % 256:
            b += b"\\xff" * (256 - n % 256)
        if self.first is None:
            self.first = b
        else:
            self.put(self.at, b)
        self.at += n
    def close(self):
        self.put(0, self.first)
        if not self.device:
            vfs.rom_ioctl(5, 0)
_whit_file = _WhitRom({size})
"""

_READ = """\
from binascii import b2a_base64 as _whit_b64
_whit_at = 0
def _whit_get():
    global _whit_at
    n = min({piece}, {size} - _whit_at)
    print(str(_whit_b64(_whit_rom()[0][_whit_at : _whit_at + n]), "ascii") if n else "", end="")
    _whit_at += n
"""


def rom_image(files: list[tuple[str, bytes]]) -> bytes:
    """A ROMFS image with these files (path, content); the first one's bytes start at a multiple of four."""
    path, content = files[0]
    for before, after in itertools.product(range(_ALIGNED), range(2)):  # the header makes all of it even, if it is not
        writer = rom_writer()
        writer.mkdata(bytes(before))
        writer.mkfile(path, content)
        _tree(writer, sorted(files[1:]))
        writer.mkdata(bytes(after))
        image: bytes = bytes(writer.finalise())
        if image.index(content) % _ALIGNED == 0:
            break
    return image


def _tree(writer: object, files: list[tuple[str, bytes]]) -> None:
    """Add files to the open folder; those of one subfolder together."""
    folders: dict[str, list[tuple[str, bytes]]] = {}
    for path, content in files:
        name, slash, rest = path.partition("/")
        if slash:
            folders.setdefault(name, []).append((rest, content))
        else:
            writer.mkfile(name, content)  # type: ignore[attr-defined]
    for name, inside in folders.items():
        writer.opendir(name)  # type: ignore[attr-defined]
        _tree(writer, inside)
        writer.closedir()  # type: ignore[attr-defined]


class RomDeployment(Deployment):
    """Model and runtime in the partition; the program, which must be able to change, in the file system."""

    folder = f"{_FOLDER}/lib/whit"

    def steps(self, info: BoardInfo, dry_run: bool, force: bool) -> Plan:
        board = self.board
        board.exec(sealed(switching.TOOLS + _TOOLS))
        found = ast.literal_eval(board.exec(_QUERY).strip())
        if found is None:
            raise WhitError(
                f"the firmware of {title(info)} has no ROMFS partition",
                "'whit deploy' without --romfs puts the model into the file system",
            )
        size, head, names = found
        model, *program = self.items
        rom = [
            Item(_FOLDER + item.path, item.content) for item in [model, *runtime(info, self.model, (), self.kernels)]
        ]
        self.items = [rom[0], *program]
        image = rom_image([(item.path[len(_FOLDER) + 1 :], item.content) for item in rom])
        self._check(info, size, image, [name for name in names if not _ours(name)], force)
        same = self._sha256(len(image)) == hashlib.sha256(image).hexdigest()
        if not dry_run:
            if same:
                self._try_in_place()
            else:
                self._replace(image, head)
            board.exec(sealed(switching.TOOLS))  # the self-test began with a fresh heap
            self.recover()
        plan = make_plan(program, self.hashes([], [item.path for item in program]))
        if not dry_run and plan.send:
            self.progress = None  # it has come to its end
            self.stage(plan)
            self.switch(plan)
        return Plan(plan.send + ([] if same else rom), plan.keep + (rom if same else []), [])

    def _check(self, info: BoardInfo, size: int, image: bytes, others: list[str], force: bool) -> None:
        if len(image) > size:
            raise WhitError(
                f"{self.file} and the runtime need {len(image) / 1024:.1f} KB of ROMFS; "
                f"{title(info)} has {size / 1024:.1f} KB",
                "'whit deploy' without --romfs puts the model into the file system",
            )
        if self.model.arena_bytes > info.free_ram:
            raise too_large(self.file, 0, self.model.arena_bytes, info)
        if others and not force:
            raise WhitError(
                f"the ROMFS of {title(info)} holds other files: {', '.join(others[:3])}", "--force replaces them"
            )

    def _replace(self, image: bytes, head: bytes) -> None:
        """The new image, or the old one again."""
        size = _image_bytes(head)
        old = self.board.read_pieces(sealed(_READ.format(piece=3072, size=size))) if size else b""
        try:
            started = time.monotonic()
            self._write(image, self.progress)
            self.seconds = time.monotonic() - started
            if self._sha256(len(image)) != hashlib.sha256(image).hexdigest():
                raise WhitError("the ROMFS on the board differs from the image", "'whit deploy' again")
            self._try_in_place()
        except BaseException:
            with contextlib.suppress(WhitError):
                self.board.clear()
                self.board.exec(sealed(_TOOLS))
                self._write(old or bytes(256), None)
            raise

    def _sha256(self, size: int) -> str:
        return self.board.exec(sealed(_SHA256.format(size=size))).strip()

    def _write(self, image: bytes, progress: Progress | None) -> None:
        self.board.write_pieces(image, _OPEN.format(size=len(image)), progress, _ERASE_S)

    def _try_in_place(self) -> None:
        """As the board starts from now on: the firmware itself mounts the partition."""
        self.selftest(self.items[0].path, self.folder)


def _image_bytes(head: bytes) -> int:
    """Size of the image that begins so; 0: there is none."""
    if not head.startswith(b"\xd2\xcd\x31"):
        return 0
    size = 0
    for end, byte in enumerate(head[3:], 4):
        size = size << 7 | byte & 0x7F
        if not byte & 0x80:
            return size + end
    return 0


def _ours(path: str) -> bool:
    return path.startswith(f"{_FOLDER}/lib/whit/") or (path.count("/") == 2 and path.endswith(".whit"))
