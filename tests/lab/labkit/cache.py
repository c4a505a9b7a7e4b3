# SPDX-License-Identifier: GPL-2.0-or-later
"""The cache: everything downloaded or built, kept outside the checkout.

An entry is a folder `entries/KIND.HASH` (no @: crash takes one in a path for an address), where
HASH is of the recipe, which is whatever decides its contents.  It is made under `tmp/` and renamed
when complete.  `KIND.HASH.json` beside it holds a digest of the path, size and mtime of every file,
so that an entry that was damaged or half deleted is noticed on use and made again.  One lock per
kind lets two labs build different things at once and the same thing only once."""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import stat
import time

from labkit.common import LabError, say

# After this many days the lab reminds that an entry made from the mirror is old.
OLD_DAYS = 30

# Entries of one kind that are kept.
KEEP = 2
# And of a family of kinds.
KEEP_FAMILY = {"saved": 8}


def root():
    """The cache folder, made if missing."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    path = os.path.join(os.path.abspath(base), "xldump-lab")
    os.makedirs(path, exist_ok=True)
    return path


def subdir(name):
    """A folder of the cache, made if missing."""
    path = os.path.join(root(), name)
    os.makedirs(path, exist_ok=True)
    return path


@contextlib.contextmanager
def lock(name):
    """Hold the lock of that name; says so when it has to wait for another lab."""
    path = os.path.join(subdir("locks"), name)
    with open(path, "w", encoding="ascii") as f:
        try:
            fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another lab that works on {name}")
            fcntl.flock(f, fcntl.LOCK_EX)
        yield


def need_space(path, mib, what):
    """LabError unless the filesystem of `path` has that much room."""
    s = os.statvfs(path)
    free = s.f_bavail * s.f_frsize >> 20
    if free < mib:
        raise LabError(f"{what} needs {mib} MiB of disk space, {path} has {free} MiB free: make "
                       "room, or point XDG_CACHE_HOME to another disk")


def digest_of_text(*parts):
    """A hash of any JSON-like values."""
    text = json.dumps(parts, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def digest_of_files(paths):
    """A hash of the contents of source files, for recipes."""
    h = hashlib.sha256()
    for path in paths:
        h.update(os.path.basename(path).encode() + b"\0")
        with open(path, "rb") as f:
            h.update(hashlib.sha256(f.read()).digest())
    return h.hexdigest()


def tree_digest(path):
    """A hash of path, kind, size and mtime of all files under a folder, contents unread."""
    h = hashlib.sha256()
    todo = [path]
    while todo:
        folder = todo.pop()
        with os.scandir(folder) as it:
            items = sorted(it, key=lambda e: e.name)
        for e in items:
            s = e.stat(follow_symlinks=False)
            rel = os.path.relpath(e.path, path) if folder == path else e.path[len(path) + 1:]
            if stat.S_ISDIR(s.st_mode):
                h.update(f"d {rel}\n".encode("utf-8", "surrogateescape"))
                todo.append(e.path)
            else:
                line = f"{s.st_mode} {s.st_size} {s.st_mtime_ns} {rel}\n"
                h.update(line.encode("utf-8", "surrogateescape"))
    return h.hexdigest()


def _remove(path):
    """Delete a tree, but never through a mount that is still inside it."""
    with open("/proc/self/mounts", encoding="utf-8") as f:
        inside = [m for m in (line.split()[1] for line in f) if m.startswith(path + "/")]
    if inside:
        raise LabError(f"{inside[0]} is still mounted inside the lab's cache: unmount it first")
    if os.path.islink(path) or not os.path.isdir(path):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
    else:
        shutil.rmtree(path, ignore_errors=True)


def _manifest(path):
    return path + ".json"


def _read_manifest(path):
    try:
        with open(_manifest(path), encoding="utf-8") as f:
            return json.load(f)
    except (OSError, ValueError):
        return None


def _sound(path):
    """Whether the entry is there, complete and as it was made."""
    if not os.path.isdir(path):
        return False
    m = _read_manifest(path)
    try:
        if m and m.get("tree") == tree_digest(path):
            return True
    except OSError:
        pass
    return False


def info(path):
    """What the builder of an entry returned: facts such as versions."""
    m = _read_manifest(path)
    if m is None:
        raise LabError(f"{path} has no manifest: run `lab clean` and try again")
    return m["info"]


class Refresh:
    """Entries with this prefix of a kind are made again although they are sound."""
    kinds = ()
    done = set()


def _wants_refresh(path, kind):
    return path not in Refresh.done and any(kind.startswith(k) for k in Refresh.kinds)


def identity(path):
    """What an entry is, for the recipe of another that holds it: it may have been made again since."""
    m = _read_manifest(path)
    return [os.path.basename(path), m and m["made"], m and m["tree"]]


def discard(path):
    """Make an entry anew the next time."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(_manifest(path))


