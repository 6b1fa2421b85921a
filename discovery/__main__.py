"""``python -m discovery``: the ``discover`` command where its script is not on the path."""

import sys

from discovery.cli import main

if __name__ == "__main__":  # worker processes import this module under another name
    sys.exit(main())
