"""`python -m sfnode.cli`: how a command starts the daemon with its own interpreter."""

import sys

from .root import main

sys.exit(main())
