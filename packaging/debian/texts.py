#!/usr/bin/env python3
"""Debian's changelog from CHANGELOG.md, and the terms of all that a one-file build has linked in.

    texts.py SOURCE FOLDER VERSION ONE_FILE(0|1)"""
import gzip
import os
import pathlib
import re
import subprocess
import sys
import textwrap
import time

# Parts that the one file contains, by the Debian package that they come from (cmake/parts.cmake).
PARTS = ["libboost1.81-dev|libboost-dev", "libssl-dev", "libc-ares-dev", "libyaml-cpp-dev", "libfmt-dev", "libspdlog-dev", "libcli11-dev", "zlib1g-dev",
         "libarchive-dev", "libre2-dev", "libwebsocketpp-dev", "libstdc++-12-dev|libstdc++-13-dev|libstdc++-14-dev"]


def when(source):
    """SOURCE_DATE_EPOCH, else the time of the last commit."""
    if os.environ.get("SOURCE_DATE_EPOCH"):
        return int(os.environ["SOURCE_DATE_EPOCH"])
    done = subprocess.run(["git", "-C", source, "log", "-1", "--format=%ct"], text=True, capture_output=True, check=False)
    return int(done.stdout) if done.returncode == 0 else int((source / "CHANGELOG.md").stat().st_mtime)


def changelog(source, version):
    text = (source / "CHANGELOG.md").read_text(encoding="utf-8")
    out = []
    for number, body in re.findall(r"^## (\S+)\n(.*?)(?=^## |\Z)", text, re.M | re.S):
        entries = re.findall(r"^- (.*?)(?=^- |\Z)", body, re.M | re.S)
        lines = ["\n".join(textwrap.wrap(" ".join(entry.split()), 76, initial_indent="  * ", subsequent_indent="    ")) for entry in entries]
        stamp = time.strftime("%a, %d %b %Y %H:%M:%S +0000", time.gmtime(when(source)))
        out.append(f"vnetprobe ({number}) unstable; urgency=medium\n\n" + "\n".join(lines) + f"\n\n -- vnetprobe maintainers <maintainers@vnetprobe.example>  {stamp}\n")
    if not out or f"({version})" not in out[0]:
        sys.exit(f"CHANGELOG.md does not begin with version {version}")
    return "\n".join(out)


def terms_of(file):
    """Of Boost, whose copyright file has a line for each of its thousands of headers, the licence alone."""
    text = file.read_text(encoding="utf-8", errors="replace")
    licence = re.search(r"^License: *(?:BSL|Boost|boost)[^\n]*\n( .*\n)+", text, re.M)
    return licence[0] if licence and "boost" in file.parent.name else text


def linked_parts(one_file):
    if not one_file:
        return "Nothing is linked in: this build uses the libraries of the system.\n"
    text = "The one-file build of vnetprobe contains these parts. Their terms, as Debian's packages of them state them:\n"
    for names in PARTS:
        present = [file for name in names.split("|") if (file := pathlib.Path(f"/usr/share/doc/{name}/copyright")).exists()]
        if not present:
            sys.exit(f"no copyright file of {names}")
        text += f"\n\n--- {present[0].parent.name} " + "-" * 60 + "\n\n" + terms_of(present[0])
    return text


def main():
    source, folder, version, one_file = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3], sys.argv[4] == "1"
    (folder / "changelog.gz").write_bytes(gzip.compress(changelog(source, version).encode(), 9, mtime=0))
    (folder / "linked-parts.gz").write_bytes(gzip.compress(linked_parts(one_file).encode(), 9, mtime=0))


main()
