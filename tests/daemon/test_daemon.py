#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The real xldumpd with simulated guests and a xenstored of our own."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True

from world import (CTL, DAEMON, FINAL, LIVEDUMP, NAME_AT, PATIENCE, ROOT, Skipped,  # pylint: disable=wrong-import-position
                   check, run, started, tool, until)


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
    until(lambda: w.queued() == [], "the queue is empty")
    check(w.stop() == 0, "the daemon ends as it should")
    check(w.store.read(f"{ROOT}/daemon/pid") is None, "and says so")
    check(w.said(f"told to end by process {os.getpid()}"), "and by whom it was told")


def malformed(w):
    """malformed values of every kind are refused by name, and change nothing"""
    g = w.guest(3, "web01")
    w.start()
    bad = {
        "no-domain": [{"domain": v} for v in ("web02", "4711", "00000000-0000-0000-0000-000000000001",
                                             "../../etc", "web01\n", " web01", "%s%s%n")],
        "domain0": [{"domain": "0"}],
        "bad-value": [
            {"domain": ""}, {"domain": "w" * 300}, {"domain": b"web01\0"}, {"domain": b"\0"},
            {"domain": "web01", "format": "pdf"}, {"domain": "web01", "format": ""},
            {"domain": "web01", "strategy": "fast"},
            {"domain": "web01", "format": "elf", "compress": "zstd"},
            {"domain": "web01", "format": "kdump", "compress": "zlib:77"},
            {"domain": "web01", "dump-level": "32"}, {"domain": "web01", "dump-level": "-1"},
            {"domain": "web01", "dump-level": "99999999999999999999"},
            {"domain": "web01", "max-pause": "nan"}, {"domain": "web01", "max-pause": "-5ms"},
            {"domain": "web01", "on-overrun": "panic"}, {"domain": "web01", "trigger": "crash"},
            {"domain": "web01", "file": "/etc/passwd"}, {"domain": "web01", "\x1b[2J": "x"},
            {"domain": "web01", "format": b"\xff\xfe"}, {"domain": "web01", "format/deeper": "elf"},
            {"domain": "web01", **{f"n{i}": "" for i in range(40)}},
        ],
    }
    n = 0
    for reason, requests in bad.items():
        for nodes in requests:
            n += 1
            name = f"bad{n}"
            w.store.write({f"{ROOT}/request/{name}/{k}": v for k, v in nodes.items()})
            check(w.end_of(name) == "refused", f"{nodes} is refused")
            check(w.node(name, "reason") == reason, f"{nodes}: {w.node(name, 'reason')}, not {reason}")
            text = w.node(name, "error")
            check(text and all(" " <= c <= "~" for c in text), f"{nodes}: says why in words: {text}")
    for name in ("..", ".hidden", "-rf", "a" * 49, "x y", "x\x1b"):
        w.store.write({f"{ROOT}/request/{name}/domain": "web01"})
    w.request("good", domain="web01")
    check(w.end_of("good") == "done", "it serves as before")
    check(len(w.dumps()) == 1 and g.unpauses == 1, "and nothing else was dumped")
    for name in (".hidden", "-rf", "a" * 49, "x y"):
        check(w.node(name, "state") is None, f"a request called {name} is not one")


def not_ours(w):
    """a request that a guest wrote, or may write to, is not served, and not answered"""
    w.guest(3, "web01")
    w.start()
    before = w.store.names(f"{ROOT}/request")
    for n, perms in enumerate((["n3"], ["b3"], ["w0"], ["b0"], ["n0", "w3"], ["n0", "r5", "b3"])):
        w.store.write({f"{ROOT}/request/theirs{n}": "", f"{ROOT}/request/theirs{n}/domain": "web01"},
                      perms)
    # The folder is domain 0's, one node in it is not.
    w.store.write({f"{ROOT}/request/mixed": ""}, ["n0"])
    w.store.write({f"{ROOT}/request/mixed/format": "elf"}, ["n3"])
    w.store.write({f"{ROOT}/request/mixed/domain": "web01"}, ["n0"])
    w.store.write({f"{ROOT}/request/read": "", f"{ROOT}/request/read/domain": "web01"}, ["n0", "r3"])
    check(w.end_of("read") == "done", "who may only read is no harm")
    check(len(w.dumps()) == 1, "nothing else is dumped")
    for name in w.store.names(f"{ROOT}/request"):
        if name not in before and name != "read":
            check(w.node(name, "state") is None, f"{name} is not answered")
            check(w.said(f"request {name} is refused"), f"{name} is in the log")


