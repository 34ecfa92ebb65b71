#!/usr/bin/env python3
"""Every format before a judge of its own: JSON by jsonschema and ajv, JUnit by xmllint, Prometheus by promtool, Markdown by cmark-gfm.

    formats.py BINARY REPOSITORY NODE_MODULES [Formats Files | Ajv]

Ajv alone needs the npm registry, so it is a CTest test of its own."""
import html.parser
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import reports_to_show as shown

BINARY, REPOSITORY, NODE_MODULES = (os.path.abspath(sys.argv.pop(1)) for _ in range(3))
SCHEMA = f"{REPOSITORY}/reports/json/report.schema.json"
XSD = f"{REPOSITORY}/tests/data/render/junit.xsd"
VALIDATE = f"{REPOSITORY}/tests/e2e/validate.js"
FAULTS = ["none", "storage-firewall", "dns-server-dead", "tls-intercepted"]


def missing():
    if "Ajv" in sys.argv[1:]:
        return [] if shutil.which("node") and os.path.isdir(f"{NODE_MODULES}/ajv") else [f"node, or ajv in {NODE_MODULES} (npm install --prefix build/npm, see vnetprobe.sh)"]
    needed = [name for name in ("xmllint", "promtool", "cmark-gfm") if not shutil.which(name)]
    try:
        import jsonschema  # noqa: F401  pylint: disable=unused-import
    except ImportError:
        needed.append("python3-jsonschema")
    return needed


