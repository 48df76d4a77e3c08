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

PUT_OPEN = """\
from binascii import a2b_base64 as _whit_b64
_whit_file = open({path!r}, "wb")
def _whit_put(s):
    _whit_file.write(_whit_b64(s))
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

# The runtime is not imported to learn its version: it may be damaged, and it would stay in memory.
PROBE = """\
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
    try:
        with open("/lib/whit/__init__.py") as f:
            for line in f:
                if line.startswith("__version__"):
                    runtime = line.split("=")[1].strip().strip("'\\"")
    except OSError:
        pass
    try:
        s = os.statvfs("/")
        flash = s[0] * s[3]
    except (OSError, AttributeError):
        flash = 0
    version = tuple(i.version)
    machine = getattr(i, "_machine", sys.platform)
    print((machine, sys.platform, version, getattr(i, "_mpy", 0), free, flash, native, dsp, runtime))
_whit_probe()
del _whit_probe
"""

# Folders and files of a deployment. STAGE is on the same file system as what it replaces, so a rename moves it.
STAGE = "/whit.new"

TOOLS = (
    SHA256
    + """
import os
def _whit_walk(folder, found):
    try:
        entries = os.ilistdir(folder)
    except OSError:
        return found
    for entry in entries:
        path = folder + "/" + entry[0]
        if entry[1] & 0x4000:
            _whit_walk(path, found)
        else:
            found.append(path)
    return found
def _whit_hashes(folders, files):
    for folder in folders:
        _whit_walk(folder, files)
    for path in files:
        try:
            print(repr(path), _whit_sha256(path), sep=":")
        except OSError:
            pass
def _whit_folders(path):
    at = path.find("/", 1)
    while at > 0:
        try:
            os.mkdir(path[:at])
        except OSError:
            pass
        at = path.find("/", at + 1)
def _whit_copy(source, target):
    b = memoryview(bytearray(512))
    with open(source, "rb") as f, open(target, "wb") as g:
        while True:
            n = f.readinto(b)
            if not n:
                break
            g.write(b[:n])
def _whit_drop(folder):
    try:
        entries = list(os.ilistdir(folder))
    except OSError:
        return
    for entry in entries:
        path = folder + "/" + entry[0]
        if entry[1] & 0x4000:
            _whit_drop(path)
        else:
            os.remove(path)
    os.rmdir(folder)
def _whit_install():
    # At every moment one whole runtime is found: /whit comes before /lib/whit in sys.path.
    try:
        os.mkdir("/lib")
    except OSError:
        pass
    try:
        os.rename("/lib/whit", "/whit.new/old")
    except OSError:
        pass
    os.rename("/whit", "/lib/whit")
def _whit_hidden():
    try:
        return [e[0] for e in os.ilistdir("/") if e[0] in ("whit", "whit.py", "whit.mpy")]
    except OSError:
        return []
"""
)

# Finishes a switch that was cut off, and drops what an earlier deployment left; a runtime that someone put at /whit
# counts as such. Prints what else hides /lib/whit.
RECOVER = """\
if "whit" in _whit_hidden() and "__init__.py" in os.listdir("/whit"):
    _whit_folders("/whit.new/x")
    _whit_drop("/whit.new/old")
    _whit_install()
_whit_drop("/whit.new")
print(" ".join(_whit_hidden()))
"""

SELFTEST = """\
def _whit_selftest():
    import gc, sys
    for name in list(sys.modules):
        if name.split(".")[0] == "whit":
            del sys.modules[name]
    if {staged!r}:
        sys.path.insert(0, "/whit.new")
    gc.collect()
    import whit
    print(whit.load({path!r}).selftest())
_whit_selftest()
"""

# One exec, so that the computer is not needed half way. The runtime goes first: it reads older models.
SWITCH = """\
if {staged!r}:
    os.rename("/whit.new/whit", "/whit")
    _whit_install()
for path in {paths!r}:
    os.rename("/whit.new" + path, path)
_whit_drop("/whit.new")
"""