def cancel(w):
    """cancelled while it waits, while it runs, and after its end"""
    slow, other = w.guest(3, "slow"), w.guest(4, "other")
    w.configure("workers = 1")
    slow.delay_us = 20000000
    w.start()
    w.request("one", domain="slow")
    until(lambda: w.node("one", "state") == "running", "one runs")
    w.request("two", domain="other")
    until(lambda: w.node("two", "state") == "queued", "two waits")
    w.request("two", cancel="1")
    check(w.end_of("two") == "cancelled", "two is cancelled")
    until(lambda: slow.steps > 10, "the dump of one is under way")
    slow.delay_us = 100000
    w.request("one", cancel="")
    check(w.end_of("one") == "cancelled", "one is cancelled")
    check(slow.left_alone() and other.unpauses == 0, "the guests run")
    until(lambda: w.queued() == [], "nothing is left in the queue")
    check(w.dumps() == [], "nor in the spool")
    slow.delay_us = 0
    w.request("three", domain="slow")
    check(w.end_of("three") == "done", "three is done")
    w.request("three", cancel="1")
    w.request("four", domain="other")
    w.end_of("four")
    check(w.node("three", "state") == "done", "and stays so")


def duplicate(w):
    """one dump for each domain: a second request is refused while the first waits or runs"""
    g = w.guest(3, "web01")
    g.delay_us = 300000
    w.start()
    w.request("first", domain="web01")
    until(lambda: w.node("first", "state") == "running", "the first runs")
    w.request("second", domain=g.uuid)
    check(w.end_of("second") == "refused" and w.node("second", "reason") == "duplicate", "refused")
    g.delay_us = 0
    check(w.end_of("first") == "done", "the first is done")
    w.request("third", domain="3")
    check(w.end_of("third") == "done", "then it can be dumped again")
    check(len(w.dumps()) == 2, "into another file")


def requests_at_once(w):
    """more requests than may wait: the rest stays in xenstore until there is room"""
    guests = [w.guest(n) for n in range(1, 13)]
    w.configure("workers = 1", "max_waiting = 3")
    for g in guests:
        g.delay_us = 5000
    w.start()
    for n in range(1, 13):
        w.request(f"r{n}", domain=f"guest{n}")
    most = 0
    while any(w.node(f"r{n}", "state") not in ("done", "failed", "refused") for n in range(1, 13)):
        most = max(most, len(w.queued()))
    check([w.node(f"r{n}", "state") for n in range(1, 13)] == ["done"] * 12, "all are done")
    check(most <= 4, f"no more than three wait and one runs: {most}")


def kill_worker(w):
    """kill -9 of a worker at random moments: the guest runs, no half file, done or failed at the end"""
    g = w.guest(3, "web01")
    g.delay_us = 30000
    w.start()
    for n in range(8):
        name = f"k{n}"
        w.request(name, domain="web01")
        until(lambda n=name: w.node(n, "state") is not None, "it is taken")
        for _ in range(random.randrange(1, 3)):
            before = g.steps
            want = before + random.randrange(12)
            until(lambda n=name, t=want: g.steps > t or w.node(n, "state") in FINAL, "it is under way")
            w.kill_worker()
        # It is tried once more after five seconds.
        state = w.end_of(name)
        check(state in ("done", "failed"), f"{name} has an end: {state}")
        if state == "done":
            w.good(name)
        else:
            check(w.node(name, "reason") == "died", f"{name}: {w.node(name, 'reason')}")
        check(g.left_alone(), f"after {name} the guest runs")
    done = [n for n in range(8) if w.node(f"k{n}", "state") == "done"]
    check(len(w.dumps()) == len(done), "no other file")
    check(w.said("killed by signal 9"), "at least one was hit")


