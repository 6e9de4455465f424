"""`python -m millpond` is the `millpond` command."""

import sys

from millpond.app.cli import main

sys.exit(main())
