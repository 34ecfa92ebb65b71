#!/usr/bin/env python3
"""The release binary: one file that needs nothing but glibc 2.35 (Ubuntu 22.04), stripped and small. Read from its dynamic section and symbol versions.

    one_file.py BINARY"""
import os
import re
import subprocess
import sys
import unittest

BINARY = os.path.abspath(sys.argv.pop(1))
GLIBC = {"libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2", "librt.so.1", "libresolv.so.2", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"}
NEWEST = (2, 35)
LARGEST = 10_000_000


def said_by(*words):
    return subprocess.run([*words, BINARY], text=True, capture_output=True, check=True).stdout


class OneFile(unittest.TestCase):
    def test_needs_only_the_c_library(self):
        needed = set(re.findall(r"\(NEEDED\).*\[(.+)\]", said_by("readelf", "-d", "-W")))
        self.assertIn("libc.so.6", needed)
        self.assertEqual(needed - GLIBC, set())
        print("needs", *sorted(needed))

    def test_every_symbol_is_old_enough(self):
        versions = set(re.findall(r"\(?\b([A-Z]\w*_[0-9][0-9.]*)\)?\s+\S+$", said_by("objdump", "-T"), re.M))
        self.assertEqual({version for version in versions if not version.startswith("GLIBC_")}, set())
        newest = max(tuple(map(int, version.removeprefix("GLIBC_").split("."))) for version in versions)
        self.assertLessEqual(newest, NEWEST, "build the release on Debian 12")
        print("newest symbol: GLIBC_" + ".".join(map(str, newest)))

    def test_searches_no_folder_of_the_machine_that_built_it(self):
        self.assertNotRegex(said_by("readelf", "-d", "-W"), r"\((RPATH|RUNPATH)\)")
        with open(BINARY, "rb") as file:
            self.assertNotIn(os.path.dirname(os.path.dirname(os.path.dirname(BINARY))).encode() + b"/", file.read())

    def test_stripped_and_small(self):
        self.assertNotRegex(said_by("readelf", "-S", "-W"), r"\.(symtab|debug_info)\b")
        self.assertLess(os.path.getsize(BINARY), LARGEST)


if __name__ == "__main__":
    unittest.main(verbosity=2)