# Holds a process as a debugger does, kills it, and lets go of it later.
DEBUGGER = """
import ctypes, os, signal, sys, time
PTRACE_SEIZE = 0x4206
libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
pid = int(sys.argv[1])
if libc.ptrace(PTRACE_SEIZE, pid, None, None) != 0:
    sys.exit("ptrace: " + os.strerror(ctypes.get_errno()))
os.kill(pid, signal.SIGKILL)
time.sleep(1)
"""


def kill_held(w):
    """kill -9 of a worker that a debugger holds: its end is noticed when the debugger lets go"""
    if os.geteuid() != 0:
        raise Skipped("only root may trace a worker")
    g = w.guest(3, "web01")
    g.delay_us = 20000000
    w.start()
    w.request("one", domain="web01")
    until(lambda: g.steps > 0, "it is under way")
    held = subprocess.run([sys.executable, "-c", DEBUGGER, str(w.workers()[0])], capture_output=True,
                          text=True, check=False)
    if "Operation not permitted" in held.stderr:
        raise Skipped(held.stderr.strip())
    check(held.returncode == 0, held.stderr)
    g.delay_us = 0
    check(w.end_of("one") == "done", "it is tried again")
    w.good("one")


def kill_daemon(w):
    """kill -9 of the daemon at random moments: the queue resumes, each job is done or failed at the end"""
    guests = [w.guest(n) for n in range(1, 4)]
    for g in guests:
        g.delay_us = 3000
    for n in range(8):
        w.start()
        for g in guests:
            w.request(f"d{n}-{g.domid}", domain=g.name)
        before = sum(g.steps for g in guests)
        want = before + random.randrange(120)
        until(lambda t=want, n=n: sum(g.steps for g in guests) > t or
              all(w.node(f"d{n}-{g.domid}", "state") in FINAL for g in guests), "some work")
        w.stop(signal.SIGKILL)
    w.start()
    for n in range(8):
        for g in guests:
            name = f"d{n}-{g.domid}"
            state = w.end_of(name)
            check(state == "done" or w.node(name, "reason") in ("died", "duplicate"),
                  f"{name} is {state}: {w.node(name, 'error')}")
            if state == "done":
                w.good(name)
    check(all(g.left_alone() for g in guests), "the guests run")
    until(lambda: w.queued() == [], "the queue is empty")
    results = {w.node(f"d{n}-{g.domid}", "result") for n in range(8) for g in guests} - {None}
    check({os.path.basename(r) for r in results} == set(w.dumps()), "no other file")


def restart(w):
    """a restart during a dump: it is stopped cleanly, and done by the next daemon"""
    g = w.guest(3, "web01")
    g.delay_us = 300000
    w.start()
    w.request("one", domain="web01")
    until(lambda: g.steps > 5, "it is under way")
    check(w.stop() == 0, "the daemon ends as it should")
    check(g.left_alone() and w.dumps() == [], "and leaves nothing behind")
    check(w.node("one", "state") == "queued" and len(w.queued()) == 1, "but the job")
    g.delay_us = 0
    w.start()
    check(w.end_of("one") == "done", "which is done now")
    w.good("one")


