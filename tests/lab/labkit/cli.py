# SPDX-License-Identifier: GPL-2.0-or-later
"""The command line of the lab."""

import argparse
import os
import signal
import subprocess
import sys

from labkit import build, cache, guests, host, hypervisor, images, kernels, roots
from labkit.common import EXIT_LAB, EXIT_STANDS_STILL, LabError, Quiet, StandsStill, say
from labkit.session import Session

SUITES = ("bookworm", "trixie")

DESCRIPTION = """\
A real Xen hypervisor with a Linux dom0 and guests, on any machine: emulated by QEMU, without KVM.

  lab run SCRIPT      boot, start the guests, run SCRIPT in dom0, end with its status
  lab shell           the same with a prompt in dom0 (or commands from standard input)
  lab prepare         download and build what a run needs, ahead of time
  lab build           compile this project for a suite, as a run does, and print the tar's path
  lab root SUITE -- CMD...   run a command in the root with the readers of that suite
  lab vmlinux         print the path of the debug vmlinux of the guests' kernel
  lab clean           delete the cache

`lab COMMAND --help` explains each."""

RUN_EPILOG = """\
guests:
  NAME is the domain's name.  Keys: mem=MIB (128), vcpus=N (1), workload=W (idle), program=FILE,
  kernel=bullseye|bookworm|trixie|sid (that of --suite), kaslr=on|off (PV and PVH guests have none anyway),
  devices=on|off (off): the modules xen-blkfront and xen-netfront, a disk with a file system that it reads
  and writes, a network interface, and more processes.
  workloads: idle; dirty[=RATE[:MIB]] writes random pages, RATE per second (2000, 0: no limit) of
  MIB (16); stamp[=PAGES[:RATE]] writes a counter round a ring of pages (1024, 20000 per second);
  panic[=SECONDS] crashes after that time (5).
  program=FILE: a static program of yours, run instead; it gets the workload's text as argument.
  The console is logged in dom0 in /var/log/xen/console/guest-NAME.log.  In dom0,
  `guest-say NAME crash` (or poweroff, or echo WORDS) types on a guest's console, and
  `guest-start NAME` starts a guest again from /etc/xen/NAME.cfg.

in dom0:
  /in, /out, /var/lib/xldump and /var/lib/xen/dump are on a fresh ext4 disk of --scratch GiB.  The project is
  installed in /usr, its test programs in /usr/libexec/xldump-tests.

exit status:
  the script's; 99 when the lab itself failed: then it says why, shows the ends of the consoles,
  and tells where the whole logs are; 98 when the emulated machine stands still, which it rarely does."""


def _machine_options(p):
    p.add_argument("--suite", choices=SUITES, default="bookworm",
                   help="Debian release of Xen, dom0 and the guests' kernel (bookworm)")
    p.add_argument("--hypervisor", choices=("stock", "shadow"), default="stock",
                   help="Debian's hypervisor as shipped, or rebuilt with shadow paging, which "
                        "logs dirty pages of PV guests (stock)")


def _session_options(p):
    _machine_options(p)
    p.add_argument("--dom0", choices=("small", "systemd"), default="small",
                   help="how dom0 starts: by a script of the lab, with C xenstored; or as Debian "
                        "does, by systemd and the scripts of its packages, with oxenstored, "
                        "which takes longer (small)")
    p.add_argument("--guest", action="append", default=[], metavar="NAME=pv|pvh|hvm|pv32[,KEY=VALUE]",
                   help="a guest to start, see below; may be repeated")
    p.add_argument("--in", dest="input", metavar="DIR", help="folder to copy to /in in dom0")
    p.add_argument("--out", dest="output", metavar="DIR",
                   help="folder that gets what is in /out in the end, also after a failure")
    p.add_argument("--no-install", dest="install", action="store_false",
                   help="do not compile and install this project into dom0")
    p.add_argument("--saved", action="store_true",
                   help="start from a machine with these guests that was saved when they were "
                        "ready, which is made first if there is none; they are paused")
    p.add_argument("--timeout", type=int, default=1800, metavar="S",
                   help="seconds for the whole run, preparation of the cache aside (1800)")
    p.add_argument("--scratch", type=int, default=6, metavar="GIB",
                   help="size of that disk (6)")
    p.add_argument("-q", "--quiet", action="store_true", help="no progress messages")


class Parser(argparse.ArgumentParser):
    """Wrong use is a failure of the lab, not one of the script."""

    def error(self, message):
        raise LabError(f"{message}; `{self.prog} --help` explains the command")


