#!/usr/bin/env python3
"""The package as a file: made twice it is the same, lintian finds no error, and it holds what it must.

    deb.py make BUILD_FOLDER OUTPUT.deb      packs what is built
    deb.py check BUILD_FOLDER PACKAGE.deb"""
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest


def pack(build, output):
    """CPack keeps its scratch folder in the working directory and the package's time in SOURCE_DATE_EPOCH."""
    source = re.search(r"^CMAKE_HOME_DIRECTORY:INTERNAL=(.*)$", (build / "CMakeCache.txt").read_text(), re.M)[1]
    epoch = subprocess.run(["git", "-C", source, "log", "-1", "--format=%ct"], text=True, capture_output=True, check=False).stdout.strip() or "1795000000"
    with tempfile.TemporaryDirectory(dir=build) as folder:
        done = subprocess.run(["cpack", "--config", build / "CPackConfig.cmake", "-B", folder], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                              env={**os.environ, "SOURCE_DATE_EPOCH": epoch})
        if done.returncode != 0:
            sys.exit(done.stdout)
        made, = pathlib.Path(folder).glob("*.deb")
        output.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(made, output)
    return made.name


class Package(unittest.TestCase):
    def test_made_twice_it_has_the_same_bytes(self):
        with tempfile.TemporaryDirectory() as folder:
            again = pathlib.Path(folder) / "again.deb"
            # Other times of the files that it is made of, as a second clone has them.
            for file in [*pathlib.Path(BUILD, "package").iterdir(), BUILD / "agent/vnetprobe"]:
                times = file.stat()
                self.addCleanup(os.utime, file, ns=(times.st_atime_ns, times.st_mtime_ns))
                os.utime(file)
            pack(BUILD, again)
            self.assertEqual(hashlib.sha256(again.read_bytes()).hexdigest(), hashlib.sha256(PACKAGE.read_bytes()).hexdigest())

    def test_lintian_finds_no_error(self):
        if not shutil.which("lintian"):
            self.skipTest("lintian is not installed")
        done = subprocess.run(["lintian", "--allow-root", "--fail-on", "error", PACKAGE], text=True, capture_output=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        print(done.stdout or "lintian has nothing to say")

    def test_what_it_holds(self):
        listed = subprocess.run(["dpkg-deb", "-c", PACKAGE], text=True, capture_output=True, check=True).stdout
        files = {line.split()[5].removeprefix(".") for line in listed.splitlines() if not line.startswith("d")}
        one_file = "VNETPROBE_ONE_FILE:BOOL=ON" in (BUILD / "CMakeCache.txt").read_text()
        self.assertEqual(files, ({"/usr/share/lintian/overrides/vnetprobe"} if one_file else set()) | {
            "/etc/vnetprobe/config.yaml", "/usr/bin/vnetprobe", "/usr/lib/systemd/system/vnetprobe.service", "/usr/lib/systemd/system/vnetprobe-once.service",
            "/usr/lib/systemd/system/vnetprobe-once.timer", "/usr/share/bash-completion/completions/vnetprobe", "/usr/share/zsh/vendor-completions/_vnetprobe",
            "/usr/share/fish/vendor_completions.d/vnetprobe.fish", "/usr/share/man/man1/vnetprobe.1.gz", "/usr/share/man/man5/vnetprobe-config.5.gz",
            "/usr/share/man/man7/vnetprobe-codes.7.gz", "/usr/share/vnetprobe/report.schema.json",
            "/usr/share/vnetprobe/prometheus/prometheus.yml", "/usr/share/vnetprobe/prometheus/vnetprobe.rules.yml", "/usr/share/vnetprobe/prometheus/alertmanager.yml",
            "/usr/share/vnetprobe/prometheus/consoles/vnetprobe.html", "/usr/share/vnetprobe/grafana/vnetprobe.json", "/usr/share/doc/vnetprobe/copyright",
            "/usr/share/doc/vnetprobe/changelog.gz", "/usr/share/doc/vnetprobe/linked-parts.gz"})
        for line in listed.splitlines():
            self.assertRegex(line, r"^([d-]rwxr-xr-x|-rw-r--r--) root/root ", "modes and owners that any machine makes")


if __name__ == "__main__":
    verb, BUILD, PACKAGE = sys.argv[1], pathlib.Path(sys.argv[2]).resolve(), pathlib.Path(sys.argv[3]).resolve()
    if not shutil.which("dpkg-shlibdeps"):
        print("skipped: dpkg-dev is not installed")
        sys.exit(77)
    if verb == "make":
        pack(BUILD, PACKAGE)
        sys.exit(0)
    if not PACKAGE.exists():
        print("skipped: there is no package")
        sys.exit(77)
    unittest.main(argv=sys.argv[:1], verbosity=2)