def leftovers(w):
    """a queue with files that are no jobs, of another boot, or of a guest that is gone"""
    gone, old = w.guest(3, "gone"), w.guest(4, "old")
    for g in (gone, old):
        g.delay_us = 10000000
    w.configure("workers = 1")
    w.start()
    w.request("a", domain="gone")
    until(lambda: w.node("a", "state") == "running", "one runs")
    w.request("b", domain="old")
    until(lambda: w.node("b", "state") == "queued", "one waits")
    w.stop(signal.SIGKILL)
    queue = f"{w.dir}/state/queue"
    with open(f"{queue}/b.job", encoding="utf-8") as f:
        job = json.load(f)
    for name, content in (("x", "not JSON"), ("y", "{}"), ("z", json.dumps(job)), ("big", "[" * 100000),
                          ("nul", "\0\0\0"), ("deep", "[" * 500 + "]" * 500)):
        with open(f"{queue}/{name}.job", "w", encoding="utf-8") as f:
            f.write(content)
    with open(f"{queue}/b.job", "w", encoding="utf-8") as f:
        json.dump({**job, "boot": "00000000-0000-0000-0000-000000000000"}, f)
    gone.vanish()
    g = w.guest(3, "another")
    w.start()
    check(w.end_of("a") == "failed" and w.node("a", "reason") == "no-domain", "the number is another's")
    check(w.end_of("b") == "failed" and w.node("b", "reason") == "host-restarted",
          f"of another boot: {w.node('b', 'error')}")
    check(len([n for n in os.listdir(queue) if n.endswith(".job.bad")]) == 6, "six are set aside")
    check(w.dumps() == [] and g.pauses == 0, "nothing is dumped in their place")


def gone_meanwhile(w):
    """the domain is destroyed during its dump, and its number is used again"""
    g = w.guest(3, "web01")
    g.delay_us = 2000000
    w.start()
    w.request("one", domain="web01")
    until(lambda: g.steps > 3, "it is under way")
    g.vanish()
    other = w.guest(3, "web02")
    check(w.end_of("one") == "failed", "it fails")
    check(w.dumps() == [], "nothing is published")
    until(lambda: other.left_alone(), "and the other one is left alone")


def slow_xenstored(w):
    """xenstored that is slow, answers errors, and goes away"""
    g = w.guest(3, "web01", on_crash="destroy")
    w.start()
    w.store.delay = 0.05
    w.request("slow", domain="web01")
    check(w.end_of("slow") == "done", "slow")
    w.store.delay = 0
    w.store.fail(11, "ENOSPC", 3, b"/progress")
    w.store.fail(6, "ENOSPC", 1)
    w.request("one", domain="web01")
    check(w.end_of("one") == "done", "with errors")
    w.store.fail(11, "EIO", 1000, b"crash-")
    g.go_down()
    w.store.fire("@releaseDomain")
    until(lambda: w.said("is queued (crash)"), "a crash needs no xenstored")
    until(lambda: len([n for n in w.dumps() if n.endswith(".elf")]) >= 2 and w.queued() == [], "a dump")
    w.store.close()
    check(w.daemon.wait(PATIENCE) == 4, "without it the daemon ends, for systemd to start it again")
    w.daemon = None


def reload(w):
    """SIGHUP: a good configuration is taken, a bad one is not"""
    w.guest(3, "web01")
    w.start()
    w.configure('format = "kdump"', 'domains = [ [ "other*", "format=elf" ], ]')
    w.daemon.send_signal(signal.SIGHUP)
    until(lambda: w.said("again"), "it is read")
    w.request("one", domain="web01")
    check(w.end_of("one") == "done" and w.node("one", "result").endswith(".kdump"), "kdump")
    w.configure('format = "pdf"')
    w.daemon.send_signal(signal.SIGHUP)
    until(lambda: w.said("xldumpd.conf:3: format must be elf, xencore, xencore-raw or kdump, not `pdf'"), "line and reason")
    w.request("two", domain="web01")
    check(w.end_of("two") == "done" and w.node("two", "result").endswith(".kdump"), "as it was")


