#!/usr/bin/env python3
"""The command line as its users meet it: wrong flags, bad files, interruptions, files written.

    command_line.py BINARY

Whatever could send a packet runs in a network namespace of its own without a link (unshare -rn)."""
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest

BINARY = os.path.abspath(sys.argv.pop(1))
ALONE = ["unshare", "-rn"] if os.geteuid() != 0 else ["unshare", "-n"]


def run(*words, stdin="", alone=True):
    return subprocess.run([*(ALONE if alone else []), BINARY, *map(str, words)], text=True, capture_output=True, input=stdin, check=False, timeout=60)


class Usage(unittest.TestCase):
    def test_wrong_usage_is_status_2_and_names_the_flag(self):
        for words, said in [
                (["run", "--frmat", "json"], "--frmat"),
                (["run", "--profile", "laptop"], "--profile"),
                (["run", "--deadline", "soon"], "--deadline"),
                (["run", "--format", "pdf"], "--format"),
                (["run", "--deadline", "10000h"], "at most 7 days"),
                (["run", "--output", "/tmp"], "--output: '/tmp' is a directory; write --output /tmp/report.json"),
                (["run", "--resolver", "dns.contoso.com"], "--resolver"),
                (["run", "--connect-to", "a:b"], "--connect-to"),
                (["run", "--imds-endpoint", "ftp://x"], "--imds-endpoint"),
                (["run", "--imds-endpoint", "http://imds.test"], "--imds-endpoint"),
                (["run", "--imds-endpoint", "http://127.0.0.1:99999"], "--imds-endpoint"),
                (["run", "--ca-file", ""], "--ca-file: the value is empty"),
                (["run", "--config", ""], "--config: the value is empty"),
                (["run", "--ca-file", "/nonexistent.pem"], "/nonexistent.pem"),
                (["run", "--config", "/nonexistent.yaml"], "/nonexistent.yaml"),
                (["run", "--catalog", "/nonexistent.yaml"], "/nonexistent.yaml"),
                (["run", "--only", "no.such.check"], "no.such.check"),
                (["explain", "dns.resolver.unreachabel"], "dns.resolver.unreachable"),
                (["explain", "mtu.*"], "'mtu.*' is not one code; there are mtu."),
                (["demo", "--output", "json=a", "--output", "html=a"], "--output: 'a' is named twice"),
                (["demo", "--fault", "gremlins"], "gremlins"),
                (["diagnose", "/nonexistent.json"], "/nonexistent.json"),
                (["frobnicate"], "unknown command 'frobnicate'; there are run, list"),
                (["diagnos", "x"], "did you mean 'vnetprobe diagnose'?"),
                (["tags", "lokup", "10.0.0.4"], "did you mean 'vnetprobe tags lookup'?"),
                (["tags"], "vnetprobe tags needs a command: lookup"),
                (["run", "--fromat=json"], "unknown flag '--fromat'; did you mean --format?"),
                (["--versoin"], "unknown flag '--versoin'; did you mean --version?"),
                (["explain"], "vnetprobe explain needs CODE"),
                (["--format", "json", "run"], "the command comes first: vnetprobe run"),
                (["run", "extra"], "'extra' was not expected")]:
            done = run(*words)
            self.assertEqual(done.returncode, 2, (words, done.stderr))
            self.assertIn(said, done.stderr, words)
            self.assertEqual(done.stdout, "", words)

    def test_help_has_examples(self):
        for command in ("run", "list", "explain", "diagnose", "demo"):
            done = run(command, "--help")
            self.assertEqual(done.returncode, 0)
            self.assertIn("Examples:", done.stdout)
            self.assertIn(f"vnetprobe {command}", done.stdout)

    def test_version(self):
        self.assertRegex(run("--version").stdout, r"^vnetprobe \d+\.\d+\.\d+\n$")

    def test_list_and_explain_print_what_is_compiled_in(self):
        checks = json.loads(run("list", "checks", "--profile", "compute-instance", "--format", "json").stdout)
        self.assertIn("tag.AzureResourceManager", {check["id"] for check in checks})
        self.assertEqual(len(json.loads(run("list", "profiles", "--format", "json").stdout)), 5)
        self.assertGreater(len(json.loads(run("list", "codes", "--format", "json").stdout)), 120)
        self.assertIn("Who fixes it", run("explain", "private_endpoint.zone_not_linked").stdout)
        self.assertEqual(json.loads(run("explain", "tcp.timeout", "--format", "json").stdout)["code"], "tcp.timeout")

    def test_the_listed_catalogue_is_accepted_back(self):
        with tempfile.TemporaryDirectory() as folder:
            mine = pathlib.Path(folder) / "mine.yaml"
            mine.write_text(run("list", "checks", "--profile", "attached-vm", "--format", "yaml").stdout)
            ours = json.loads(run("list", "checks", "--profile", "attached-vm", "--format", "json").stdout)
            again = run("list", "checks", "--profile", "attached-vm", "--catalog", mine, "--format", "json")
            self.assertEqual(again.returncode, 0, again.stderr)
            self.assertEqual(json.loads(again.stdout), ours)


