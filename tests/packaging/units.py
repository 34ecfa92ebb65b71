#!/usr/bin/env python3
"""The systemd units: the sandbox is as narrow as product.md wants it, what is open is explained, and the commands exist.

    units.py BINARY SOURCE"""
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import unittest

BINARY, SOURCE = os.path.abspath(sys.argv.pop(1)), pathlib.Path(sys.argv.pop(1))
SERVICES = ("vnetprobe.service", "vnetprobe-once.service")
EXPOSURE = 1.5
# What systemd-analyze finds open, and the word by which the unit's remarks explain it.
EXPLAINED = {"SystemCallFilter=~@privileged": "adjtimex", "SystemCallFilter=~@clock": "~@clock", "ProtectClock=": "ProtectClock", "RootDirectory=/RootImage=": "RootDirectory",
             "RestrictAddressFamilies=~AF_NETLINK": "AF_NETLINK", "RestrictAddressFamilies=~AF_UNIX": "AF_UNIX", "RestrictAddressFamilies=~AF_(INET|INET6)": "AF_INET",
             "ProtectHome=": "ProtectHome", "ProcSubset=": "ProcSubset", "PrivateNetwork=": "PrivateNetwork", "IPAddressDeny=": "IPAddressDeny"}


def analyze(*words):
    return subprocess.run(["systemd-analyze", "--no-pager", *map(str, words)], text=True, capture_output=True, check=False)


def sandbox(text):
    return text.split("# --- sandbox")[1].split("# --- end of the sandbox")[0]


class Units(unittest.TestCase):
    def text(self, name):
        return (SOURCE / "systemd" / name).read_text(encoding="utf-8")

    def test_exposure_is_low(self):
        for service in SERVICES:
            done = analyze("security", "--offline=true", f"--threshold={EXPOSURE * 10:.0f}", SOURCE / "systemd" / service)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            exposure = float(re.search(r"Overall exposure level for \S+: ([0-9.]+)", done.stdout)[1])
            self.assertLessEqual(exposure, EXPOSURE)
            print(f"{service}: {exposure}")

    def test_what_stays_open_is_explained_in_the_unit(self):
        for service in SERVICES:
            found = json.loads(analyze("security", "--offline=true", "--json=short", SOURCE / "systemd" / service).stdout)
            open_ = {row["name"] for row in found if row["exposure"] not in (None, 0, "0.0")}
            reasons = "\n".join(line for line in sandbox(self.text(service)).splitlines() if line.startswith("#"))
            self.assertEqual({name for name in open_ if name not in EXPLAINED}, set(), service)
            for name in open_:
                self.assertIn(EXPLAINED[name], reasons, f"{service}: {name}")

    def test_one_sandbox_for_both(self):
        self.assertEqual(*(sandbox(self.text(service)) for service in SERVICES))

    def test_systemd_finds_nothing_wrong(self):
        with tempfile.TemporaryDirectory() as folder:
            for unit in (SOURCE / "systemd").glob("vnetprobe*"):
                text = unit.read_text(encoding="utf-8").replace("/usr/bin/vnetprobe", BINARY)
                (pathlib.Path(folder) / unit.name).write_text(text, encoding="utf-8")
            for unit in sorted(os.listdir(folder)):
                done = analyze("verify", "--man=no", pathlib.Path(folder) / unit)
                self.assertEqual((done.returncode, done.stderr), (0, ""), unit)

    def test_the_commands_know_their_flags(self):
        for service in reversed(SERVICES):
            program, command, *words = shlex.split(re.search(r"^ExecStart=(.*)$", self.text(service), re.M)[1])
            self.assertEqual(program, "/usr/bin/vnetprobe")
            if not re.search(rf"^  {command} ", subprocess.run([BINARY, "--help"], text=True, capture_output=True, check=True).stdout, re.M):
                self.skipTest(f"this build has no {command}")
            usage = subprocess.run([BINARY, command, "--help"], text=True, capture_output=True, check=True).stdout
            for word in words:
                if word.startswith("--"):
                    self.assertRegex(usage, rf"{word}\b", f"{service}: {command} {word}")


if __name__ == "__main__":
    if not shutil.which("systemd-analyze"):
        print("skipped: systemd-analyze is not installed")
        sys.exit(77)
    unittest.main(verbosity=2)
