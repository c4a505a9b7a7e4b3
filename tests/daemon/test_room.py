#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Room for dumps: the real xldumpd with simulated guests and a small file system of its own."""

import json
import os
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True

from world import check, run, tool, until  # pylint: disable=wrong-import-position

MIB = 1 << 20
PAGES = 3072  # 12 MiB, all of which an ELF file has


def big(w, domid, **actions):
    """A guest as large as the host has them."""
    g = w.guest(domid, **actions)
    g.pages = PAGES
    return g


def two_crashes(w):
    """two guests crash and there is room for one: it is dumped, and then the other, smaller"""
    w.with_file_system(16)
    w.configure("workers = 2")
    guests = [big(w, n, on_crash="destroy") for n in (5, 6)]
    w.start()
    for g in guests:
        g.delay_us = 20000
        g.go_down()
    w.store.fire("@releaseDomain")
    names = [w.crash_of(g.domid) for g in guests]
    destroyed = [g.destroy_as_libxl() for g in guests]
    check([w.end_of(n) for n in names] == ["done"] * 2, f"both: {[w.node(n, 'error') for n in names]}")
    about = [w.good(n)["result"] for n in names]
    check(sorted(a["format"] for a in about) == ["elf", "kdump"], f"the second as what fits: {about}")
    check(w.said("there is no room for dump"), "which is told")
    for t in destroyed:
        until(lambda t=t: not t.is_alive(), "libxl goes on")


def two_crashes_whole(w):
    """the same, and no smaller dump is wanted: the second fails, and alone"""
    w.with_file_system(16)
    w.configure("workers = 2", "shrink = 0")
    guests = [big(w, n, on_crash="destroy") for n in (5, 6)]
    w.start()
    for g in guests:
        g.delay_us = 20000
        g.go_down()
    w.store.fire("@releaseDomain")
    names = [w.crash_of(g.domid) for g in guests]
    states = sorted(w.end_of(n) for n in names)
    check(states == ["done", "failed"] or states == ["done", "refused"], f"{states}")
    lost = [n for n in names if w.node(n, "state") != "done"][0]
    check(w.node(lost, "reason") == "no-space", f"for lack of room: {w.node(lost, 'error')}")
    check(len(w.dumps()) == 1, "nothing half is left")
    for g in guests:
        check(not os.path.exists(g.userdata("l", "domain-userdata-lock")), "no lock is left")


def crash_beside_request(w):
    """a guest crashes beside a request that takes the room: it waits for it"""
    w.with_file_system(26)
    w.configure("workers = 2", "shrink = 0")
    runs, crashes = big(w, 5), big(w, 6, on_crash="destroy")
    w.start()
    runs.delay_us = 100000
    w.request("one", domain=runs.name)
    until(lambda: w.node("one", "state") == "running" and runs.steps > 3, "it runs")
    fill(w, 9)
    crashes.go_down()
    w.store.fire("@releaseDomain")
    name = w.crash_of(6)
    until(lambda: runs.steps > 30, "it goes on")
    check(w.node(name, "state") == "queued", f"the crash waits: {w.node(name, 'state')}")
    os.unlink(f"{w.folder()}/other")
    runs.delay_us = 0
    check(w.end_of("one") == "done" and w.end_of(name) == "done", f"both: {w.node(name, 'error')}")


def fill(w, mib):
    """Somebody else writes to the file system."""
    with open(f"{w.folder()}/other", "wb") as f:
        os.posix_fallocate(f.fileno(), 0, mib * MIB)


def by_form(w):
    """a guest larger than the room is dumped if its dump will not be"""
    w.with_file_system(9)
    big(w, 5)
    w.start()
    w.request("one", domain="guest5", format="kdump", dump_level="0")
    check(w.end_of("one") == "done", f"done: {w.node('one', 'error')}")
    w.good("one")
    w.request("two", domain="guest5", format="elf")
    until(lambda: w.node("two", "state") == "queued", "one that will be waits")


def grows_meanwhile(w):
    """somebody else fills the file system during a dump: it stops at keep_free_mib, and is tried again"""
    w.with_file_system(64)
    w.configure("keep_free_mib = 20")
    g = big(w, 5)
    w.start()
    g.delay_us = 50000
    w.request("one", domain="guest5")
    until(lambda: w.node("one", "state") == "running" and g.steps > 5, "it runs")
    fill(w, 45)
    until(lambda: w.said("failed (no-space), tried again in 300 s"), "it stops")
    until(lambda: w.node("one", "state") == "queued", "and waits")
    check(w.dumps() == ["other"], "nothing half is left")
    check(g.left_alone(), "the guest runs")


def mounted_later(w):
    """the file system is mounted after the daemon has started, or goes away: file and description stay together"""
    w.with_file_system(20)
    g = big(w, 5)
    w.start()
    w.mount(40)
    w.request("one", domain="guest5")
    check(w.end_of("one") == "done", f"done: {w.node('one', 'error')}")
    w.good("one")
    check(len(w.dumps()) == 1, "in the one that is there now")
    # Mounted over while a dump runs: the next one goes there.
    g.delay_us = 20000
    w.request("two", domain="guest5")
    until(lambda: w.node("two", "state") == "running" and g.steps > 5, "it runs")
    w.mount(30)
    g.delay_us = 0
    check(w.end_of("two") == "done", f"done: {w.node('two', 'error')}")
    w.request("three", domain="guest5", format="kdump")
    check(w.end_of("three") == "done", f"done: {w.node('three', 'error')}")
    w.good("three")
    # It went where its worker had opened its file by then.
    here = any("-000002." in name for name in w.dumps())
    if here:
        w.good("two")
    w.unmount()
    if not here:
        w.good("two")
    w.good("one")
    w.unmount()
    w.request("four", domain="guest5", format="kdump")
    check(w.end_of("four") == "done", f"done: {w.node('four', 'error')}")
    w.good("four")


def newest(w):
    """the newest dump is the one with the highest number, whatever the clock says"""
    w.guest(5, "web01")
    w.start()
    for n in range(3):
        w.request(f"r{n}", domain="web01")
        check(w.end_of(f"r{n}") == "done", "done")
    spool = f"--spool={w.spool}"
    names = [d["file"] for d in json.loads(tool(w, "list", spool, "--json"))]
    # The clock goes back between each two of them.
    for n, name in enumerate(names):
        with open(f"{w.spool}/{name}.json", "r+", encoding="utf-8") as f:
            about = json.load(f)
            about["time"] -= 3600 * n
            f.seek(0)
            json.dump(about, f)
            f.truncate()
    check([d["file"] for d in json.loads(tool(w, "list", spool, "--json"))] == names, "oldest first")
    check(json.loads(tool(w, "list", spool, "--json", "-1"))[0]["file"] == names[2], "and the newest")
    os.unlink(f"{w.spool}/{names[2]}.json")
    check(json.loads(tool(w, "list", spool, "--json", "-1"))[0]["file"] == names[2], "by its name alone, too")
    # A queue that is lost gives no number again.
    w.stop(signal.SIGTERM)
    os.unlink(f"{w.dir}/state/queue/seq")
    w.start()
    w.request("again", domain="web01")
    check(w.end_of("again") == "done" and "-000004." in w.node("again", "result"), w.node("again", "result"))


TESTS = [two_crashes, two_crashes_whole, crash_beside_request, by_form, grows_meanwhile, mounted_later, newest]

if __name__ == "__main__":
    run(TESTS)
