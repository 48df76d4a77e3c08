"""``python -m whit`` is the command ``whit``."""

from whit.cli import main

main()