def limits(w):
    """no room, too soon after the last, too slow, and dumps that are not wanted"""
    g = w.guest(3, "web01", on_crash="preserve")
    w.configure("keep_free_mib = 1000000000", "timeout = 1",
                'domains = [ [ "secret*", "crash=0" ], [ "web*", "min_interval=1000" ] ]')
    w.start()
    w.request("one", domain="web01")
    until(lambda: w.node("one", "state") == "queued", "it waits for room")
    w.configure("timeout = 1", 'domains = [ [ "secret*", "crash=0" ], [ "web*", "min_interval=1000" ] ]')
    w.daemon.send_signal(signal.SIGHUP)
    until(lambda: w.said("again"), "it is read")
    check(w.end_of("one") == "done", "and gets it")
    g.go_down()
    secret = w.guest(4, "secret1", on_crash="destroy")
    secret.go_down()
    w.store.fire("@releaseDomain")
    check(w.end_of(w.crash_of(3)) == "done", "its first crash is dumped")
    until(lambda: w.said("secret1 (domain 4) is not dumped (disabled)"), "another is not wanted")
    again = w.guest(5, "web01", uuid=g.uuid, on_crash="destroy")
    again.go_down()
    w.store.fire("@releaseDomain")
    until(lambda: w.said("web01 (domain 5) is not dumped (too-soon)"), "the second is too soon")
    check(not os.path.exists(again.userdata("l", "domain-userdata-lock")), "and holds up nobody")
    slow = w.guest(6, "slow")
    slow.delay_us = 30000000
    w.request("slow", domain="slow")
    check(w.end_of("slow") == "failed" and w.node("slow", "reason") == "timeout", "too slow")
    check(slow.left_alone(), "the guest runs")


def list_by_time(w, spool):
    """xldumpctl list --since, --until, -n and -1"""
    def listed(*args):
        return [d["file"] for d in json.loads(tool(w, "list", spool, "--json", *args))]

    names = listed()
    check(len(names) == 4 and listed("--since=-1d") == names and listed("-S", "yesterday", "-U", "now") == names,
          "all are of today")
    check(listed("--until=-1d") == [] and listed("--since=@99999999999") == [], "none is older, or younger")
    # An hour lies between two of them.
    for n, name in enumerate(names):
        with open(f"{w.spool}/{name}.json", "r+", encoding="utf-8") as f:
            about = json.load(f)
            about["time"] = 1795278300 + 3600 * n
            f.seek(0)
            json.dump(about, f)
            f.truncate()
    check(listed("--since=@1795281900") == names[1:], "--since has the second itself")
    check(listed("--since=@1795281901") == names[2:], "and not the one before")
    check(listed("--until=@1795281900") == names[:2], "so has --until")
    check(listed("--until=@1795281899") == names[:1], "and not the one after")
    check(listed("-S", "@1795281900", "-U", "@1795285500") == names[1:3], "both")
    check(listed("-n", "2") == names[2:], "the newest two, in the usual order")
    check(listed("-rn2") == names[:1:-1], "or the other way round")
    check(listed("-n9") == names and listed("-1") == names[3:], "as many as there are, and one")
    check(listed("-1", "-U", "@1795285500") == names[2:3], "the newest of those that were asked for")
    check(listed("-1", "timer") == listed("timer") and listed("timer") != names[3:], "by trigger, too")
    check("invalid time `tomorrow': YYYY-MM-DD" in tool(w, "list", spool, "-S", "tomorrow", status=2), "says what is")
    tool(w, "list", spool, "-n", "0", status=2)


