"""`python -m cipin`: the command, where its script is not on the path."""

import sys

from cipin.cli import main

if __name__ == "__main__":
    sys.exit(main())
