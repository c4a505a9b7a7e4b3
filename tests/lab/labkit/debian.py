# SPDX-License-Identifier: GPL-2.0-or-later
"""Packages of any Debian suite, from the mirror that this machine's apt is configured for.

Each suite gets a private apt configuration in the cache; the machine's own stays as it is."""

import os
import re
import subprocess
import time

from labkit import cache
from labkit.common import LabError, output_of, run_logged

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
APT_HELPER = "/usr/lib/apt/apt-helper"

# An index older than this is fetched again before something is downloaded with it.
INDEX_SECONDS = 6 * 3600

# Of their last security updates mirrors have the index, but not all files.
ARCHIVED = ("bullseye",)

# Suites without the -updates and -security companions.
ROLLING = ("sid", "unstable")

APT_OPTIONS = {
    "Acquire::Languages": "none",
    "Acquire::Retries": "3",
    # A mirror that lags or was frozen at a date serves the lab as well; the signature is checked.
    "Acquire::Check-Valid-Until": "false",
}


def mirrors():
    """(archive URL, security archive URL or None) out of apt's own view of its configuration.

    apt understands both formats of its source lists; the labels come from the signed Release
    files, so that a mirror under any name is recognised."""
    found = _labelled_mirrors()
    if "Debian" not in found:
        if os.geteuid() == 0:
            subprocess.run(["apt-get", "update", "-qq"], check=False,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        found = _labelled_mirrors()
    if "Debian" not in found:
        raise LabError("this machine's apt is not configured for a Debian mirror: add one to "
                       "/etc/apt/sources.list and run 'apt-get update'")
    return found["Debian"], found.get("Debian-Security")


def _labelled_mirrors():
    text = output_of(["apt-get", "indextargets", "--format", "$(LABEL)|$(REPO_URI)",
                      "Created-By: Packages"], "apt-get indextargets")
    found = {}
    for line in text.splitlines():
        label, _, uri = line.partition("|")
        if re.match(r"[a-z+]+:", uri):
            found.setdefault(label, uri.rstrip("/"))
    return found


def source_lines(suite, kind="deb"):
    """The lines of a sources.list for a suite."""
    archive, security = mirrors()
    opts = f"[signed-by={KEYRING}]"
    lines = [f"{kind} {opts} {archive} {suite} main"]
    if suite not in ROLLING:
        lines.append(f"{kind} {opts} {archive} {suite}-updates main")
        if security and suite not in ARCHIVED:
            lines.append(f"{kind} {opts} {security} {suite}-security main")
    return lines


class Apt:
    """A private apt for one suite; kind "deb-src" for sources."""

    def __init__(self, suite, kind="deb"):
        self.suite = suite
        self.dir = cache.subdir(f"apt/{suite}-{kind}")
        self.log = os.path.join(self.dir, "log")
        for d in ("lists/partial", "archives/partial", "parts"):
            os.makedirs(os.path.join(self.dir, d), exist_ok=True)
        self.sources = os.path.join(self.dir, "sources.list")
        self.conf = os.path.join(self.dir, "apt.conf")
        self._write(self.sources, "\n".join(source_lines(suite, kind)) + "\n")
        self._write(self.conf, self._config())

    @staticmethod
    def _write(path, text):
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)

    def _config(self):
        status = os.path.join(self.dir, "status")
        self._write(status, "")
        values = {
            "Dir::Etc::sourcelist": self.sources,
            "Dir::Etc::sourceparts": os.path.join(self.dir, "parts"),
            "Dir::State::Lists": os.path.join(self.dir, "lists"),
            "Dir::State::status": status,
            "Dir::Cache": self.dir,
            "Dir::Cache::archives": os.path.join(self.dir, "archives"),
            "APT::Architecture": "amd64",
            "APT::Sandbox::User": "root",
            **APT_OPTIONS,
        }
        return "".join(f'{k} "{v}";\n' for k, v in values.items())

    def env(self):
        """The environment in which apt uses this configuration."""
        return dict(os.environ, APT_CONFIG=self.conf, LC_ALL="C.UTF-8")

    def update(self, force=False):
        """Fetch the index if it is old."""
        stamp = os.path.join(self.dir, "updated")
        want = cache.digest_of_text(source_lines(self.suite))
        with cache.lock(f"apt-{os.path.basename(self.dir)}"):
            try:
                with open(stamp, encoding="ascii") as f:
                    fresh = (f.read() == want and
                             time.time() - os.stat(stamp).st_mtime < INDEX_SECONDS)
            except OSError:
                fresh = False
            if fresh and not force:
                return
            run_logged(["apt-get", "update", "-o", "APT::Update::Error-Mode=any"], self.log,
                       f"fetching the package index of {self.suite}", env=self.env())
            self._write(stamp, want)

    def candidate(self, package):
        """The version of a package that apt would install."""
        text = output_of(["apt-cache", "policy", package], f"apt-cache policy {package}",
                         env=self.env())
        m = re.search(r"Candidate: (\S+)", text)
        if not m or m.group(1) == "(none)":
            raise LabError(f"{self.suite} has no package {package}")
        return m.group(1)

    def depends(self, package):
        """The names that a package depends on."""
        text = output_of(["apt-cache", "depends", "--important", package],
                         f"apt-cache depends {package}", env=self.env())
        return re.findall(r"Depends: (\S+)", text)

    def download(self, packages, folder):
        """Download packages ("name" or "name=version") into a folder; returns their paths."""
        argv = ["apt-get", "download", *packages]
        what = f"downloading {' '.join(packages)} of {self.suite}"
        try:
            run_logged(argv, self.log, what, env=self.env(), cwd=folder)
        except LabError:
            self.update(force=True)
            run_logged(argv, self.log, what, env=self.env(), cwd=folder)
        debs = {f.split("_")[0]: os.path.join(folder, f)
                for f in os.listdir(folder) if f.endswith(".deb")}
        return [debs[p.split("=")[0]] for p in packages]

    def fetch_file(self, uri, path, sha256):
        """Download one file of the archive and check its hash; whether that worked."""
        with open(self.log, "ab") as log:
            r = subprocess.run([APT_HELPER, "download-file", uri, path, f"SHA256:{sha256}"],
                               env=self.env(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                               check=False)
        return r.returncode == 0


def unpack_deb(deb, folder, log):
    """Unpack a package's files into a folder, running none of its scripts."""
    run_logged(["dpkg-deb", "-x", deb, folder], log, f"unpacking {os.path.basename(deb)}")
