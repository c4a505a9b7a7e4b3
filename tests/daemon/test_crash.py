#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Guests that crash: the real xldumpd with simulated guests, a libxl that waits for its lock, and a xenstored
of our own."""

import ctypes
import fcntl
import json
import os
import select
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True

from world import NAME_AT, PATIENCE, check, run, tool, until  # pylint: disable=wrong-import-position

IN_CLOSE_WRITE = 0x8


def crash(w):
    """a guest that xl is about to destroy waits for its dump, under libxl's lock"""
    g = w.guest(5, "db/../01 \x1b[31m", on_crash="destroy")
    w.start()
    g.delay_us = 100000
    g.go_down()
    w.host[g.at + NAME_AT] = 0  # xenstore's nodes of the guest are the first that libxl removes
    w.store.fire("@releaseDomain")
    name = w.crash_of(5)
    t = g.destroy_as_libxl()
    check(w.end_of(name) == "done", f"dumped: {w.node(name, 'error')}")
    about = w.good(name)
    check(about["shutdown_reason"] == "crash" and about["action"] == "destroy", "described as a crash")
    check(about["result"]["strategy"] == "still", "without stopping who does not run")
    info = json.loads(tool(w, "info", "--json", w.node(name, "result")))
    check(info["provenance"]["domain"]["name"].startswith("db/../01"), f"the name in the dump: {info}")
    until(lambda: not t.is_alive(), "libxl goes on")
    check(all("/" not in n and "\x1b" not in n and n[0] != "." for n in w.dumps()), "a harmless name")
    with open(w.log, "rb") as f:
        check(b"\x1b" not in f.read(), "nothing in the log that a terminal would obey")
    check(not os.path.exists(g.userdata("l", "domain-userdata-lock")), "the lock is given back")


def on_crash(w):
    """what happens for each on_crash"""
    w.configure('after_crash = "destroy"')
    want = {"destroy": True, "restart": True, "preserve": True, "restart_rename": True,
            "coredump_destroy": False, "coredump_restart": False}
    guests = {a: w.guest(10 + n, f"g-{a}", on_crash=a) for n, a in enumerate(want)}
    foreign = w.guest(20, "not-of-libxl")
    quiet = w.guest(21, "quiet", on_crash="destroy", on_poweroff="destroy")
    w.start()
    for g in guests.values():
        g.go_down()
    foreign.go_down()
    quiet.go_down(0)
    w.store.fire("@releaseDomain")
    for action, dumped in want.items():
        g = guests[action]
        if dumped:
            name = w.crash_of(g.domid)
            check(w.end_of(name) == "done", f"{action}: {w.node(name, 'error')}")
            # The names of xl.cfg(5), one of which libxl has the other way round.
            said = "rename-restart" if action == "restart_rename" else action
            check(w.good(name)["action"] == said, f"{action} is said")
        else:
            until(lambda g=g: w.said(f"{g.name} (domain {g.domid}) is not dumped (coredump)"), action)
        check(not os.path.exists(g.userdata("l", "domain-userdata-lock")), f"{action}: no lock is left")
    check(w.end_of(w.crash_of(20)) == "done", "a guest that libxl does not know")
    check(len(w.dumps()) == 5, "nobody else, the one that was shut down least of all")
    until(lambda: os.path.exists(f"{w.dir}/xl.log") and
          len(open(f"{w.dir}/xl.log", encoding="ascii").read().split("\n")) == 3, "xl is told")
    with open(f"{w.dir}/xl.log", encoding="ascii") as f:
        told = sorted(f.read().split("\n"))
    check(told == sorted(["", f"destroy {guests['preserve'].domid}",
                          f"destroy {guests['restart_rename'].domid}"]), f"afterwards: {told}")


