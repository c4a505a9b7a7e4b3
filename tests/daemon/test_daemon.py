#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The real xldumpd with simulated guests and a xenstored of our own."""

import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True

from world import ROOT, check, run, until  # pylint: disable=wrong-import-position


def request(w):
    """a request by hand: state, progress, result, the file and its description"""
    g = w.guest(3, "web01")
    w.start()
    check(w.store.perms(f"{ROOT}/request") == ["n0"], "only domain 0 may write requests")
    w.request("mine", format="kdump", compress="zstd", domain="web01")
    check(w.end_of("mine") == "done", f"it is done: {w.node('mine', 'error')}")
    about = w.good("mine")
    check(about["domain"]["uuid"] == g.uuid and about["domain"]["name"] == "web01", "of that guest")
    check(about["result"]["format"] == "kdump" and about["trigger"] == "request", "as it was asked for")
    check(w.node("mine", "uuid") == g.uuid and w.node("mine", "domid") == "3", "its nodes say of whom")
    check(w.node("mine", "progress").split()[0] in ("finish", "sync"), "it has told its progress")
    check(g.left_alone() and g.unpauses > 0, "the guest runs as before")
    check(w.queued() == [], "the queue is empty")
    check(w.stop() == 0, "the daemon ends as it should")
    check(w.store.read(f"{ROOT}/daemon/pid") is None, "and says so")


TESTS = [request]

if __name__ == "__main__":
    run(TESTS)
