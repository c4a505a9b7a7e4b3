# SPDX-License-Identifier: GPL-2.0-or-later
"""The parts of the lab, a driver that boots a real Xen in QEMU."""
