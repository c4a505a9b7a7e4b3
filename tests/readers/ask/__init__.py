# SPDX-License-Identifier: GPL-2.0-or-later
"""Debuggers and other readers of dumps, opened and asked."""
