"""``whit.deploy``: a model and the runtime onto a board, as a transaction.

Everything is copied beside what is there (into `switching.STAGE`), compared by SHA-256 on the board and tried by
the model's self-test. Then the runtime switches, and the self-test is run again with it in its place, on a board
that started as it will from now on; the old runtime comes back if that fails. The model and the program switch last.
Whenever the cable is pulled, the board works with what it had, or with what it got. The next deployment tidies up.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import importlib
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from whit import snippets, switching
from whit.blob import Blob, read
from whit.board import Board, BoardError, Progress
from whit.cargo import APP, RUNTIME, Item, Plan, application, check_fit, check_syntax, make_plan
from whit.errors import WhitError, damaged
from whit.ports import choose
from whit.probe import BoardInfo, read_info
from whit.runtime import families, runtime
from whit.switching import sealed
from whit.transport import VIA
from whit.versions import check_versions
from whit.virtual import DEFAULT_HEAP_BYTES, VirtualBoard

# What can be wrong with a board that runs code as it was sent; every other exception comes from damaged code.
_REAL = ("OSError", "MemoryError")
# How long a self-test may say nothing: to load, and what a MAC takes in bytecode on a slow board.
_LOAD_S, _MAC_S, _SELFTEST_S = 30.0, 0.0002, 600.0
_COPY_S = 120.0  # flash that must be erased first, on a file system that is nearly full


@dataclass(frozen=True)
class DeployResult:
    """What a deployment did; with ``dry_run`` what it would do."""

    port: str
    machine: str
    file: str  # the model's, on the board: "/gesture.whit"
    sent: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)  # were there already, with the same content
    removed: list[str] = field(default_factory=list)  # of an older runtime
    sent_bytes: int = 0
    seconds: float = 0.0  # of sending
    dry_run: bool = False
    kernels: str = ""  # the family that was asked for, or the best that the board runs

    @property
    def bytes_per_s(self) -> float:
        return self.sent_bytes / self.seconds if self.seconds else 0.0


def deploy(
    blob: Blob | str | Path,
    *,
    port: str | None = None,
    virtual: bool = False,
    app: str | Path | None = None,
    dry_run: bool = False,
    kernels: str | None = None,
    via: str = VIA[0],
    force: bool = False,
    romfs: bool = False,
    progress: Progress | None = None,
) -> DeployResult:
    """Put ``blob``, the runtime and ``app`` (as /main.py) on the board on ``port``; what is there already stays.

    Modules beside ``app`` that it imports come along. Without ``port``: the only board that is connected.
    ``virtual``: a virtual board of its own, gone afterwards. Of the runtime only what the model needs is sent;
    ``kernels`` names another family than the best for the board (bytecode, viper, thumb, dsp, rv32, xtensa,
    xtensa-s2; or pie, which a program then takes with ``load(..., kernels="pie")``). ``dry_run`` changes nothing.
    ``via`` names the library that talks to the board, ``force`` takes old firmware and replaces a newer runtime.
    ``romfs`` puts model and runtime into the ROMFS partition (`whit.romfs`). ``progress(bytes_done, bytes_total)``
    counts what is sent. The board restarts at the end, so /main.py runs.
    WhitError when a step fails;
    the board then has what it had before.
    """
    model = blob if isinstance(blob, Blob) else read(blob)
    file = (model.name if isinstance(blob, Blob) else Path(blob).stem) + ".whit"
    items = [Item("/" + file, model.content)]
    if app is not None:
        items += application(Path(app))
        if not force:
            check_syntax(items[1].content, Path(app).name)
    with contextlib.ExitStack() as stack:
        if virtual:
            port = stack.enter_context(VirtualBoard(heap_bytes=DEFAULT_HEAP_BYTES)).port
        board = stack.enter_context(Board(choose(port), via))
        kind = importlib.import_module("whit.romfs").RomDeployment if romfs else Deployment
        result: DeployResult = kind(board, model, items, kernels, progress).run(dry_run, force)
        return result


class Deployment:
    """The steps, in order; the board is in the raw REPL throughout."""

    folder = RUNTIME  # of the runtime

    def __init__(
        self, board: Board, model: Blob, items: list[Item], kernels: str | None, progress: Progress | None
    ) -> None:
        self.board, self.model, self.items, self.kernels, self.progress = board, model, items, kernels, progress
        self.file = items[0].path[1:]
        self.root = ""  # where the board has its files: "/flash" on some
        self.runtime_switched = False
        self.seconds = 0.0  # of sending

    def run(self, dry_run: bool, force: bool) -> DeployResult:
        board = self.board
        try:
            board.clear()  # the heap as a program finds it, for the question whether the model fits
            board.exec(sealed(snippets.PROBE_TOOL))  # and then it runs: the seal takes memory, which it measures
            info = read_info(board.port, board.exec(snippets.PROBE_RUN))
            if not force:
                check_versions(info)
            plan = self.steps(info, dry_run, force)
        except BaseException as error:
            # A Ctrl-C too: leave nothing behind. The board may be what failed, so this must not hide the error.
            with contextlib.suppress(WhitError):
                if not dry_run:
                    self.undo()
                board.soft_reset()
            if isinstance(error, BoardError) and not str(error).startswith(_REAL):
                raise damaged(board.port, error) from error
            raise
        board.soft_reset()
        return DeployResult(
            port=board.port,
            machine=info.name,
            file=self.root + self.items[0].path,
            sent=[item.path for item in plan.send],
            kept=[item.path for item in plan.keep],
            removed=plan.remove,
            sent_bytes=plan.bytes_to_send,
            seconds=self.seconds,
            dry_run=dry_run,
            kernels=self.kernels or families(info)[0],
        )

    def steps(self, info: BoardInfo, dry_run: bool, force: bool) -> Plan:
        self.root = self.board.exec(sealed(switching.TOOLS + "print(os.getcwd())\n")).strip().rstrip("/")
        if not dry_run:
            self.recover()
        hashes = self.hashes([RUNTIME], [item.path for item in self.items])
        items = runtime(info, self.model, hashes, self.kernels) + self.items
        plan = make_plan(items, hashes)
        check_fit(self.model, self.file, plan, info)
        if not dry_run:
            self.stage(plan)
            self._try(plan)
            self.switch(plan)
        return plan

    def recover(self) -> None:
        hidden = self.board.exec(sealed(switching.RECOVER)).strip()
        if hidden:
            name = hidden.split()[0]
            raise WhitError(
                f"/{name} on the board hides the runtime in {RUNTIME}",
                f"mpremote connect {self.board.port} fs rm -r :/{name}",
            )

    def undo(self) -> None:
        """What was there before, and nothing else."""
        self.board.exec(sealed(switching.TOOLS))
        if self.runtime_switched:
            self.board.exec(sealed(switching.RESTORE_RUNTIME))
        self.board.exec(sealed(switching.RECOVER))

    def hashes(self, folders: Iterable[str], files: Iterable[str]) -> dict[str, str]:
        """{path: SHA-256} of the board's files."""
        printed = self.board.exec(sealed(f"_whit_hashes({_relative(folders)}, {_relative(files)})"))
        *lines, digest = printed.split("\n")[:-1] or [""]
        if hashlib.sha256("".join(lines).encode()).hexdigest() != digest:
            raise damaged(self.board.port, "in a list of files")
        pairs = (line.rpartition(":") for line in lines)
        return {"/" + ast.literal_eval(path): digest for path, _, digest in pairs}

    def stage(self, plan: Plan) -> None:
        """Copy beside what is there, and compare."""
        board = self.board
        total, done = plan.bytes_to_send, 0
        started = time.monotonic()
        folders = {item.staged.rpartition("/")[0] + "/" for item in (*plan.copied, *plan.send)}
        copies = [_relative((item.path, item.staged)) for item in plan.copied]
        board.exec(
            sealed(
                f"for _whit_path in {_relative(sorted(folders))}:\n    _whit_folders(_whit_path)\n"
                f"for _whit_pair in {copies}:\n    _whit_copy(*_whit_pair)\n"
            ),
            _COPY_S,
        )
        for item in plan.send:
            board.put(item.content, item.staged[1:], self.count(done, total))
            done += len(item.content)
        self.seconds += time.monotonic() - started
        self._verify(plan)

    def count(self, before: int, total: int) -> Progress | None:
        """Progress of one file as progress of all."""
        progress = self.progress
        return (lambda done, _: progress(before + done, total)) if progress else None

    def _verify(self, plan: Plan) -> None:
        staged = self.hashes([switching.STAGE], [])
        for item in plan.send + plan.copied:
            if staged.get(item.staged) != item.sha256:
                raise WhitError(
                    f"{item.path[1:]} on the board differs from the local file",
                    "'whit deploy' again; if that does not help, the board's flash is worn out",
                )

    def _try(self, plan: Plan) -> None:
        """Self-tests until nothing but the place of the model is new; a new runtime has switched then."""
        sent = any(item.path == self.items[0].path for item in plan.send)
        path = self.items[0].staged if sent else self.items[0].path
        if plan.new_runtime:
            self.selftest(path, switching.STAGE + "/whit", staged=True)
            self.board.exec(sealed(switching.TOOLS))
            self.runtime_switched = True  # before it is: then a Ctrl-C in between undoes it as well
            self.board.exec(sealed(switching.SWITCH_RUNTIME))
        self.selftest(path, self.folder)

    def selftest(self, path: str, folder: str, staged: bool = False) -> None:
        """WhitError unless the model passes with the runtime of this folder."""
        self.board.clear()
        try:
            code = switching.SELFTEST.format(staged=staged, path=path, folder=folder)
            timeout_s = min(_SELFTEST_S, _LOAD_S + _MAC_S * sum(layer.macs for layer in self.model.layers))
            wrong, _, found = self.board.exec(sealed(code), timeout_s).strip().rpartition("\n")[2].partition(" ")
            count = int(wrong)
        except BoardError as error:
            why = str(error)
        except ValueError:
            why = "no result"
        else:
            if count == 0:
                return
            if count < 0:
                raise WhitError(
                    f"'import whit' on the board finds {found}, not the runtime in {folder}",
                    "'whit deploy --romfs' replaces it"
                    if found.startswith("/rom/")
                    else "remove it, or the line of /boot.py that changes sys.path",
                )
            why = f"{count} output bytes differ from the expected ones"
        raise WhitError(
            f"{self.file} fails its self-test on the board: {why}",
            "the board keeps what it had; 'whit convert' makes the model anew",
        )

    def switch(self, plan: Plan) -> None:
        self.board.exec(sealed(switching.TOOLS))
        paths = [item.path for item in plan.send if not item.is_runtime]
        self.runtime_switched = False  # passed: from here on there is no way back, should an answer get lost
        if paths:
            self.board.exec(sealed(switching.switch_files(paths, APP if APP in paths else "", self.folder)))
        self.board.exec(sealed(f"_whit_drop({switching.STAGE[1:]!r})"))


def _relative(paths: Iterable[str]) -> list[str]:
    """As the board is told them: its root need not be /."""
    return [path[1:] for path in paths]
