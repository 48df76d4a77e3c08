"""MicroPython code that runs on a board, as text: each is filled in with str.format and run by one exec."""

# Runs on a virtual board before boot.py. {root} becomes "/", machine gets the reset() that a board has. It leaves no name
# behind in __main__. Signals tell the relay which reset it was; they work wherever they are asked for.
BOOT = """\
def _boot():
    import io, os, sys, vfs, machine
    vfs.umount("/")
    vfs.mount(vfs.VfsPosix({root!r}), "/")
    os.chdir("/")
    sys.argv.clear()
    def die(name):
        os.system("kill -%s $PPID" % name)
        while True:
            pass
    d = {{n: getattr(machine, n) for n in dir(machine)}}
    d["reset"] = lambda: die("USR2")
    sys.modules["machine"] = type("machine", (), d)
    del globals()["_boot"]
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
