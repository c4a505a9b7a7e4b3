#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# sd-event never tells of a child that dies while a debugger, or LeakSanitizer, is attached to it.
#
# Guessed: sd_event_add_child() with WEXITED, as its manual page says, is called when the child has ended, at the
# latest when waitid() would return it.
# In fact: for WEXITED alone sd-event waits on a pidfd, once (EPOLLONESHOT).  The pidfd is readable when the process
# has died, but while a tracer has not collected it, waitid() gives its parent nothing.  sd-event takes that for no
# news, and does not look again when the tracer lets go.  With WSTOPPED beside WEXITED it goes by SIGCHLD and works.
# Seen with: libsystemd 252.39 (Debian 12), 257.13 (13), 262.1 (sid): WEXITED: "never told, and waitid has it";
#   WEXITED|WSTOPPED: "told"
# For users of xldump: xldumpd asks for both.

. "$(dirname "$0")/lib.sh"

cat >"$work/child.py" <<'END'
import ctypes, os, signal, sys, time

sd = ctypes.CDLL("libsystemd.so.0", use_errno=True)
libc = ctypes.CDLL("libc.so.6", use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
PTRACE_SEIZE = 0x4206

options = {"exited": os.WEXITED, "both": os.WEXITED | os.WSTOPPED}[sys.argv[1]]
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
event = ctypes.c_void_p()
sd.sd_event_default(ctypes.byref(event))
child = os.fork()
if child == 0:
    time.sleep(1)
    os._exit(0)
seized, go = os.pipe()
tracer = os.fork()
if tracer == 0:
    if libc.ptrace(PTRACE_SEIZE, child, None, None) != 0:
        os._exit(2)
    os.write(go, b"x")
    time.sleep(3)        # the child is dead by now
    os.waitpid(child, 0x40000000)  # __WALL: collect it; now it is its parent's
    os._exit(0)
os.close(go)
if os.read(seized, 1) != b"x":
    sys.exit("ptrace is not allowed here")

told = []
handler = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)
call = handler(lambda source, info, data: told.append(1) or 0)
r = sd.sd_event_add_child(event, None, child, options, call, None)
if r < 0:
    sys.exit(f"sd_event_add_child: {r}")
end = time.monotonic() + 7
while not told and time.monotonic() < end:
    sd.sd_event_run(event, ctypes.c_uint64(500000))
if told:
    print("told")
elif os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT):
    print("never told, and waitid has it")
else:
    print("never told, and waitid does not have it")
END

for v in bookworm=252.39-1~deb12u2 trixie=257.13-1~deb13u1 sid=262.1-1; do
	root_of "${v%%=*}" "libsystemd0=${v#*=}" python3
	expect "${v#*=}, WEXITED" '^never told, and waitid has it$' "$(inside "$root" python3 child.py exited 2>&1)"
	expect "${v#*=}, WEXITED|WSTOPPED" '^told$' "$(inside "$root" python3 child.py both 2>&1)"
done
finish