def dumps_by_match(w, spool):
    """xldumpctl info and verify of what is no file"""
    def taken(*args, status=0):
        r = subprocess.run([CTL, *args], env=w.env, cwd=w.dir, capture_output=True, text=True, check=False)
        check(r.returncode == status, f"{args}: {r.returncode}, not {status}: {r.stdout}{r.stderr}")
        return r.stdout, r.stderr

    names = tool(w, "list", spool, "--no-legend").split("\n")[:-1]
    names = [line.split()[-1] for line in names]
    newest, about = names[-1], tool(w, "list", spool, "--json", names[-1])
    uuid = json.loads(about)[0]["about"]["domain"]["uuid"]
    for match in ("web01", "w*1", uuid, newest):
        out, err = taken("info", "--json", spool, match)
        check(json.loads(out)["file"] == f"{w.spool}/{newest}", f"{match} is the newest: {out}")
        check(err == f"xldumpctl info: {newest}\n", f"and that is said: {err}")
    timer = tool(w, "list", spool, "--no-legend", "timer").split()[-1]
    check(timer != newest and taken("info", spool, "timer")[1] == f"xldumpctl info: {timer}\n", "a trigger")
    check("nothing is broken" in taken("verify", spool, "web01")[0], "it is whole")
    check("no dump in" in taken("info", spool, "nobody", status=1)[1], "nothing matches")
    check("cannot open" in taken("info", spool, "./web01", status=1)[1], "what has a folder is a file")
    shutil.copyfile(f"{w.spool}/{timer}", f"{w.dir}/web01")
    out, err = taken("info", "--json", spool, "web01")
    check(json.loads(out)["file"] == "web01" and err == "", f"a file goes before a match: {out}{err}")
    os.unlink(f"{w.dir}/web01")


def tools(w):
    """xldumpctl request, status, watch, cancel, list and rm, and xl livedump --daemon"""
    g = w.guest(3, "web01")
    slow = w.guest(4, "slow")
    check("does not run" in tool(w, "status", status=4), "without a daemon: says so")
    check("does not run" in tool(w, "request", "web01", status=4), "the same for a request")
    w.start()
    check(tool(w, "status") == "no requests\n", "nothing yet")
    path = tool(w, "request", "-f", "kdump", "--compress=zstd:3", "-d", "1", "web01").strip()
    check(path.startswith(w.spool) and os.path.exists(path), f"the file: {path}")
    check(w.store.names(f"{ROOT}/request") == [], "the request is removed by who made it")
    about = json.loads(tool(w, "request", "--json", "--timer", g.uuid))
    check(about["state"] == "done" and about["uuid"] == g.uuid, "as JSON")
    check("no domain" in tool(w, "request", "nobody", status=3), "its exit status is the cause")
    check("format must be" in tool(w, "request", "-f", "pdf", "web01", status=2), "the daemon judges")
    check("invalid request name" in tool(w, "request", "--name=../x", "web01", status=2), "a bad name")
    path2 = tool(w, "--daemon", "-q", "web01", program=LIVEDUMP)
    check(path2 == "", "quiet")
    path2 = tool(w, "--daemon", "--format=xencore", "web01", program=LIVEDUMP).strip()
    check(path2.endswith(".xencore") and os.path.exists(path2), "xl livedump --daemon")
    check("no domain" in tool(w, "--daemon", "--json", "nobody", status=3, program=LIVEDUMP), "its status")
    tool(w, "--daemon", "web01", "file", status=2, program=LIVEDUMP)
    tool(w, "--daemon", "--force", "web01", status=2, program=LIVEDUMP)

    with started(w, CTL, "watch", stdout=subprocess.PIPE, text=True) as watch:
        slow.delay_us = 20000000
        check(tool(w, "request", "--no-wait", "--name=mine", "slow") == "mine\n", "its name")
        until(lambda: w.node("mine", "state") == "running", "it runs")
        lines = tool(w, "status").splitlines()
        check(lines[0].split()[:2] == ["SINCE", "STATE"] and "running" in lines[1] and "mine" in lines[1],
              f"status: {lines}")
        jobs = json.loads(tool(w, "status", "--json"))
        check([j["id"] for j in jobs] == ["mine"] and jobs[0]["state"] == "running", "as JSON")
        tool(w, "cancel", "mine")
        check(w.end_of("mine") == "cancelled", "cancelled")
        check("already ended" in tool(w, "cancel", "mine", status=2), "not twice")
        check("no request" in tool(w, "cancel", "nobody", status=2), "nobody's")
        for line in watch.stdout:
            if "cancelled" in line:
                break
        watch.send_signal(signal.SIGINT)
        check(watch.wait(PATIENCE) == 0, "watch ends when it is told to")

    with started(w, CTL, "request", "slow", stderr=subprocess.PIPE) as waiting:
        until(lambda: any(w.node(n, "state") == "running" for n in w.store.names(f"{ROOT}/request")),
              "another request runs")
        waiting.send_signal(signal.SIGTERM)
        check(waiting.wait(PATIENCE) == 13, "a signal cancels")
    check(slow.left_alone(), "the guest runs")

    spool = f"--spool={w.spool}"
    lines = tool(w, "list", spool).splitlines()
    check(len(lines) == 5 and lines[0].split()[0] == "TIME", f"list: {lines}")
    check(len(tool(w, "list", spool, "--no-legend", "timer").splitlines()) == 1, "by trigger")
    check(tool(w, "list", spool, "nobody*") == "", "by name")
    newest = json.loads(tool(w, "list", spool, "--json", "-r", "web0?"))[0]
    check(newest["file"] == os.path.basename(path2) and newest["about"]["domain"]["uuid"] == g.uuid, "JSON")
    list_by_time(w, spool)
    dumps_by_match(w, spool)
    check("no dump" in tool(w, "rm", spool, "../xenstored", status=2), "nothing else can be removed")
    check("no dump" in tool(w, "rm", spool, path, status=2), "by its name in the list alone")
    tool(w, "rm", spool, os.path.basename(path))
    check(not os.path.exists(path) and not os.path.exists(path + ".json"), "removed")
    check(len(w.dumps()) == 3, "nothing else")


