"""MicroPython code that runs on a board, as text; what is in braces is filled in with str.format.

Names that it leaves behind begin with _whit; a soft reset clears them. It keeps to what every board's firmware
has (binascii, hashlib, os), and allocates little.
"""

# Runs on a virtual board before boot.py. It leaves no name behind in __main__.
# - {root} becomes "/". VfsPosix alone is not a board's file system: it confuses the two paths of a rename, lists no
#   sizes, has no name for its root, and chdir("..") leads out of it.
# - machine gets the reset() that a board has. Signals tell the relay which reset it was, from wherever it was asked.
BOOT = """\
def _boot():
    import io, os, sys, vfs, machine
    v = vfs.VfsPosix({root!r})
    def chdir(self, path):
        if ".." in path:
            at = [] if path[0] == "/" else getcwd(v).split("/")
            for part in path.split("/"):
                if part == "..":
                    at = at[:-1]
                elif part != ".":
                    at.append(part)
            path = "/" + "/".join(p for p in at if p)
        v.chdir(path)
    def sized(entries, path):
        for e in entries:
            yield e + (v.stat(path + "/" + e[0] if path else e[0])[6] if e[1] == 0x8000 else 0,)
    def ilistdir(self, path):
        return sized(v.ilistdir(path), path)
    def getcwd(self):
        return v.getcwd() or "/"
    def rename(self, old, new):
        if old[0] == "/":
            at = getcwd(v)
            v.chdir("/")
            try:
                v.rename(old[1:], new)
            finally:
                v.chdir(at)
        else:
            v.rename(old, new)
    def die(name):
        os.system("kill -%s $PPID" % name)
        while True:
            pass
    d = {{n: getattr(v, n) for n in dir(v) if n[0] != "_"}}
    d.update(chdir=chdir, getcwd=getcwd, ilistdir=ilistdir, rename=rename)
    vfs.umount("/")
    vfs.mount(type("VfsBoard", (), d)(), "/")
    os.chdir("/")
    d = {{n: getattr(machine, n) for n in dir(machine)}}
    d["reset"] = lambda: die("USR2")
    sys.modules["machine"] = type("machine", (), d)
    sys.argv.clear()
    del d, globals()["_boot"]
    try:
        print({token!r}, end="")
        if sys.stdin.buffer.read(1) == b"\\3":
            raise KeyboardInterrupt
        for name in {names!r}:
            if name in os.listdir("/"):
                execfile(name)
    except SystemExit:
        die("USR1")
    except BaseException as e:
        b = io.StringIO()
        sys.print_exception(e, b)
        lines = b.getvalue().split("\\n")
        print("\\n".join(lines[:1] + lines[2:]), end="")
_boot()
"""

# How much heap is free, and whether the firmware can unpack.
PUT_ROOM = """\
import gc
gc.collect()
try:
    from deflate import DeflateIO
    print(gc.mem_free(), True)
except ImportError:
    print(gc.mem_free(), False)
"""

PUT_FILE = """\
_whit_file = open({path!r}, "wb")
"""

PUT_PIECE = """\
from binascii import a2b_base64 as _whit_b64
def _whit_put(s, bits=0):
    s = _whit_b64(s)
    if bits:
        from deflate import DeflateIO, RAW
        from io import BytesIO
        s = DeflateIO(BytesIO(s), RAW, bits).read()
    _whit_file.write(s)
"""

PUT_CLOSE = """\
_whit_file.close()
del _whit_file, _whit_put, _whit_b64
"""

GET_OPEN = """\
from binascii import b2a_base64 as _whit_b64
_whit_file = open({path!r}, "rb")
def _whit_get():
    print(str(_whit_b64(_whit_file.read({size})), "ascii"), end="")
"""

GET_CLOSE = """\
_whit_file.close()
del _whit_file, _whit_get, _whit_b64
"""

EXISTS = """\
import os
try:
    os.stat({path!r})
    print(True)
except OSError:
    print(False)
"""

SHA256 = """\
def _whit_sha256(path):
    from binascii import hexlify
    from hashlib import sha256
    h = sha256()
    b = memoryview(bytearray(512))
    with open(path, "rb") as f:
        while True:
            n = f.readinto(b)
            if not n:
                return str(hexlify(h.digest()), "ascii")
            h.update(b[:n])
"""

# Firmware mounts its flash at / or, with the name of it, below; it starts in there.
ROOT = """\
def _whit_root():
    import os
    try:
        if not os.statvfs("/")[0]:
            return os.getcwd()
    except (AttributeError, OSError):
        pass
    return "/"
"""

# The runtime is not imported to learn its version: it may be damaged, and it would stay in memory. The number at the
# end tells whether all arrived; a firmware of another kind may lack hashlib.
PROBE_TOOL = (
    ROOT
    + """
def _whit_probe():
    import gc, os, sys
    gc.collect()
    free = gc.mem_free()
    i = sys.implementation
    try:
        exec("@micropython.viper\\ndef f() -> int:\\n    return 1\\n", {})
        native = True
    except (SyntaxError, NotImplementedError, NameError):
        native = False
    dsp = False
    if 5 < getattr(i, "_mpy", 0) >> 10 & 15 < 9:
        try:
            from machine import mem32
            dsp = mem32[0xE000ED6C] >> 4 & 15 > 2
        except ImportError:
            pass
    runtime = None
    root = _whit_root().rstrip("/")
    for folder in (root + "/lib", "/rom/lib"):  # what is in ROMFS comes first in sys.path
        try:
            with open(folder + "/whit/__init__.py") as f:
                for line in f:
                    if line.startswith("__version__"):
                        runtime = line.split("=")[1].strip().strip("'\\"")
        except OSError:
            pass
    try:
        s = os.statvfs(root or "/")
        flash = s[0] * s[3]
    except (OSError, AttributeError):
        flash = 0
    version = tuple(i.version)
    machine = getattr(i, "_machine", sys.platform)
    said = repr((machine, sys.platform, version, getattr(i, "_mpy", 0), free, flash, native, dsp, runtime))
    check = 0
    for c in said:
        check = (check * 31 + ord(c)) & 0xFFFFFF
    print(said)
    print(check)
"""
)
PROBE_RUN = """\
_whit_probe()
del _whit_probe, _whit_root
"""
PROBE = PROBE_TOOL + PROBE_RUN
