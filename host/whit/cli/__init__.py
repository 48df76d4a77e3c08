"""The command ``whit``: one file per verb, loaded when it is called."""

from __future__ import annotations

import contextlib
import difflib
import importlib
import io
import os
import sys

import click

from whit.errors import WhitError

# verb -> one line of help; the module of the same name holds a click command `command`
VERBS = {
    "convert": "Convert a trained model to a .whit file.",
    "inspect": "Show what is in a .whit file: layers, sizes, memory.",
    "run": "Run a .whit file on a virtual or a real board.",
    "ops": "List the operators and Keras layers that run.",
    "virtual": "Start a virtual board and print its port.",
    "doctor": "Check this computer and the boards that are connected.",
    "boards": "List the boards that are connected.",
    "bench": "Measure how long each layer takes on a board.",
    "flash": "Put MicroPython on a board.",
    "deploy": "Put a model and the runtime on a board.",
    "repl": "Talk to a board, with its model loaded as m.",
    "record": "Record a sensor on a board, a CSV file per take.",
}


class _UnknownVerb(click.UsageError):
    def __init__(self, name: str, ctx: click.Context) -> None:
        super().__init__(f"there is no command '{name}'", ctx)
        self.possibilities = [f"whit {verb}" for verb in difflib.get_close_matches(name, VERBS, 1)]


class _Verbs(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            raise _UnknownVerb(cmd_name, ctx)
        command: click.Command = importlib.import_module(f"whit.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))


@click.group(
    cls=_Verbs,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="\b\nExample:\n  whit convert model.tflite && whit deploy model.whit",
)
@click.version_option(package_name="whit", message="whit %(version)s")
def cli() -> None:
    """Machine learning on the MicroPython that a board already runs."""


def report(error: WhitError) -> None:
    """Print an error as every verb does: one line, a blank line, a hint; on stderr."""
    click.echo(f"whit: {error}", err=True)
    if error.hint:
        click.echo(f"\nhint: {error.hint}", err=True)


def usage(error: click.UsageError) -> WhitError:
    """Wrong usage as a message like any other: what click says, and a way out."""
    close = getattr(error, "possibilities", None)
    message = (error.message if close else error.format_message()).rstrip(". ")
    path = error.ctx.command_path if error.ctx else "whit"
    hint = f"did you mean '{close[0]}'?" if close else f"'{path} --help' shows how"
    return WhitError(message[:1].lower() + message[1:], hint)


def main(argv: list[str] | None = None) -> None:
    """Entry point. Exit codes: 0 done, 1 an error the user can act on, 2 wrong usage, 130 Ctrl-C."""
    _open_streams()
    try:
        code = cli.main(args=argv, prog_name="whit", standalone_mode=False)
        sys.stdout.flush()
        sys.exit(code if isinstance(code, int) else 0)
    except WhitError as error:
        report(error)
        sys.exit(1)
    except click.UsageError as error:
        if isinstance(error, getattr(click.exceptions, "NoArgsIsHelpError", ())):
            error.show()  # the help, not an error
        else:
            report(usage(error))
        sys.exit(2)
    except click.ClickException as error:
        report(WhitError(error.format_message()))
        sys.exit(1)
    except (click.Abort, KeyboardInterrupt):
        click.echo("whit: stopped", err=True)
        sys.exit(130)
    except BrokenPipeError:
        _forget_output()
        sys.exit(1)
    except OSError as error:  # what a command does with files has messages of its own: this is most often a full disk
        _forget_output()
        why = (error.strerror or str(error)).lower()
        report(WhitError(f"{error.filename or 'output'}: {why}", "look for space, or send the output to another place"))
        sys.exit(1)


def _open_streams() -> None:
    """Streams that take what is printed, whatever it is, and wherever the caller has closed them."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed, as by '>&-'
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
        elif isinstance(stream, io.TextIOWrapper):  # a label or a file name may have letters that a terminal has not
            stream.reconfigure(errors="backslashreplace")


def _forget_output() -> None:
    """What nobody takes is not tried again when Python ends."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