def panic(w):
    """an HVM guest whose kernel panics and reboots is dumped; one that reboots is let go at once"""
    w.configure("learn_after = 0", "min_interval = 0")
    where = w.kernel()
    guests = [w.guest(n, f"hvm{n}", on_reboot="restart", on_poweroff="destroy") for n in range(1, 5)]
    for g in guests:
        g.hvm = 1
        g.pages = 3072
    w.start()
    for g in guests:
        until(lambda g=g: w.said(f"domain {g.domid}: panics of its kernel will be noticed"), "learned")
        check(g.pauses == 0 and g.unpauses == 0, "without pausing it")
    guests[0].go_down(1)
    w.store.fire("@releaseDomain")
    t = guests[0].destroy_as_libxl()
    until(lambda: not t.is_alive(), "the one that reboots is let go")
    w.poke(where, 2)
    guests[1].go_down(1)
    w.store.fire("@releaseDomain")
    name = w.crash_of(2)
    t = guests[1].destroy_as_libxl()
    check(w.end_of(name) == "done" and w.node(name, "trigger") == "panic", "the one that panics is dumped")
    about = w.good(name)
    check(about["shutdown_reason"] == "reboot" and about["action"] == "restart", "as what it was")
    until(lambda: not t.is_alive(), "and libxl goes on")
    # It would take a new daemon seconds to learn it again.
    guests[3].delay_us = 300000
    w.stop(signal.SIGKILL)
    w.start()
    guests[3].go_down(1)
    w.store.fire("@releaseDomain")
    check(w.end_of(w.crash_of(4)) == "done", "it is known after a restart, too")
    w.configure("panic = 0")
    w.daemon.send_signal(signal.SIGHUP)
    until(lambda: w.said("again"), "it is read")
    guests[2].go_down(0)
    w.store.fire("@releaseDomain")
    until(lambda: w.said("hvm3 (domain 3) is not dumped (disabled)"), "not wanted any more")
    check(len(w.dumps()) == 2, "no other dump")


def kexec(w):
    """a guest starts another kernel, which Xen sees as a soft reset: the panic of that one is noticed"""
    w.configure("learn_after = 0", "min_interval = 0")
    where = w.kernel()
    g = w.guest(1, "hvm1", on_reboot="restart")
    g.hvm = 1
    g.pages = 3072
    w.start()
    noticed = "domain 1: panics of its kernel will be noticed"
    until(lambda: w.said(noticed), "learned")
    w.kexec("6.12.9-1-amd64")
    g.go_down(5)
    w.store.fire("@releaseDomain")
    until(lambda: w.said("domain 1: it starts another kernel"), "the soft reset is seen")
    g.shutdown = 0
    w.store.fire("@introduceDomain")
    until(lambda: w.said(noticed, 2), "learned again")
    w.poke(where, 2)
    g.go_down(1)
    w.store.fire("@releaseDomain")
    name = w.crash_of(1)
    t = g.destroy_as_libxl()
    check(w.end_of(name) == "done" and w.node(name, "trigger") == "panic", "the panic is noticed")
    until(lambda: not t.is_alive(), "and libxl goes on")


