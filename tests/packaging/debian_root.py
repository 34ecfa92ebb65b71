#!/usr/bin/env python3
"""A clean Debian (or Ubuntu, where this is one) in a folder, by debootstrap from the mirror that this machine's apt uses, with the libraries that
a package depends on, so that it installs without a network. Made once and then only read: the tests lay what they write over it.

    debian_root.py FOLDER PACKAGE.deb"""
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys

# What a server has and debootstrap's smallest variant has not.
INCLUDED = "systemd,systemd-sysv,libnss-systemd,dbus,ca-certificates,iproute2,procps,python3-minimal"
# By apt, which understands every dependency.
ADDED = ["cloud-init", "curl"]


def release():
    return dict(re.findall(r'^(\w+)="?([^"\n]*)', pathlib.Path("/etc/os-release").read_text(), re.M))["VERSION_CODENAME"]


def mirror(suite):
    targets = subprocess.run(["apt-get", "indextargets", "--format", "$(RELEASE) $(COMPONENT) $(SITE)"], text=True, capture_output=True, check=True).stdout
    for line in targets.splitlines():
        if line.startswith(f"{suite} main "):
            return line.split()[2].rstrip("/")
    raise SystemExit(f"skipped: apt on this machine knows no mirror of {suite}")


def libraries(package):
    depends = subprocess.run(["dpkg-deb", "-f", package, "Depends"], text=True, capture_output=True, check=True).stdout
    return sorted(re.sub(r"[ |(].*", "", part.strip()) for part in depends.split(","))


def carry_out(*words, **more):
    done = subprocess.run(words, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, **more)
    return "" if done.returncode == 0 else f"{words[0]} ended with {done.returncode}:\n" + done.stdout[-3000:]


def make(folder, package):
    suite = release()
    wanted = hashlib.sha256(repr((suite, INCLUDED, ADDED, libraries(package))).encode()).hexdigest()
    stamp = folder.with_name(folder.name + ".made-of")
    if stamp.exists() and stamp.read_text() == wanted and folder.is_dir():
        return ""
    stamp.unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    problem = carry_out("debootstrap", "--variant=minbase", f"--include={INCLUDED}", suite, str(folder), mirror(suite))
    if problem:
        return problem
    for file in ("/etc/resolv.conf", "/etc/hosts"):
        shutil.copyfile(file, f"{folder}{file}")
    (folder / "usr/sbin/policy-rc.d").unlink(missing_ok=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    problem = (carry_out("chroot", folder, "apt-get", "-o", "Acquire::Check-Valid-Until=false", "update", "-qq", env=environment) or
               carry_out("chroot", folder, "apt-get", "install", "-qq", "-y", "--no-install-recommends", *ADDED, *libraries(package), env=environment))
    if not problem:
        # Only the test of cloud-init.yaml wants it to act.
        (folder / "etc/cloud/cloud-init.disabled").touch()
        shutil.rmtree(folder / "var/cache/apt/archives", ignore_errors=True)
        stamp.write_text(wanted)
    return problem


def main():
    if os.geteuid() != 0 or not shutil.which("debootstrap"):
        print("skipped: debootstrap needs to be installed, and root to run")
        return 77
    problem = make(pathlib.Path(sys.argv[1]).resolve(), sys.argv[2])
    if problem:
        print("skipped: a clean root cannot be made here:", problem)
        return 77
    return 0


if __name__ == "__main__":
    sys.exit(main())