class BadInput(unittest.TestCase):
    def check_config(self, text, *said):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "config.yaml"
            path.write_bytes(text.encode() if isinstance(text, str) else text)
            done = run("run", "--config", path)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertLess(len(done.stderr), 20000)
        for one in said:
            self.assertIn(one, done.stderr)

    def test_a_configuration_that_is_wrong_says_where(self):
        self.check_config("storage_acounts: []\n", "config.yaml:1:1", "storage_accounts")
        self.check_config("public_ip: maybe\n", "config.yaml:1:12", "true or false")
        self.check_config("workspace:\n\tname: x\n", "config.yaml:2", "tab")
        self.check_config(os.urandom(10 << 20), "config.yaml")

    def test_a_catalogue_that_is_wrong_says_where(self):
        cases = {
            "entries:\n  - {id: a.b, title: t, stack: https, port: 443, host: '{regoin}.x'}\n": "{region}",
            "clouds:\n  public: {a: '{b}', b: '{a}'}\nentries:\n  - {id: a.b, title: t, stack: node}\n": "cycle",
        }
        for text, said in cases.items():
            with tempfile.TemporaryDirectory() as folder:
                path = pathlib.Path(folder) / "catalogue.yaml"
                path.write_text(text)
                done = run("list", "checks", "--catalog", path)
            self.assertEqual(done.returncode, 2)
            self.assertIn(said, done.stderr)

    def test_a_report_that_is_none_says_why(self):
        for text, said in [("<html>", "no JSON"), ('{"schema": 1,\n "id": }', "at line 2, column 8"), ("{}", "schema"), ('{"schema":"vnetprobe.report/9"}', "vnetprobe.report/9"),
                           ('{"schema":"vnetprobe.report/1","id":"x","started_at":"2026-01-01T00:00:00Z","checks":[{"target":{"port":"x"}}]}', "checks[0].target.port")]:
            done = run("diagnose", "-", stdin=text)
            self.assertEqual(done.returncode, 2)
            self.assertIn(said, done.stderr)


