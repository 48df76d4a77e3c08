"""``whit deploy --all``: a model onto every connected board, all at the same time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from whit.blob import Blob, read
from whit.deployment import DeployResult, deploy
from whit.errors import WhitError
from whit.ports import connected, nothing_connected

Outcome = DeployResult | WhitError
_MOST = 32  # at one time; each is a thread that waits for its board


class _Stopped(WhitError):
    """Ctrl-C: ends a deployment in the middle, which puts back what was there."""


def deploy_all(
    blob: Blob | str | Path,
    *,
    progress: Callable[[str, int, int], None] | None = None,
    done: Callable[[str, Outcome], None] | None = None,
    **options: Any,
) -> Mapping[str, Outcome]:
    """`deploy` to every connected board; {port: what was done, or the error}.

    ``options`` are those of `deploy` without port and virtual. ``progress(port, bytes_done, bytes_total)`` and
    ``done(port, outcome)`` are called from several threads, one at a time. An error of one board stops no other.
    """
    model = blob if isinstance(blob, Blob) else read(blob)  # a mistake in the file is told once, not for each board
    ports = [port.name for port in connected()]
    if not ports:
        raise nothing_connected()
    stop = threading.Event()
    lock = threading.Lock()

    def one(port: str) -> Outcome:
        def count(sent: int, total: int) -> None:
            if stop.is_set():
                raise _Stopped(f"{port}: stopped")
            if progress:
                with lock:
                    progress(port, sent, total)

        outcome: Outcome
        try:
            if stop.is_set():
                raise _Stopped(f"{port}: stopped")
            outcome = deploy(model if isinstance(blob, Blob) else blob, port=port, progress=count, **options)
        except WhitError as error:
            outcome = error
        if done:
            with lock:
                done(port, outcome)
        return outcome

    with ThreadPoolExecutor(min(_MOST, len(ports))) as pool:
        waiting = [pool.submit(one, port) for port in ports]
        try:
            return {port: future.result() for port, future in zip(ports, waiting, strict=True)}
        except BaseException:
            stop.set()  # each board gets back what it had; the pool waits for that
            raise
