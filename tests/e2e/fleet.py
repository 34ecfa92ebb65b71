#!/usr/bin/env python3
"""`vnetprobe fleet` on reports of the real agent: folders, globs, compressed ones and bundles, damaged and foreign files, thousands of nodes.

    fleet.py BINARY"""
import gzip
import json
import os
import pathlib
import random
import resource
import subprocess
import sys
import tempfile
import time
import unittest

BINARY = os.path.abspath(sys.argv.pop(1))


def run(*words, **more):
    return subprocess.run([BINARY, *[str(word) for word in words]], text=True, capture_output=True, check=False, **more)


class Fleet(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.bases = {}
        for fault in ("none", "storage-firewall", "dns-public-address"):
            made = run("demo", "--fault", fault, "--format", "json", "--quiet")
            cls.bases[fault] = json.loads(made.stdout)

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name)

    def report(self, name, fault="none", subnet="10.1.1.0/24"):
        report = json.loads(json.dumps(self.bases[fault]))
        report["node"]["hostname"]["value"] = name
        for check in report["checks"]:
            for observation in check["observations"]:
                if observation["layer"] == "imds":
                    observation["subnets"], observation["vm_id"] = [subnet], "vm-" + name
        return json.dumps(report, indent=2)

    def write(self, name, text):
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return file

    def test_what_differs_and_what_is_common_is_told(self):
        for i in range(6):
            self.write(f"good/{i}.json", self.report(f"good-{i}"))
        for i in range(3):
            self.write(f"bad/{i}.json", self.report(f"bad-{i}", "dns-public-address", "10.1.4.0/24"))
        done = run("fleet", self.path)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("UNHEALTHY: of 9 nodes, 3 unhealthy; 1 cause found", done.stdout)
        self.assertIn("[private_endpoint.zone_not_linked] critical, on 3 of 9 nodes", done.stdout)
        self.assertIn("All 3 have subnet 10.1.4.0/24; of the other 6, none.", " ".join(done.stdout.split()))
        self.assertEqual(run("fleet", self.path / "good").returncode, 0)

    def test_folders_globs_archives_and_formats(self):
        self.write("a/one.json", self.report("one"))
        self.write("a/b/two.json.gz", gzip.compress(self.report("two").encode()))
        self.write("a/notes.txt", "not looked at")
        saved = self.write("three.json", self.report("three", "storage-firewall"))
        bundle = self.path / "a" / "node.tar.gz"
        made = run("bundle", "--report", saved, "--output", bundle, "--only", "resolver/hosts")
        self.assertTrue(bundle.exists(), made.stderr)
        page = self.path / "out" / "fleet.html"
        done = run("fleet", self.path / "a", "--format", "json", "--output", f"html={page}")
        picture = json.loads(done.stdout)
        self.assertEqual(picture["schema"], "vnetprobe.fleet/1")
        self.assertEqual([node["name"] for node in picture["nodes"]], ["one", "three", "two"])
        self.assertEqual(picture["unhealthy"], 1)
        self.assertEqual(picture["diagnoses"][0]["code"], "storage.denied_by_firewall")
        self.assertEqual(picture["skipped"], [])
        self.assertIn("storage.denied_by_firewall", page.read_text())
        by_glob = run("fleet", str(self.path / "a" / "*.json"), "--format", "json")
        self.assertEqual([node["name"] for node in json.loads(by_glob.stdout)["nodes"]], ["one"])

    def test_damaged_and_foreign_files_are_named_and_left_out(self):
        self.write("good.json", self.report("good"))
        self.write("cut.json", self.report("cut")[:5000])
        self.write("page.json", "<!doctype html>")
        self.write("empty.json", "")
        self.write("other.json", '{"schema": "something.else/1"}')
        self.write("bytes.json", bytes(range(256)))
        self.write("broken.json.gz", b"\x1f\x8b\x08\x00nonsense")
        done = run("fleet", self.path)
        self.assertEqual(done.returncode, 0)
        self.assertIn("6 files left out:", done.stdout)
        for name in ("cut.json", "page.json", "empty.json", "other.json", "bytes.json", "broken.json.gz"):
            self.assertRegex(" ".join(done.stdout.split()), rf"{name}: \S")

    def test_what_cannot_be_done_is_said_with_status_2(self):
        for words, said in ((["fleet"], "PATH"), (["fleet", self.path / "nothing"], "nothing there"), (["fleet", self.path], "no report could be read"),
                            (["fleet", self.path, "--format", "junit"], "a fleet has no format 'junit'")):
            done = run(*words)
            self.assertEqual(done.returncode, 2, words)
            self.assertIn(said, done.stderr)

    def test_ten_thousand_reports_in_bounded_memory(self):
        chance = random.Random(3)
        texts = {fault: self.report("NAME", fault, "SUBNET") for fault in self.bases}
        for i in range(10_000):
            fault = "none" if i % 40 else "dns-public-address"
            subnet = "10.1.4.0/24" if i % 40 == 0 else f"10.1.{chance.randrange(5, 9)}.0/24"
            # Shorter than a real one, for the disk's sake: without the evidence that nobody reads here.
            self.write(f"many/{i % 100}/{i}.json", texts[fault].replace("NAME", f"node-{i:05}").replace("SUBNET", subnet) if i < 500 else
                       small(texts[fault], f"node-{i:05}", subnet))
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        began = time.monotonic()
        done = run("fleet", self.path / "many", "--format", "json")
        print(f"10 000 reports: {time.monotonic() - began:.1f} s")
        picture = json.loads(done.stdout)
        self.assertEqual(len(picture["nodes"]), 10_000)
        self.assertEqual(picture["unhealthy"], 250)
        common = picture["diagnoses"][0]["common"]
        self.assertIn({"kind": "subnet", "value": "10.1.4.0/24"}, [one["trait"] for one in common])
        used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        if used > before:
            self.assertLess(used, 500 * 1024, "KB of the largest child, which is this one")


def small(text, name, subnet):
    report = SMALL.setdefault(text, None)
    if report is None:
        report = json.loads(text)
        for check in report["checks"]:
            check["observations"] = [one for one in check["observations"] if one["layer"] == "imds"]
        report = SMALL[text] = json.dumps(report)
    return report.replace("NAME", name).replace("SUBNET", subnet)


SMALL = {}

if __name__ == "__main__":
    unittest.main(verbosity=2)
