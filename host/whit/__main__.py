"""The command ``whit``, also as ``python -m whit``."""

import signal


def main() -> None:
    """Run the command. Ctrl-C while its modules are loaded ends it as well, and without a word."""
    handler = signal.signal(signal.SIGINT, signal.SIG_DFL)
    from whit.cli import main as run

    signal.signal(signal.SIGINT, handler)
    run()


if __name__ == "__main__":
    main()
