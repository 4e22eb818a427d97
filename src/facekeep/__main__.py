"""``python -m facekeep``."""

import sys

from facekeep.interfaces.cli import main

if __name__ == "__main__":
    sys.exit(main())