class Tags(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.seen, self.depth, self.links = [], 0, []

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        self.links += [value for name, value in attrs if name in ("href", "src") or name.startswith("on")]
        self.depth += tag == "details"

    def handle_endtag(self, tag):
        self.depth -= tag == "details"


class Rendered(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.reports = {fault: shown.demo(BINARY, fault, cls.folder.name) for fault in FAULTS}
        broken = cls.reports["storage-firewall"]
        cls.reports["hostile"] = shown.poisoned(broken)
        cls.reports["long"] = shown.with_long_strings(broken)
        cls.reports["large"] = shown.with_checks(broken, 500)
        for name, report in cls.reports.items():
            pathlib.Path(cls.folder.name, f"{name}.json").write_text(json.dumps(report))

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def rendered(self, name, form):
        done = subprocess.run([BINARY, "diagnose", f"{self.folder.name}/{name}.json", "--format", form], capture_output=True, check=False, timeout=60)
        self.assertIn(done.returncode, (0, 1), (name, form, done.stderr))
        return done.stdout

    def judged(self, bytes_, *command):
        done = subprocess.run(command, input=bytes_, capture_output=True, check=False, timeout=100, env={**os.environ, "NODE_PATH": NODE_MODULES})
        self.assertEqual(done.returncode, 0, (command, (done.stdout + done.stderr)[:3000]))
        return done.stdout


class Ajv(Rendered):
    def test_json_is_what_its_schema_says(self):
        for name in self.reports:
            path = pathlib.Path(self.folder.name, "judged.json")
            path.write_bytes(self.rendered(name, "json"))
            self.judged(b"", "node", VALIDATE, SCHEMA, str(path))

    def test_a_validator_notices_what_is_wrong(self):
        path = pathlib.Path(self.folder.name, "wrong.json")
        path.write_text(json.dumps({**self.reports["none"], "verdict": "splendid"}))
        done = subprocess.run(["node", VALIDATE, SCHEMA, str(path)], capture_output=True, check=False, env={**os.environ, "NODE_PATH": NODE_MODULES})
        self.assertEqual(done.returncode, 1)


class Formats(Rendered):
    def test_json_is_what_its_schema_says(self):
        import jsonschema
        validator = jsonschema.Draft202012Validator(json.loads(pathlib.Path(SCHEMA).read_text()))
        for name in self.reports:
            validator.validate(json.loads(self.rendered(name, "json")))

    def test_junit_keeps_to_the_common_schema(self):
        for name in self.reports:
            path = pathlib.Path(self.folder.name, "judged.xml")
            path.write_bytes(self.rendered(name, "junit"))
            self.judged(b"", "xmllint", "--huge", "--noout", "--schema", XSD, str(path))

    def test_prometheus_text_passes_promtool(self):
        for name in self.reports:
            said = self.judged(self.rendered(name, "prometheus"), "promtool", "check", "metrics")
            self.assertEqual(said, b"", name)

    def test_markdown_fits_an_issue_folds_and_holds_no_foreign_markup(self):
        for name in self.reports:
            text = self.rendered(name, "markdown")
            self.assertLessEqual(len(text), 65536, name)
            page = self.judged(text, "cmark-gfm", "--unsafe", "-e", "table", "-e", "autolink", "-e", "strikethrough").decode()
            tags = Tags()
            tags.feed(page)
            self.assertEqual(tags.depth, 0, name)
            self.assertIn("details", tags.seen, name)
            self.assertEqual(set(tags.seen) - {"h1", "h2", "p", "ul", "li", "strong", "code", "pre", "table", "thead", "tbody", "tr", "th", "td", "details",
                                               "summary", "ol"}, set(), name)
            self.assertEqual(tags.links, [], name)
            self.assertEqual(tags.seen.count("h1"), 1, name)

    def test_a_hostile_report_shows_as_text_in_every_format(self):
        for name in ("hostile", "long"):
            for form in ("text", "json", "html", "junit", "markdown", "prometheus"):
                text = self.rendered(name, form).decode()
                harmful = [c for c in text if (ord(c) < 32 and c != "\n") or 0x7F <= ord(c) < 0xA0 or c in "\u202e\u2066\u200b\U000E0041"]
                self.assertEqual(harmful, [], (name, form))

    def test_every_format_names_the_fault(self):
        for form in ("text", "json", "html", "junit", "markdown", "prometheus"):
            self.assertIn(b"storage.denied_by_firewall", self.rendered("storage-firewall", form), form)


class Files(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.report = pathlib.Path(self.folder.name, "report.json")
        shown.demo(BINARY, "storage-firewall", self.folder.name)
        os.rename(f"{self.folder.name}/storage-firewall.json", self.report)

    def diagnose(self, *words):
        return shown.run(BINARY, "diagnose", self.report, *words)

    def test_two_reports_are_compared_in_three_formats_and_no_other(self):
        healthy = pathlib.Path(self.folder.name, "none.json")
        shown.demo(BINARY, "none", self.folder.name)
        done = self.diagnose("--compare", healthy, "--output", f"html={self.folder.name}/c.html", "--output", f"json={self.folder.name}/c.json")
        self.assertEqual((done.returncode, done.stderr), (1, ""))
        self.assertIn("storage.denied_by_firewall went away between the two reports", done.stdout)
        compared = json.loads(pathlib.Path(self.folder.name, "c.json").read_text())
        self.assertEqual([(one["only_in"], one["code"]) for one in compared["diagnoses"]], [("a", "storage.denied_by_firewall")])
        failed = {one["id"]: (one["a"], one["b"]) for one in compared["checks"] if one["a"] == "fail"}
        self.assertEqual(set(failed), {f"storage.{kind}/demostorage" for kind in ("blob", "file", "queue", "table")})
        self.assertEqual(set(failed.values()), {("fail", "pass")})
        self.assertIn("<h1>Two reports compared</h1>", pathlib.Path(self.folder.name, "c.html").read_text())
        for words in (("--format", "junit"), ("--output", f"markdown={self.folder.name}/c.md")):
            done = self.diagnose("--compare", healthy, *words)
            self.assertEqual(done.returncode, 2)
            self.assertIn("text, json or html", done.stderr)
        done = self.diagnose("--compare", "/nonexistent.json")
        self.assertEqual(done.returncode, 2)
        self.assertIn("/nonexistent.json", done.stderr)

    def test_many_outputs_at_once_in_folders_that_do_not_exist_yet(self):
        forms = ("text", "json", "html", "junit", "markdown", "prometheus")
        done = self.diagnose(*(word for form in forms for word in ("--output", f"{form}={self.folder.name}/a/{form}/report")))
        self.assertEqual((done.returncode, done.stderr), (1, ""))
        self.assertIn("UNHEALTHY", done.stdout)
        for form in forms:
            self.assertEqual(os.listdir(f"{self.folder.name}/a/{form}"), ["report"])

    def test_the_extension_says_the_format_where_nothing_else_does(self):
        for extension, begins in ((".html", "<!doctype html>"), (".xml", "<?xml"), (".md", "# UNHEALTHY"), (".prom", "# HELP"), (".json", "{"), (".txt", "UNHEALTHY")):
            path = pathlib.Path(self.folder.name, f"again{extension}")
            done = self.diagnose("--output", path)
            self.assertEqual(done.stdout, "")
            self.assertTrue(path.read_text().startswith(begins), extension)

    def test_a_link_is_followed_and_a_dash_is_stdout(self):
        target, link = pathlib.Path(self.folder.name, "target"), pathlib.Path(self.folder.name, "link")
        target.write_text("before")
        link.symlink_to(target)
        self.assertEqual(self.diagnose("--output", f"json={link}").returncode, 1)
        self.assertTrue(link.is_symlink())
        self.assertTrue(target.read_text().startswith("{"))
        self.assertEqual(json.loads(self.diagnose("--output", "json=-").stdout)["verdict"], "unhealthy")

    def test_a_full_disk_is_named_and_leaves_what_was_there(self):
        if os.geteuid() != 0:
            self.skipTest("mounting a small tmpfs needs root")
        disk = pathlib.Path(self.folder.name, "disk")
        disk.mkdir()
        # A mount namespace of its own: nothing is left when the command ends.
        script = f"mount -t tmpfs -o size=64k tmpfs {disk} && echo before > {disk}/report.html && {BINARY} diagnose {self.report} --output html={disk}/report.html; " \
                 f"echo status $?; ls {disk}; cat {disk}/report.html"
        done = subprocess.run(["unshare", "-m", "sh", "-c", script], text=True, capture_output=True, check=False, timeout=60)
        if "status" not in done.stdout:
            self.skipTest(f"no mount here: {done.stderr}")
        self.assertIn(f"{disk}/report.html: No space left on device", done.stderr)
        self.assertTrue(done.stdout.endswith("status 3\nreport.html\nbefore\n"), done.stdout[-300:])
        self.assertIn("UNHEALTHY", done.stdout)

    def test_a_missing_right_is_named_and_leaves_nothing(self):
        locked = pathlib.Path(self.folder.name, "locked")
        locked.mkdir()
        os.chmod(self.folder.name, 0o755)
        os.chmod(locked, 0o555)
        self.addCleanup(os.chmod, locked, 0o755)
        as_nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []
        os.chmod(self.report, 0o644)
        # stdin, for the repository itself may be closed to other users.
        with open(self.report) as report, open(BINARY, "rb"):
            copy = pathlib.Path(self.folder.name, "vnetprobe")
            shutil.copy(BINARY, copy)
            copy.chmod(0o755)
            done = subprocess.run([*as_nobody, str(copy), "diagnose", "-", "--output", f"html={locked}/new/report.html", "--output", f"json={locked}/report.json"],
                                  stdin=report, text=True, capture_output=True, check=False, timeout=60)
        self.assertEqual(done.returncode, 3)
        self.assertIn(f"{locked}/new: Permission denied", done.stderr)
        self.assertIn(f"{locked}/report.json: Permission denied", done.stderr)
        self.assertEqual(os.listdir(locked), [])
        self.assertIn("UNHEALTHY", done.stdout)


if __name__ == "__main__":
    lacking = missing()
    if lacking:
        print("skipped, for want of:", ", ".join(lacking))
        sys.exit(77)
    unittest.main()