def _store(path, kind, recipe, build, need_mib, what, family):
    tmp_dir = subdir("tmp")
    for name in os.listdir(tmp_dir):
        if name.startswith(kind + "."):
            _remove(os.path.join(tmp_dir, name))
    need_space(root(), need_mib, what)
    say(f"making {what}")
    start = time.monotonic()
    tmp = os.path.join(tmp_dir, f"{kind}.{os.getpid()}")
    os.mkdir(tmp)
    try:
        facts = build(tmp) or {}
        _set_aside(path, kind)
        manifest = {"kind": kind, "recipe": recipe, "made": time.time(), "info": facts,
                    "tree": tree_digest(tmp), "family": family}
        os.rename(tmp, path)
        with open(_manifest(path) + ".new", "w", encoding="utf-8") as f:
            json.dump(manifest, f, indent=1)
        os.rename(_manifest(path) + ".new", _manifest(path))
    finally:
        if os.path.exists(tmp):
            _remove(tmp)
    Refresh.done.add(path)
    say(f"made {what} in {time.monotonic() - start:.1f} s")


def _set_aside(path, kind):
    """Make room for an entry that is made again.  It is only moved: another lab may have it open;
    the next build of the kind deletes it."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(_manifest(path))
    if os.path.exists(path):
        os.rename(path, os.path.join(subdir("tmp"), f"{kind}.old-{time.time_ns()}"))


@contextlib.contextmanager
def in_use():
    """Held while entries are used.  The last one to leave deletes what newer entries replaced."""
    with open(os.path.join(subdir("locks"), "users"), "w", encoding="ascii") as f:
        fcntl.flock(f, fcntl.LOCK_SH)
        yield
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _drop_replaced()


def _drop_replaced():
    """Keep the newest few entries of each kind: two checkouts may differ in a recipe."""
    folder = subdir("entries")
    kinds = {}
    for name in os.listdir(folder):
        m = _read_manifest(os.path.join(folder, name))
        if m:
            family = m.get("family")
            kinds.setdefault(family or m["kind"], []).append((m["made"], name))
    for kind, found in kinds.items():
        for _, name in sorted(found)[:-KEEP_FAMILY.get(kind, KEEP)]:
            _remove(os.path.join(folder, name))
            _remove(os.path.join(folder, name + ".json"))


def entry(kind, recipe, build, what, need_mib=500, family=None):
    """The folder of an entry, made by `build(folder) -> facts` unless it is there and sound.

    family: of kinds that are kept as if they were one."""
    path = os.path.join(subdir("entries"), f"{kind}.{digest_of_text(recipe)[:16]}")
    if not _wants_refresh(path, kind) and os.path.isdir(path) and _read_manifest(path):
        if _sound(path):
            _remind(path, what)
            return path
    with lock(kind):
        if _wants_refresh(path, kind) or not _sound(path):
            if os.path.exists(path) and not _wants_refresh(path, kind):
                say(f"{path} is damaged or incomplete: it is made again")
            _store(path, kind, recipe, build, need_mib, what, family)
    return path


def _remind(path, what):
    age = (time.time() - _read_manifest(path)["made"]) / 86400
    if age > OLD_DAYS:
        say(f"{what} is {age:.0f} days old; `lab prepare --refresh` renews it from the mirror")


def clean():
    """Delete the whole cache but the locks; LabError while another lab uses it."""
    with open(os.path.join(subdir("locks"), "users"), "w", encoding="ascii") as f:
        try:
            fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LabError("another lab is running, it uses the cache") from None
        for name in ("entries", "tmp", "apt", "build", "logs", "runs"):
            path = os.path.join(root(), name)
            if os.path.exists(path):
                _remove(path)