def repeated(w):
    """an option that is given again and again: the last one counts, in both commands"""
    w.guest(3, "web01")
    w.start()
    many = ["--format=elf"] * 17
    path = tool(w, "request", *many, "--max-pause=1s", "-f", "kdump", "--timer", "--timer", "web01").strip()
    check(path.endswith(".kdump"), f"request: {path}")
    with open(path + ".json", encoding="utf-8") as f:
        check(json.load(f)["trigger"] == "timer", "asked for by a timer")
    path = tool(w, "--daemon", *many, "-f", "kdump", "web01", program=LIVEDUMP).strip()
    check(path.endswith(".kdump"), f"xl livedump --daemon: {path}")
    tool(w, "request", *["-p1s"] * 15, "--timer", *["--timer"] * 15, "web01")


def names(w):
    """a guest whose name is not ASCII: told from another, and found, by its name"""
    guests = {n: w.guest(3 + i, n, on_crash="preserve") for i, n in enumerate(("b\u00fccher", "b\u00f6cher"))}
    latin = w.guest(9, "x")
    w.host[latin.at + NAME_AT:latin.at + NAME_AT + 5] = b"caf\xe9\0"
    w.start()
    files = {n: tool(w, "request", n).strip() for n in guests}
    guests["b\u00fccher"].go_down()
    w.store.fire("@releaseDomain")
    crash = w.crash_of(3)
    check(w.end_of(crash) == "done" and w.node(crash, "name") == r"b\xc3\xbccher", w.node(crash, "name"))
    files["caf"] = tool(w, "request", "9").strip()
    spool = f"--spool={w.spool}"
    about = {d["file"]: d["about"] for d in json.loads(tool(w, "list", spool, "--json"))}
    names_of = {n: about[os.path.basename(f)] for n, f in files.items()}
    check(names_of["b\u00fccher"]["domain"]["name"] == r"b\xc3\xbccher", "each byte, one to one")
    check(names_of["caf"]["domain"]["name"] == r"caf\xe9", "whatever it is")
    for a in names_of.values():
        check(a["result"]["domain"] == a["domain"], f"the same twice, vCPUs too: {a}")
        check(a["domain"]["vcpus"] == 1, "it has a vCPU")
    for n in guests:
        shown = json.loads(tool(w, "list", spool, "--json", n))
        check({d["about"]["domain"]["name"] for d in shown} == {names_of[n]["domain"]["name"]}, f"{n} finds its own")
        check(len(shown) == (2 if n == "b\u00fccher" else 1), "and all of them")
        check(shown == json.loads(tool(w, "list", spool, "--json", names_of[n]["domain"]["name"])), "as shown, too")
    for locale, want in (("C.UTF-8", "b\u00fccher"), ("C", r"b\xc3\xbccher")):
        w.env["LC_ALL"] = locale
        check(want in tool(w, "list", spool), f"in {locale}: {tool(w, 'list', spool)}")
        check(want in tool(w, "status"), "status, the same")


