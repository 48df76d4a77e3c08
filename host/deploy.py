"""``whit deploy`` from a checkout, without installing the package: ``python host/deploy.py BLOB``."""

import sys

from whit.cli import main

if __name__ == "__main__":
    main(["deploy", *sys.argv[1:]])
