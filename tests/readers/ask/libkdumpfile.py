# SPDX-License-Identifier: GPL-2.0-or-later
"""libkdumpfile by its Python binding: every page by physical address, a variable by virtual one.

Physical as the guest counts: a machine address of a raw dump is one of the host.

The binding's interface is another one from 0.5.5 on.
"""

from ask.dumpfile import PAGE, Answer

RELEASE_IN_UTSNAME = 2 * 65  # struct new_utsname: sysname, nodename, release
OLD_NAME = 4  # of uts_namespace, behind a reference count; told since Linux 5.11
KERNEL_MAP = 0xffffffff80000000  # __START_KERNEL_map


def _open(path):
    # pylint: disable=import-outside-toplevel,import-error
    import kdumpfile as k
    if hasattr(k, "Context"):
        ctx = k.Context()
        ctx.open(path)
        version = ".".join(str(k.VERSION >> shift & 255) for shift in (16, 8, 0))
        return ctx, k.KVADDR, k.KPHYSADDR, version
    ctx = k.kdumpfile(path)
    return ctx, k.KDUMP_KVADDR, k.KDUMP_KPHYSADDR, "before 0.5.5"


def ask(dump, _vmlinux, show, pages=None):
    """Returns an Answer; pages: how many the dump must have."""
    # pylint: disable=broad-exception-caught
    version = "?"
    try:
        ctx, kv, kphys, version = _open(dump.path)
        at = int(dump.info["SYMBOL(init_uts_ns)"], 16) + \
            int(dump.info.get("OFFSET(uts_namespace.name)", OLD_NAME)) + RELEASE_IN_UTSNAME
        if dump.own_info:
            ctx.attr["addrxlat.ostype"] = "linux"
            data = ctx.read(kv, at, 65)
        else:
            # Sections have no VMCOREINFO, so it does not know where the kernel is.
            data = ctx.read(kphys, at - KERNEL_MAP + dump.phys_base, 65)
        release = bytes(data).split(b"\0")[0].decode()
        show(f"release: {release}")
        count = _count(ctx, kphys) if pages is not None else None
        show(f"pages: {count}")
    except Exception as e:  # whatever it throws is its answer
        return Answer("libkdumpfile", version, "not ok",
                      f"{type(e).__name__}: {e}".split("\n", 1)[0][:120])
    wrong = []
    if release != dump.release:
        wrong.append(f"init_uts_ns.name.release is {release!r}")
    if count != pages:
        wrong.append(f"{count} pages of {pages}")
    text = "; ".join(wrong) or "init_uts_ns" + (f", {count} pages" if count else "")
    return Answer("libkdumpfile", version, "not ok" if wrong else "ok", text)


def _count(ctx, kphys):
    """Pages that can be read."""
    # pylint: disable=broad-exception-caught
    last = int(ctx.attr["max_pfn"])
    found = 0
    for pfn in range(last):
        try:
            ctx.read(kphys, pfn * PAGE, 8)
            found += 1
        except Exception:
            pass
    return found