class Runs(unittest.TestCase):
    def test_a_glob_that_fits_nothing_is_told_and_the_others_count(self):
        done = run("run", "--only", "node.os", "--only", "node.clok", "--skip", "tag.Strage*")
        self.assertEqual(done.returncode, 0)
        for glob in ("node.clok", "tag.Strage*"):
            self.assertIn(f"'{glob}' fits no check of this plan", done.stderr)
        self.assertNotIn("'node.os'", done.stderr)

    def test_a_dead_network_gives_a_report_and_no_crash(self):
        done = run("run", "--profile", "compute-instance", "--format", "json")
        report = json.loads(done.stdout)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(report["verdict"], "unhealthy")
        self.assertEqual(report["diagnoses"][0]["code"].split(".")[0] in ("route", "dns"), True, report["diagnoses"][0]["code"])

    def test_a_saved_report_is_diagnosed_to_the_same_words(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "deep" / "report.json"
            first = run("demo", "--fault", "storage-firewall", "--output", f"json={path}", alone=False)
            again = run("diagnose", path)
            self.assertEqual(first.returncode, again.returncode)
            self.assertEqual(first.stdout, again.stdout)
            self.assertEqual([entry.name for entry in path.parent.iterdir()], ["report.json"])

    def test_an_unwritable_output_is_named_and_the_report_is_still_shown(self):
        done = run("demo", "--output", "json=/proc/nowhere/report.json", alone=False)
        self.assertEqual(done.returncode, 3)
        self.assertIn("/proc/nowhere", done.stderr)
        self.assertIn("HEALTHY", done.stdout)

    def test_an_interruption_before_the_first_check_has_its_report_too(self):
        child = subprocess.Popen([*ALONE, BINARY, "run", "--format", "json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        # Said between the question to IMDS and the first check.
        while "profile" not in (line := child.stderr.readline()):
            self.assertTrue(line, "it ended without a word about the profile")
        child.send_signal(signal.SIGINT)
        out, _ = child.communicate(timeout=60)
        report = json.loads(out)
        self.assertEqual((report["complete"], report["interrupted_by"], child.returncode), (False, "signal", 1))

    def test_reports_and_bundles_are_read_from_pipes(self):
        with tempfile.TemporaryDirectory() as folder:
            report, archive = pathlib.Path(folder) / "r.json", pathlib.Path(folder) / "b.tar.gz"
            run("demo", "--fault", "storage-firewall", "--output", report, alone=False)
            run("bundle", "--report", report, "--output", archive)
            for file in (report, archive):
                for name in ("-", "/dev/stdin"):
                    with open(file, "rb") as content:
                        feeder = subprocess.Popen(["cat"], stdin=content, stdout=subprocess.PIPE)
                        done = subprocess.run([BINARY, "diagnose", name, "--format", "json"], stdin=feeder.stdout, capture_output=True, text=True)
                        feeder.wait()
                    self.assertEqual(done.returncode, 1, done.stderr)
                    self.assertEqual(json.loads(done.stdout)["diagnoses"][0]["code"], "storage.denied_by_firewall")

    def test_a_reader_that_went_away_is_no_failure_and_a_full_disk_is(self):
        for words in (("list", "codes"), ("docs", "config"), ("explain", "tcp.timeout"), ("demo", "--list")):
            read, write = os.pipe()
            os.close(read)
            done = subprocess.run([BINARY, *words], stdout=write, stderr=subprocess.PIPE, text=True)
            os.close(write)
            self.assertEqual((done.returncode, done.stderr), (0, ""), words)
            with open("/dev/full", "w") as full:
                done = subprocess.run([BINARY, *words], stdout=full, stderr=subprocess.PIPE, text=True)
            self.assertEqual(done.returncode, 3, words)
            self.assertIn("No space left", done.stderr)

    def test_a_stderr_that_takes_nothing_costs_words_and_no_report(self):
        with open("/dev/full", "w") as full:
            done = subprocess.run([BINARY, "demo"], stdout=subprocess.PIPE, stderr=full, text=True)
            self.assertEqual(done.returncode, 0)
            self.assertIn("HEALTHY", done.stdout)
            done = subprocess.run([BINARY, "explain", "nope"], stdout=subprocess.PIPE, stderr=full, text=True)
            self.assertEqual(done.returncode, 2)

    def test_a_closed_stdout_is_told(self):
        done = subprocess.run(["sh", "-c", 'exec "$0" demo >&-', BINARY], stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, 3)
        self.assertIn("stdout: Bad file descriptor", done.stderr)

    def test_the_demo_is_the_same_on_a_node_of_another_cloud(self):
        there = ("azureml://usgovvirginia.api.ml.azure.us/mlflow/v1.0/subscriptions/22222222-2222-2222-2222-222222222222/resourceGroups/rg/"
                 "providers/Microsoft.MachineLearningServices/workspaces/ws1")
        done = subprocess.run([BINARY, "demo", "--format", "json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              env={**os.environ, "MLFLOW_TRACKING_URI": there, "HTTPS_PROXY": "http://proxy.test:3128"})
        report = json.loads(done.stdout)
        self.assertEqual((report["verdict"], report["node"]["cloud"]["value"], report["diagnoses"]), ("healthy", "public", []))

    def test_a_name_that_is_led_elsewhere_is_not_looked_up(self):
        """As curl has --connect-to; in a namespace where no DNS server can answer."""
        script = ("ip link set lo up; python3 -m http.server 8099 --bind 127.0.0.1 >/dev/null 2>&1 & server=$!; "
                  "until python3 -c 'import socket; socket.create_connection((\"127.0.0.1\", 8099))' 2>/dev/null; do sleep 0.1; done; "
                  '"$0" run --only "target.*" --target http://nowhere.invalid/ --connect-to nowhere.invalid:80:127.0.0.1:8099 --format json; '
                  "status=$?; kill $server; exit $status")
        done = subprocess.run([*ALONE, "sh", "-c", script, BINARY], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        check = json.loads(done.stdout)["checks"][0]
        self.assertEqual((check["verdict"], [seen["layer"] for seen in check["observations"]]), ("pass", ["tcp", "http"]))
        self.assertEqual(check["observations"][0]["instead_of"], "nowhere.invalid:80")

    def test_an_error_repeats_nothing_that_a_terminal_obeys(self):
        for words in (("explain", "a\x1b[31mb"), ("--\x1b[31m",), ("run", "--config", "/tmp/\u202eno"), ("demo", "--fault", "\x07")):
            done = run(*words)
            self.assertEqual(done.returncode, 2, words)
            for bad in ("\x1b", "\x07", "\u202e"):
                self.assertNotIn(bad, done.stderr)

    def test_a_misspelt_fault_is_answered_with_the_one_that_was_meant(self):
        self.assertIn("did you mean 'storage-firewall'?", run("demo", "--fault", "storage-firewal").stderr)

    def test_interruption_ends_within_a_moment_with_what_was_seen(self):
        for how in ("signal", "deadline"):
            words = ["demo", "--fault", "tcp-silent", "--format", "json"]
            if how == "deadline":
                words = None
            if words:
                child = subprocess.Popen([BINARY, *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
                time.sleep(1)
                child.send_signal(signal.SIGINT)
                out, _ = child.communicate(timeout=20)
                report = json.loads(out)
                self.assertFalse(report["complete"])
                self.assertEqual(child.returncode, 1)
            else:
                with tempfile.TemporaryDirectory() as folder:
                    config = pathlib.Path(folder) / "config.yaml"
                    config.write_text("cloud: public\nregion: eastus2\nsubscription: 00000000-0000-0000-0000-000000000000\n"
                                      "targets:\n  - {name: silent, tcp: '127.0.0.1:9'}\n")
                    done = run("run", "--config", config, "--only", "node.*", "--deadline", "1ms", "--format", "json")
                    self.assertFalse(json.loads(done.stdout)["complete"])
                    self.assertEqual(done.returncode, 1)

    def test_text_is_plain_when_piped_and_within_80_columns_but_for_commands(self):
        done = run("demo", "--fault", "dns-server-dead", alone=False)
        self.assertNotIn("\033", done.stdout)
        wide = [line for line in done.stdout.splitlines() if len(line) > 80 and not line.startswith("       ")]
        self.assertEqual(wide, [])


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]])
