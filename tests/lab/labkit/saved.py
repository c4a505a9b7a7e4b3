# SPDX-License-Identifier: GPL-2.0-or-later
"""Machines that were saved when dom0 and the guests were up: what one is, and whether it is whole.

A saved machine is an entry of the cache with QEMU's state, dom0's disk and the scratch disk as they were
then.  Its key is of all that is in it, so it never has anything old; this project is not in it."""

import hashlib
import os

from labkit import cache
from labkit.common import LAB_DIR, LabError, output_of

RECIPE = 1

# Files of an entry, and what decides how a machine is made that is saved.
STATE, ROOT, SCRATCH = "state", "root.qcow2", "scratch.img"
CODE = ("guests", "images", "machine", "saved", "session")


def recipe(options, parts, guests, memory_mib):
    """All that is in it."""
    code = [f"{LAB_DIR}/labkit/{name}.py" for name in CODE]
    code += [os.path.join(LAB_DIR, "dom0", name) for name in sorted(os.listdir(f"{LAB_DIR}/dom0"))]
    return {
        "recipe": RECIPE, "suite": options.suite, "hypervisor": options.hypervisor,
        "dom0": options.dom0, "scratch": options.scratch, "memory": memory_mib,
        "qemu": output_of(["qemu-system-x86_64", "--version"], "QEMU").splitlines()[0],
        "parts": [cache.identity(os.path.dirname(p)) for p in
                  (parts["xen"], parts["initrd"], parts["disk"])] +
                 [cache.identity(parts[p]) for p in ("kernels", "programs")],
        "guests": [[g.config(), cache.identity(parts["guest_kernels"][g.kernel]),
                    cache.digest_of_files([g.program] if g.program else [])] for g in guests],
        "code": cache.digest_of_files(code),
    }


def kind(options):
    """One for each command line, so that what a newer one replaces can be told."""
    text = cache.digest_of_text(options.suite, options.hypervisor, options.dom0, options.guest)
    return f"saved-{text[:8]}"


def digest(folder):
    """Of the contents of the files, which are large and written by QEMU."""
    h = hashlib.blake2b()
    for name in (STATE, ROOT):
        with open(os.path.join(folder, name), "rb") as f:
            while data := f.read(1 << 22):
                h.update(data)
    return h.hexdigest()


def check(folder):
    """LabError unless the contents are as they were written."""
    try:
        same = digest(folder) == cache.info(folder)["digest"]
    except OSError as e:
        raise LabError(str(e)) from None
    if not same:
        raise LabError(f"{folder} is damaged")


def write_disk(folder, disk):
    """dom0's disk, which keeps what is written to it."""
    output_of(["qemu-img", "create", "-q", "-f", "qcow2", "-b", disk, "-F", "raw",
               os.path.join(folder, ROOT)], "qemu-img")