def lock_is_taken(w):
    """libxl was quicker: the dump is tried all the same, and nothing wrong is published"""
    g = w.guest(5, "late", on_crash="destroy")
    w.start()
    t = g.destroy_as_libxl()
    until(lambda: not t.is_alive(), "libxl is done")
    g = w.guest(6, "later", on_crash="destroy")
    fd = os.open(g.userdata("l", "domain-userdata-lock"), os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(fd, fcntl.LOCK_EX)
    g.delay_us = 3000000
    g.go_down()
    w.store.fire("@releaseDomain")
    name = w.crash_of(6)
    until(lambda: w.node(name, "state") == "running" and g.steps > 3, "it is tried")
    g.vanish()
    os.close(fd)
    check(w.end_of(name) == "failed" and w.node(name, "reason") == "domain-gone", "it is gone")
    check(w.dumps() == [], "no file")


def lock_is_busy(w):
    """libxl has its lock for a moment, before it destroys: it is waited for"""
    w.start()
    libc = ctypes.CDLL(None)
    # A busy machine may be too slow to be a libxl that has it for a moment only: then another guest.
    for domid in range(5, 30):
        g = w.guest(domid, f"busy{domid}", on_crash="restart")
        lock = g.userdata("l", "domain-userdata-lock")
        with open(lock, "wb") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            notify = libc.inotify_init1(os.O_CLOEXEC)
            check(libc.inotify_add_watch(notify, lock.encode(), IN_CLOSE_WRITE) >= 0, "inotify")
            g.go_down()
            w.store.fire("@releaseDomain")
            check(select.select([notify], [], [], PATIENCE)[0], "it wants the lock")
            os.read(notify, 4096)
            os.close(notify)
            os.unlink(lock)
        name = w.crash_of(domid)
        t = g.destroy_as_libxl()
        w.end_of(name)
        until(lambda t=t: not t.is_alive(), "libxl goes on")
        if w.said(f"{g.name} (domain {domid}) crashed; afterwards xl does: restart, which waits for the dump"):
            check(w.node(name, "state") == "done", f"dumped: {w.node(name, 'error')}")
            return
    check(False, "the lock was never had")


def all_is_gone(w):
    """libxl has removed all that it knew of the guest: what was known of it before is told"""
    g = w.guest(5, "fast", on_crash="destroy")
    w.start()
    os.unlink(g.userdata("d", "libxl-json"))
    w.host[g.at + NAME_AT] = 0
    w.store.remove("/local/domain/5")
    g.go_down()
    w.store.fire("@releaseDomain")
    name = w.crash_of(5)
    check(w.said("fast (domain 5) crashed; afterwards xl does: destroy, which may happen before"),
          "name and action are told")
    check(w.end_of(name) == "done" and w.node(name, "name") == "fast", "its memory was there all the same")
    check(w.dumps()[0].startswith("fast-"), "and the file has its name")


def crash_meanwhile(w):
    """a guest crashes while a request for it runs, or waits: the crash is dumped, too"""
    w.configure("workers = 1")
    runs, waits = w.guest(5, "runs", on_crash="destroy"), w.guest(6, "waits", on_crash="preserve")
    unwanted = w.guest(7, "unwanted", on_crash="coredump_destroy")
    w.start()
    runs.delay_us = 20000000
    w.request("one", domain="runs", format="kdump")
    until(lambda: w.node("one", "state") == "running" and runs.steps > 3, "one runs")
    w.request("two", domain="waits", format="kdump")
    w.request("three", domain="unwanted")
    until(lambda: w.node("two", "state") == "queued" and w.node("three", "state") == "queued", "others wait")
    for g in (runs, waits, unwanted):
        g.go_down()
    w.store.fire("@releaseDomain")
    crashes = [w.crash_of(5), w.crash_of(6)]
    until(lambda: w.said("unwanted (domain 7) is not dumped (coredump)"), "one is not wanted")
    check(all(w.node(n, "state") == "queued" for n in crashes), "they wait")
    w.request("four", domain="waits")
    check(w.end_of("four") == "refused" and w.node("four", "reason") == "duplicate", "no other request")
    destroyed = runs.destroy_as_libxl()
    runs.delay_us = 0
    for name in ("one", "two", "three", *crashes):
        check(w.end_of(name) == "done", f"{name}: {w.node(name, 'error')}")
        about = w.good(name)
        check(about["trigger"] == ("crash" if name in crashes else "request"), f"{name}: {about['trigger']}")
        check(about["result"]["format"] == ("kdump" if name in ("one", "two") else "elf"), "each in its own form")
    with open(w.log, encoding="utf-8") as f:
        log = f.read()
    begun = [log.index(f"dump {name} begins") for name in ("one", crashes[0], crashes[1], "two")]
    check(begun[0] < begun[1] and begun[0] < begun[2] < begun[3], "after what ran, and before what waited")
    until(lambda: not destroyed.is_alive(), "libxl goes on")
    check(len(w.dumps()) == 5, "no other dump")
    check(not [n for n in os.listdir(w.libxl) if n.startswith("userdata-l.")], "no lock is left")


def fails_for_a_moment(w):
    """memory of domain 0 is short for a moment: the crash is tried again while its guest is held"""
    g = w.guest(5, on_crash="destroy")
    w.start()
    g.map_error = 12
    g.go_down()
    w.store.fire("@releaseDomain")
    name = w.crash_of(5)
    until(lambda: w.said(f"dump {name} failed (other), tried again in 5 s"), "it fails, and waits")
    check(os.path.exists(g.userdata("l", "domain-userdata-lock")), "the guest is still held")
    g.map_error = 0
    check(w.end_of(name) == "done", f"dumped: {w.node(name, 'error')}")


def resumed(w):
    """a guest that was suspended, and resumed, crashes"""
    g = w.guest(5, "moved", on_crash="preserve")
    w.start()
    g.go_down(2)
    w.store.fire("@releaseDomain")
    w.guest(6, "other", on_crash="preserve").go_down()
    w.store.fire("@releaseDomain")
    check(w.end_of(w.crash_of(6)) == "done", "another one, so that the first was seen")
    g.shutdown = 0
    g.go_down()
    w.store.fire("@releaseDomain")
    check(w.end_of(w.crash_of(5)) == "done", "it is dumped")


def four_at_once(w):
    """four guests crash at once: all are dumped, two at a time, and libxl waits for each"""
    guests = [w.guest(n, on_crash="destroy") for n in range(1, 5)]
    w.configure("workers = 2")
    w.start()
    for g in guests:
        g.delay_us = 50000
        g.go_down()
    w.store.fire("@releaseDomain")
    names = [w.crash_of(n) for n in range(1, 5)]
    threads = [g.destroy_as_libxl() for g in guests]
    check([w.end_of(n) for n in names] == ["done"] * 4, "all are done")
    most = running = 0
    with open(w.log, encoding="utf-8") as f:
        for line in f:
            running += (" begins, by process" in line) - (": dumped to " in line)
            most = max(most, running)
    check(most == 2 and running == 0, f"never more than two at once: {most}")
    for n in names:
        w.good(n)
    for t in threads:
        until(lambda t=t: not t.is_alive(), "libxl goes on")


def held_over(w):
    """guests that libxl is about to destroy wait for their dumps while the daemon is restarted, or killed"""
    w.with_manager()
    w.configure("workers = 1")
    guests = [w.guest(n, f"held{n}", on_crash="destroy") for n in (5, 6)]
    w.start()
    for g in guests:
        g.delay_us = 20000000
        g.go_down()
    w.store.fire("@releaseDomain")
    names = [w.crash_of(g.domid) for g in guests]
    until(lambda: len(w.manager.kept) == 2, "the service manager has the locks")
    until(lambda: any(w.node(n, "state") == "running" for n in names), "one runs")
    destroyed = [g.destroy_as_libxl() for g in guests]
    for how in (signal.SIGTERM, signal.SIGKILL):
        check(w.stop(how) == (0 if how == signal.SIGTERM else -how), "it ends")
        check(all(g.domid for g in guests), "libxl waits all the same")
        check(len(w.manager.kept) == 2, "the locks are kept")
        w.start()
        until(lambda: any(w.node(n, "state") == "running" for n in names), "one runs")
    for g in guests:
        g.delay_us = 0
    for name in names:
        check(w.end_of(name) == "done", f"{name}: {w.node(name, 'error')}")
        check(w.good(name)["action"] == "destroy", "as what it was")
    for t in destroyed:
        until(lambda t=t: not t.is_alive(), "libxl goes on")
    until(lambda: not w.manager.kept, "nothing is kept any more")
    check(not [n for n in os.listdir(w.libxl) if n.startswith("userdata-l.")], "no lock is left")

    # Stopped for good, with one that waits.
    g = w.guest(7, "left", on_crash="destroy")
    g.delay_us = 20000000
    g.go_down()
    w.store.fire("@releaseDomain")
    w.crash_of(7)
    until(lambda: w.manager.kept, "it is held")
    t = g.destroy_as_libxl()
    w.stop()
    w.manager.stopped()
    until(lambda: not t.is_alive(), "libxl goes on")


def held_behind(w):
    """the same for a guest with a request that runs, whose crash comes after it"""
    w.with_manager()
    w.configure("workers = 1", 'format = "xencore"')
    for domid, how in ((5, signal.SIGTERM), (6, signal.SIGKILL)):
        g = w.guest(domid, f"behind{domid}", on_crash="destroy")
        g.delay_us = 20000000
        w.start()
        w.request(f"one{domid}", domain=g.name, format="kdump")
        until(lambda g=g, d=domid: w.node(f"one{d}", "state") == "running" and g.steps > 3, "a request runs")
        g.go_down()
        w.store.fire("@releaseDomain")
        name = w.crash_of(domid)
        until(lambda: len(w.manager.kept) == 1, "the service manager has the lock")
        t = g.destroy_as_libxl()
        w.stop(how)
        g.delay_us = 0
        w.start()
        check(w.end_of(name) == "done", f"{name}: {w.node(name, 'error')}")
        check(w.good(name)["result"]["format"] == "xencore", "as crashes are dumped")
        until(lambda t=t: not t.is_alive(), "libxl goes on")
        w.end_of(f"one{domid}")
        until(lambda: not w.manager.kept, "nothing is kept any more")
        w.stop()


def held_in_vain(w):
    """locks that nobody needs: the daemon cannot start, has lost its queue, or the guest is gone"""
    w.with_manager()
    for domid in (5, 6, 7):
        g = w.guest(domid, f"vain{domid}", on_crash="destroy")
        g.delay_us = 20000000
        w.start()
        g.go_down()
        w.store.fire("@releaseDomain")
        w.crash_of(domid)
        until(lambda: len(w.manager.kept) == 1, "the service manager has the lock")
        t = g.destroy_as_libxl()
        w.stop(signal.SIGKILL)
        if domid == 5:
            os.chmod(w.spool, 0o755)
            w.start(want=7)
            os.chmod(w.spool, 0o700)
        elif domid == 6:
            for path in w.queued():
                os.unlink(path)
            w.configure("crash = 0")
            w.start()
            w.configure()
        else:
            g.vanish()
            w.start()
        until(lambda t=t: not t.is_alive(), "libxl goes on")
        until(lambda: not w.manager.kept, "nothing is kept")
        check(w.dumps() == [], "no dump")
        w.stop()


def no_list(w):
    """the hypervisor does not tell who is there, for a while: nothing is lost, nobody is taken for gone"""
    w.configure("workers = 1")
    g, slow, waits = w.guest(5, "unseen", on_crash="preserve"), w.guest(6, "slow"), w.guest(7, "waits")
    g.go_down()
    w.fail_lists(1)
    w.start()

    def looks():
        with open(w.log, encoding="utf-8") as f:
            return f.read().count("list the domains")
    # At its start, for the two watches, and then of itself.
    until(lambda: looks() >= 5, "it looks again")
    w.fail_lists(0)
    check(w.end_of(w.crash_of(5)) == "done", "the crash is dumped")
    slow.delay_us = 500000
    w.request("first", domain="slow")
    until(lambda: w.node("first", "state") == "running", "one runs")
    w.request("second", domain="waits")
    until(lambda: w.node("second", "state") == "queued", "one waits")
    w.fail_lists(1)
    slow.delay_us = 0
    check(w.end_of("first") == "done", "the one ends")
    seen = looks()
    until(lambda: looks() >= seen + 2, "it looks for the other")
    check(w.node("second", "state") == "queued", "which is not taken for gone")
    w.fail_lists(0)
    check(w.end_of("second") == "done", "and is done")
    check(waits.left_alone(), "and runs")


def crashed_before(w):
    """guests that crashed while there was no daemon are dumped when it starts, once"""
    g = w.guest(3, "web01", on_crash="preserve")
    g.go_down()
    w.start()
    name = w.crash_of(3)
    check(w.end_of(name) == "done", "dumped")
    w.stop()
    w.start()
    w.guest(4, "other")
    w.request("other", domain="other")
    w.end_of("other")
    check(len(w.dumps()) == 2, "and not again")


TESTS = [crash, on_crash, panic, kexec, lock_is_taken, lock_is_busy, all_is_gone, crash_meanwhile, fails_for_a_moment, resumed,
         four_at_once, held_over, held_behind, held_in_vain, no_list, crashed_before]

if __name__ == "__main__":
    run(TESTS)
