# SPDX-License-Identifier: GPL-2.0-or-later
"""Entry of `python3 -m labkit`."""

import sys

from labkit.cli import main

sys.exit(main(sys.argv[1:]))