def _parser():
    raw = argparse.RawDescriptionHelpFormatter
    parser = Parser(prog="lab", description=DESCRIPTION, formatter_class=raw)
    sub = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    p = sub.add_parser("run", help="run a script in dom0", formatter_class=raw,
                       description="Boot, start the guests, run SCRIPT in dom0 as root.",
                       epilog=RUN_EPILOG)
    _session_options(p)
    p.add_argument("script", metavar="SCRIPT")
    p.add_argument("args", nargs=argparse.REMAINDER, metavar="ARG")
    p.set_defaults(run=cmd_run)

    p = sub.add_parser("shell", help="a prompt in dom0", formatter_class=raw,
                       description="As `lab run`, with a shell instead of a script.",
                       epilog=RUN_EPILOG)
    _session_options(p)
    p.set_defaults(run=cmd_shell)

    p = sub.add_parser("prepare", help="fill the cache",
                       description="Download and build what `lab run` with these options needs.")
    _machine_options(p)
    p.add_argument("--hvm", action="store_true", help="also dom0's disk with a device model")
    p.add_argument("--readers", action="append", default=[], choices=sorted(roots.READERS),
                   help="also the root with the readers of that suite; may be repeated")
    p.add_argument("--vmlinux", action="store_true", help="also the debug vmlinux of the guests")
    p.add_argument("--build", action="store_true", help="also compile this project")
    p.add_argument("--refresh", action="store_true",
                   help="make everything named here again, from today's packages")
    p.set_defaults(run=cmd_prepare)

    p = sub.add_parser("build", help="compile this project for a suite",
                       description="Compile this project in the build root of a suite and print "
                                   "the path of the tar that is unpacked over dom0's root.")
    p.add_argument("--suite", choices=SUITES, default="bookworm")
    p.set_defaults(run=cmd_build)

    p = sub.add_parser("root", help="run a command in a root of a suite",
                       usage="lab root [-h] SUITE [--build] [--bind PATH]... -- CMD [ARG]...",
                       description="Run a command in the root with the readers of a suite (or "
                                   "the build root, with --build).  What it writes outside of "
                                   "the bound folders is forgotten.")
    p.add_argument("suite", choices=sorted(roots.READERS))
    p.add_argument("--build", action="store_true", help="the build root instead of the readers'")
    p.add_argument("--bind", action="append", default=[], metavar="PATH",
                   help="show this file or folder at the same path inside; may be repeated")
    p.set_defaults(run=cmd_root)

    p = sub.add_parser("vmlinux", help="path of the guests' debug vmlinux",
                       description="Print the path of the vmlinux with debug symbols of exactly "
                                   "the kernel that the guests of a suite run.")
    p.add_argument("--suite", choices=guests.KERNELS, default="bookworm")
    p.set_defaults(run=cmd_vmlinux)

    p = sub.add_parser("clean", help="delete the cache", description="Delete the whole cache.")
    p.set_defaults(run=cmd_clean)
    return parser


def cmd_run(o):
    """lab run"""
    if not os.path.isfile(o.script):
        raise LabError(f"{o.script}: no such script")
    with Session(o) as s:
        status = s.run_script(o.script, o.args)
        s.copy_out()
        if status != 0:
            s.discard_saved()
            s.show_consoles(6)
            say(f"{os.path.basename(o.script)} ended with status {status}")
    return status


def cmd_shell(o):
    """lab shell"""
    with Session(o) as s:
        status = s.shell()
        s.copy_out()
    return status


def cmd_prepare(o):
    """lab prepare"""
    if o.refresh:
        cache.Refresh.kinds = [f"kernels-{o.suite}", f"xen-stock-{o.suite}", f"dom0-{o.suite}",
                               f"build-root-{o.suite}"]
        cache.Refresh.kinds += [f"dom0-hvm-{o.suite}"] if o.hvm else []
        cache.Refresh.kinds += [f"readers-{r}" for r in o.readers]
    roots.build_root(o.suite)
    hypervisor.hypervisor(o.suite, o.hypervisor)
    images.dom0_initrd(o.suite)
    images.dom0_disk(o.suite, o.hvm)
    for suite in o.readers:
        roots.reader_root(suite)
    if o.vmlinux:
        kernels.debug_vmlinux(o.suite)
    if o.build:
        build.install_tar(o.suite)
    return 0


def cmd_build(o):
    """lab build"""
    print(build.install_tar(o.suite))
    return 0


def cmd_root(o):
    """lab root"""
    if not o.argv:
        raise LabError("lab root: no command given: lab root SUITE [--bind PATH]... -- CMD...")
    root = roots.build_root(o.suite) if o.build else roots.reader_root(o.suite)
    command = roots.enter_argv(root, o.argv, o.bind)
    return subprocess.run(command, env=roots.enter_env(), check=False).returncode


def cmd_vmlinux(o):
    """lab vmlinux"""
    print(kernels.debug_vmlinux(o.suite))
    return 0


def cmd_clean(_o):
    """lab clean"""
    cache.clean()
    return 0


class Stopped(Exception):
    """A signal asked the driver to end."""


def _stop(number, _frame):
    raise Stopped(number)


def main(argv):
    """Entry; the exit status."""
    command = []
    if argv[:1] == ["root"] and "--" in argv:
        cut = argv.index("--")
        argv, command = argv[:cut], argv[cut + 1:]
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGHUP, _stop)
    signal.signal(signal.SIGINT, _stop)
    try:
        o = _parser().parse_args(argv)
        o.argv = command
        Quiet.on = getattr(o, "quiet", False)
        if o.command == "clean":
            return o.run(o)
        host.install_packages()
        with cache.in_use():
            return o.run(o)
    except LabError as e:
        print(f"lab: {e}", file=sys.stderr)
        return EXIT_STANDS_STILL if isinstance(e, StandsStill) else EXIT_LAB
    except Stopped as e:
        print(f"lab: ended by {signal.Signals(e.args[0]).name}", file=sys.stderr)
        return 128 + e.args[0]
    except BrokenPipeError:
        return 128 + signal.SIGPIPE
