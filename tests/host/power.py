# ruff: noqa: F821, SIM105, UP031
# Runs in MicroPython, as main of a script that sets: driver, steps (list of code), app, recover (code).
# A file system in RAM keeps a log of its writes. The switch runs on it once; then the board "starts" from what the
# flash holds after the first k writes, for every k, imports whit, and prints what it found.
import os
import sys

import vfs

BLOCK = 512


class Flash:
    def __init__(self, blocks, data=None):
        self.data = data or bytearray(blocks * BLOCK)
        self.log = None

    def readblocks(self, n, buf, off=0):
        at = n * BLOCK + off
        buf[:] = self.data[at : at + len(buf)]

    def writeblocks(self, n, buf, off=0):
        at = n * BLOCK + off
        self.data[at : at + len(buf)] = buf
        if self.log is not None:
            self.log.append((at, bytes(buf)))

    def ioctl(self, op, arg):
        if op == 4:
            return len(self.data) // BLOCK
        if op == 5:
            return BLOCK
        return 0


def mounted(flash):
    vfs.mount(vfs.VfsFat(flash) if driver == "fat" else vfs.VfsLfs2(flash), "/")
    os.chdir("/")


def write(path, text):
    at = 1
    while (at := path.find("/", at) + 1) > 0:
        try:
            os.mkdir(path[: at - 1])
        except OSError:
            pass
    with open(path, "w") as f:
        f.write(text)


def read(path):
    try:
        with open(path) as f:
            return f.read().strip()
    except OSError as e:
        return "error %d" % e.errno


def runtime(age):
    return "age = %r\nfrom .part import age as other\n" % age, "age = %r\n" % age + "#" * 3000


def forget():
    for name in list(sys.modules):
        if name.split(".")[0] == "whit":
            del sys.modules[name]


def found():
    forget()
    program = read("/main.py")
    if program == "new":
        program = read("/deep/new.py")
    try:
        import whit

        part = whit.age if whit.age == whit.other else "mixed"
    except Exception as e:
        part = repr(e)
    return part, read("/m.whit").split(" ")[0], program


def start(data, after):
    flash = Flash(0, bytearray(data))
    try:
        mounted(flash)
    except OSError as e:
        return ("no file system %s" % e,)
    try:
        first = found()
        forget()
        exec(after, {})
        again = found()
        return first + again + (tuple(sorted(e[0] for e in os.ilistdir("/"))),)
    except OSError as e:
        return ("error %s" % e,)
    finally:
        vfs.umount("/")


sys.path[:] = ["", ".frozen", "/lib"]
vfs.umount("/")
flash = Flash(256)
(vfs.VfsFat if driver == "fat" else vfs.VfsLfs2).mkfs(flash)
mounted(flash)
for folder, age in (("/lib/whit", "old"), ("/whit.new/whit", "new")):
    init, part = runtime(age)
    write(folder + "/__init__.py", init)
    write(folder + "/part.py", part)
for path, text in (("/m.whit", "old " + "x" * 6000), ("/whit.new/m.whit", "new " + "y" * 7000)):
    write(path, text)
write("/main.py", "old")
if app:
    write("/whit.new/main.py", "new")
    write("/whit.new/deep/new.py", "new")
flash.log = []
before = bytes(flash.data)
for step in steps:
    exec(step, globals())
vfs.umount("/")
log, flash.log = flash.log, None
data = bytearray(before)
for k in range(len(log) + 1):
    print(k, start(data, recover))
    if k < len(log):
        at, buf = log[k]
        data[at : at + len(buf)] = buf