def backend(w):
    """libraries of Xen that are not there: the daemon waits for them, says so, and does not end"""
    w.with_manager()
    module = w.env["XLDUMP_TEST_HV"]
    w.env["XLDUMP_TEST_HV"] = f"{w.dir}/hv.so"
    w.guest(3, "web01")
    w.begin()
    until(lambda: w.said("waiting, nothing is dumped: "), "it waits")
    until(lambda: w.manager.said.get("READY") == "1" and
          w.manager.said.get("STATUS", "").startswith("Waiting, nothing is dumped"), "the service manager knows")
    check(w.stop() == 0, "it ends when it is told to")
    w.begin()
    os.symlink(module, f"{w.dir}/hv.so")
    until(lambda: w.said(": ready"), "it goes on when they are there")
    w.request("one", domain="web01")
    check(w.end_of("one") == "done", "and dumps")


def config(w):
    """a configuration that was named must be there"""
    def checked(path, status):
        r = subprocess.run([DAEMON, "-t", "-c", path], env=w.env, capture_output=True, text=True, check=False)
        check(r.returncode == status, f"{path}: {r.returncode}, not {status}: {r.stdout}{r.stderr}")
        return r.stdout + r.stderr

    check(": OK" in checked(w.config, 0), "fine")
    check("nowhere" in checked(f"{w.dir}/nowhere", 2), "named, and not there")
    w.configure("workrs = 3")
    check("workrs" in checked(w.config, 2), "wrong")


def streams(w):
    """signals and streams: Ctrl-C ends a loop, and a result that cannot be printed is told"""
    slow = w.guest(4, "web 01")
    w.start()
    slow.delay_us = 300000
    for program, argv in ((CTL, ["request"]), (LIVEDUMP, ["--daemon"])):
        for sig, want in ((signal.SIGINT, -signal.SIGINT), (signal.SIGTERM, 13)):
            with started(w, program, *argv, r"web\x2001", stderr=subprocess.PIPE) as waiting:
                until(lambda: any(w.node(n, "state") == "running" for n in w.store.names(f"{ROOT}/request")),
                      "a request runs, by the name that systemd-escape(1) makes")
                waiting.send_signal(sig)
                check(waiting.wait(PATIENCE) == want, f"{program}: {sig} gives {waiting.returncode}")
            until(lambda: not w.queued(), "it is cancelled")
    slow.delay_us = 0
    with open("/dev/full", "wb") as full:
        r = subprocess.run([LIVEDUMP, "--daemon", "web 01"], env=w.env, stdout=full, stderr=subprocess.PIPE,
                           text=True, check=False)
    check(r.returncode == 1 and "cannot be written to standard output" in r.stderr, f"a full disk: {r}")
    r = subprocess.run(["sh", "-c", 'exec "$@" >&-', "-", LIVEDUMP, "web 01", f"{w.dir}/x"], env=w.env,
                       stderr=subprocess.PIPE, text=True, check=False)
    check(r.returncode == 1 and "standard output is closed" in r.stderr, f"none: {r}")


TESTS = [request, tools, repeated, names, backend, config, streams, malformed, not_ours, cancel, duplicate, requests_at_once, kill_worker, kill_held,
         kill_daemon, restart, leftovers, gone_meanwhile, slow_xenstored, reload, limits]

if __name__ == "__main__":
    run(TESTS)
