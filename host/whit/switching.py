"""How a board changes from what it has to what was staged: MicroPython code, as text, for `whit.deployment`.

The rule: whenever power fails, the next start finds a whole runtime, and model and program that belong together.

- The runtime is a folder. A folder /whit is found before /lib/whit, as sys.path begins with the current folder:
  the new runtime appears at /whit by one rename, and moves to /lib/whit when the old one has made room.
- Model and program (with its modules) change together. While they do, /whit is a package that ends that at import:
  what is staged moves to its place, unless the program, which goes first, is staged still: then all is as before.
- A rename replaces a file in one step on littlefs (ESP32, RP2), so none of them is ever missing. FAT (some STM32
  boards) removes the old file first. A model that is missing there comes with the next `import whit`; a main.py is
  missing for the time of some writes, and what a write that was cut in half leaves is up to FAT.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from whit.snippets import ROOT, SHA256

# Folder of a deployment: on the same file system as what it replaces, so a rename moves it.
STAGE = "/whit.new"

# Paths are relative to the root from here on.
TOOLS = (
    SHA256
    + ROOT
    + """
import os
os.chdir(_whit_root())
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
    from binascii import hexlify
    from hashlib import sha256
    h = sha256()
    for folder in folders:
        _whit_walk(folder, files)
    for path in files:
        try:
            line = "%r:%s" % (path, _whit_sha256(path))
        except OSError:
            continue
        print(line)
        h.update(line)
    print(str(hexlify(h.digest()), "ascii"))
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
def _whit_names(folder):
    try:
        return [e[0] for e in os.ilistdir(folder)]
    except OSError:
        return []
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
    try:
        os.mkdir("lib")
    except OSError:
        pass
    if "whit" in _whit_names("lib"):
        os.rename("lib/whit", "whit.new/old")
    os.rename("whit", "lib/whit")
"""
)

# Ends a switch that was cut off, and drops what an earlier deployment left; a runtime that someone put at /whit
# counts as such. Prints what else hides /lib/whit. A file that is in its place and staged as well was in the middle
# of a rename on FAT: two names of the same blocks, which dropping one would free.
RECOVER = """\
if "finish.py" in _whit_names("whit"):
    with open("whit/finish.py") as _whit_file:
        exec(_whit_file.read())
    if "whit" in _whit_names(""):
        os.rename("whit", "whit.new/again")
elif "__init__.py" in _whit_names("whit"):
    _whit_folders("whit.new/x")
    _whit_drop("whit.new/old")
    _whit_install()
for _whit_name in _whit_names("whit.new"):
    if _whit_name in _whit_names("") and not os.stat(_whit_name)[0] & 0x4000:
        if _whit_sha256(_whit_name) == _whit_sha256("whit.new/" + _whit_name):
            _whit_copy(_whit_name, "whit.new/copy")
            os.remove(_whit_name)
            os.rename("whit.new/copy", _whit_name)
_whit_drop("whit.new")
print(" ".join(n for n in _whit_names("") if n in ("whit", "whit.py", "whit.mpy")))
"""

# Prints the number of wrong bytes of a run with the runtime of this folder; or -1, and which runtime it found instead.
SELFTEST = (
    ROOT
    + """
def _whit_selftest(folder, path):
    import gc, sys
    for name in list(sys.modules):
        if name.split(".")[0] == "whit":
            del sys.modules[name]
    if folder[:5] != "/rom/":
        root = _whit_root().rstrip("/")
        folder, path = root + folder, root + path
    if {staged!r}:
        sys.path.insert(0, folder.rsplit("/", 1)[0])
    gc.collect()
    import whit
    found = getattr(whit, "__path__", "another whit")
    print(whit.load(path).selftest() if found == folder else -1, found)
_whit_selftest({folder!r}, {path!r})
"""
)

# The new runtime comes, the old one stays at hand.
SWITCH_RUNTIME = """\
os.rename("whit.new/whit", "whit")
_whit_install()
"""

# The old runtime comes back, wherever SWITCH_RUNTIME was stopped; without an old one the new one stays.
RESTORE_RUNTIME = """\
if "whit" not in _whit_names("whit.new"):
    if "old" in _whit_names("whit.new"):
        if "whit" not in _whit_names(""):
            os.rename("lib/whit", "whit")
        os.rename("whit.new/old", "lib/whit")
    if "whit" in _whit_names(""):
        os.rename("whit", "whit.new/bad" if "whit" in _whit_names("lib") else "lib/whit")
"""

# A file that had no predecessor goes first: nothing uses it yet.
_SWITCH_FILES = """\
for _whit_path in {paths!r}:
    _whit_folders(_whit_path)
    _whit_folder, _, _whit_name = _whit_path.rpartition("/")
    if _whit_path != {program!r} and _whit_name not in _whit_names(_whit_folder):
        os.rename("whit.new/" + _whit_path, _whit_path)
_whit_folders("whit.new/finish/x")
for _whit_path, _whit_text in {texts!r}:
    with open("whit.new/finish/" + _whit_path, "w") as _whit_file:
        _whit_file.write(_whit_text)
os.rename("whit.new/finish", "whit")
if {program!r}:
    os.rename("whit.new/" + {program!r}, {program!r})
exec(_whit_text)
"""

# The package that stands in for the runtime meanwhile.
_PACKAGE = """\
with open("whit/finish.py") as f:
    exec(f.read())
import os
__path__ = {runtime!r}
if __path__[:5] != "/rom/":
    __path__ = os.getcwd().rstrip("/") + __path__
with open(__path__ + "/__init__.py") as f:
    exec(f.read())
"""

_FINISH = """\
def _whit_finish():
    import os
    def there(path):
        try:
            return bool(os.stat(path))
        except OSError:
            return False
    def same(path):
        with open("whit.new/" + path, "rb") as f, open(path, "rb") as g:
            while True:
                b = f.read(512)
                if b != g.read(512):
                    return False
                if not b:
                    return True
    for path in {paths!r}:
        if there("whit.new/" + path):
            if not there(path):
                os.rename("whit.new/" + path, path)
            elif not same(path):
                if path == {program!r}:
                    return
                os.rename("whit.new/" + path, path)
    try:
        os.rename("whit", "whit.new/done")
    except OSError:
        pass
_whit_finish()
"""


def switch_files(paths: Iterable[str], program: str, runtime: str) -> str:
    """Code that moves the staged files to their places as one, ``program`` (or "") among them.

    ``runtime`` is the folder of the one that the board has. One exec, so that the computer is not needed half way.
    """
    paths = [path[1:] for path in sorted(paths, key=lambda path: path != program)]
    program = program[1:]
    finish = _FINISH.format(program=program, paths=paths)
    texts = [("__init__.py", _PACKAGE.format(runtime=runtime)), ("finish.py", finish)]
    return _SWITCH_FILES.format(texts=texts, program=program, paths=paths)


def sealed(code: str) -> str:
    """``code``, to be run by the board only if it arrives as it was sent: what moves files must not be garbled."""
    digest = hashlib.sha256(code.encode()).hexdigest()
    return (
        f"from hashlib import sha256 as _whit_sha\nfrom binascii import hexlify as _whit_hex\n_whit_code = {code!r}\n"
        f"if _whit_hex(_whit_sha(_whit_code).digest()) != {digest.encode()!r}:\n"
        '    raise ValueError("code was damaged on its way to the board")\n'
        "exec(_whit_code)\ndel _whit_sha, _whit_hex, _whit_code\n"
    )
