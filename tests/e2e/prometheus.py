#!/usr/bin/env python3
"""Three nodes with daemons in namespaces of their own, scraped by a real Prometheus with the packaged rules, a real Alertmanager behind it:
one node is broken, the right alert comes and no other; it is repaired, and the alert is resolved.

    prometheus.py BINARY PACKAGING [--picture FILE.png]

With --picture the console page is photographed while one node is broken."""
import http.server
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.parse
import urllib.request

MISSING = [program for program in ("prometheus", "promtool", "prometheus-alertmanager", "amtool", "nsenter") if not shutil.which(program)]
if MISSING or os.geteuid() != 0:
    print("skipped:", f"{', '.join(MISSING)} not installed" if MISSING else "network namespaces need root")
    sys.exit(77)
if os.environ.get("VNETPROBE_TEST_NAMESPACE") != "own":
    os.environ["VNETPROBE_TEST_NAMESPACE"] = "own"
    os.execvp("unshare", ["unshare", "-n", "sh", "-c", 'ip link set lo up && exec "$0" "$@"', sys.executable, *sys.argv])

PICTURE = sys.argv.pop() if "--picture" in sys.argv else ""
sys.argv = [word for word in sys.argv if word != "--picture"]
BINARY, PACKAGING = os.path.abspath(sys.argv.pop(1)), pathlib.Path(sys.argv.pop(1)).resolve()
PATIENCE = 120
HUB, SERVICE = "10.9.0.1", "10.9.0.2"


def sh(*words, **more):
    return subprocess.run([str(word) for word in words], check=True, text=True, capture_output=True, **more).stdout


def wait_until(what, condition):
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        value = condition()
        if value:
            return value
        time.sleep(0.1)
    raise AssertionError(f"waited in vain for: {what}")


def get(url):
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
            return answer.read().decode()
    except OSError as error:
        return str(error)


class Handler(http.server.BaseHTTPRequestHandler):
    alerts = []  # (status, alert) in the order of their coming

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "3")
        self.end_headers()
        self.wfile.write(b"ok\n")

    def do_POST(self):
        for alert in json.loads(self.rfile.read(int(self.headers["Content-Length"])))["alerts"]:
            Handler.alerts.append(alert)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    # The default of five waiting connections drops SYNs on a busy machine, which is a true tcp.timeout.
    request_queue_size = 1024


def serve(address, port):
    server = Server((address, port), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()


class Node:
    def __init__(self, case, number):
        self.address = f"10.9.0.{10 + number}"
        self.instance = f"{self.address}:9798"
        holder = subprocess.Popen(["unshare", "-n", "sleep", "infinity"])
        case.addCleanup(lambda: (holder.kill(), holder.wait()))
        wait_until("the namespace", lambda: os.readlink(f"/proc/{holder.pid}/ns/net") != os.readlink("/proc/self/ns/net"))
        self.enter = ["nsenter", "-t", str(holder.pid), "-n"]
        sh("ip", "link", "add", f"node{number}", "type", "veth", "peer", "name", "eth0", "netns", holder.pid)
        sh("ip", "link", "set", f"node{number}", "master", "hub", "up")
        for words in (("link", "set", "lo", "up"), ("address", "add", f"{self.address}/24", "dev", "eth0"), ("link", "set", "eth0", "up")):
            self.ip(*words)
        folder = case.path / f"node{number}"
        folder.mkdir()
        (folder / "config.yaml").write_text(
            "region: eastus2\ncloud: public\nsubscription: 00000000-0000-0000-0000-000000000001\n"
            f"targets: [{{name: service, url: \"http://{SERVICE}:8080/\"}}, {{name: other, tcp: \"{HUB}:8080\"}}]\n"
            f"daemon: {{every: 2s, jitter: 0%, metrics: \"{self.instance}\"}}\n")
        with open(folder / "log", "wb") as log:
            self.daemon = subprocess.Popen([*self.enter, BINARY, "daemon", "--config", folder / "config.yaml", "--state", folder / "state",
                                            "--only", "target.*"], stdout=log, stderr=log)
        case.addCleanup(lambda: (self.daemon.kill(), self.daemon.wait()))

    def ip(self, *words):
        sh(*self.enter, "ip", *words)


class Prometheus(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name)
        # With an address of its own: else it takes a new one from the ports that join, and who knows the old one talks to nobody.
        sh("ip", "link", "add", "hub", "address", "02:00:00:00:09:01", "type", "bridge")
        for address in (HUB, SERVICE):
            sh("ip", "address", "add", f"{address}/24", "dev", "hub")
        sh("ip", "link", "set", "hub", "up")
        serve("0.0.0.0", 8080)
        serve("127.0.0.1", 9099)
        self.nodes = [Node(self, number) for number in (1, 2, 3)]

    def tearDown(self):
        if self._outcome.result.failures or self._outcome.result.errors:
            for log in sorted(self.path.glob("**/*log")):
                print(f"--- {log.name} of {log.parent.name}", log.read_text(errors="replace")[-2000:] if log.is_file() else "", file=sys.stderr)

    def child(self, *words):
        with open(self.path / (pathlib.Path(words[0]).name + ".log"), "wb") as log:
            process = subprocess.Popen([str(word) for word in words], stdout=log, stderr=log, cwd=self.path)
        self.addCleanup(lambda: (process.kill(), process.wait()))

    def start_engines(self):
        # The packaged files, with waits that fit a test. A machine so busy that a scrape takes longer than its second is another matter
        # (a node that does not answer has its case in the rules' own tests), so that alert's wait stays as it is.
        rules = (PACKAGING / "prometheus/vnetprobe.rules.yml").read_text()
        hasty = re.sub(r"for: \d+[mh]", "for: 1s", rules)
        hasty = re.sub(r"(- alert: VnetprobeDown\n(?:.*\n)*?\s+for: )1s", r"\g<1>1h", hasty, count=1)
        (self.path / "vnetprobe.rules.yml").write_text(hasty)
        routes = (PACKAGING / "prometheus/alertmanager.yml").read_text()
        (self.path / "alertmanager.yml").write_text(routes.replace("group_wait: 30s", "group_wait: 1s").replace("group_interval: 5m", "group_interval: 1s"))
        targets = json.dumps([node.instance for node in self.nodes])
        (self.path / "prometheus.yml").write_text(f"""
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: [vnetprobe.rules.yml]
alerting: {{alertmanagers: [{{static_configs: [{{targets: ["127.0.0.1:9093"]}}]}}]}}
scrape_configs:
  - {{job_name: vnetprobe, static_configs: [{{targets: {targets}}}]}}
  - job_name: vnetprobe-targets
    metrics_path: /probe
    static_configs: [{{targets: [service]}}]
    relabel_configs:
      - {{source_labels: [__address__], target_label: __param_target}}
      - {{target_label: __address__, replacement: "{self.nodes[1].instance}"}}
""")
        sh("promtool", "check", "config", self.path / "prometheus.yml")
        self.child("prometheus", f"--config.file={self.path}/prometheus.yml", f"--storage.tsdb.path={self.path}/tsdb", "--web.listen-address=127.0.0.1:9090",
                   f"--web.console.templates={PACKAGING}/prometheus/consoles", "--web.console.libraries=/nonexistent")
        self.child("prometheus-alertmanager", f"--config.file={self.path}/alertmanager.yml", f"--storage.path={self.path}/am", "--cluster.listen-address=",
                   "--web.listen-address=127.0.0.1:9093")

    def query(self, expression):
        answer = get("http://127.0.0.1:9090/api/v1/query?" + urllib.parse.urlencode({"query": expression}))
        try:
            parsed = json.loads(answer)
        except ValueError:
            return []
        self.assertEqual(parsed["status"], "success", (expression, answer))
        return parsed["data"]["result"]

    def told(self, status, name):
        return [alert["labels"] for alert in Handler.alerts if alert["status"] == status and alert["labels"]["alertname"] == name]

    def test_one_broken_node_is_one_alert_by_its_cause_and_one_that_it_differs(self):
        self.start_engines()
        wait_until("three healthy nodes", lambda: len(self.query('vnetprobe_report_verdict{verdict="healthy"} == 1')) == 3)
        wait_until("a probe through a node", lambda: self.query('probe_success{job="vnetprobe-targets"} == 1'))
        self.assertEqual(Handler.alerts, [])
        broken = self.nodes[1]
        broken.ip("route", "add", "prohibit", f"{SERVICE}/32")
        wait_until("the cause", lambda: self.told("firing", "VnetprobeRootCause"))
        wait_until("the difference", lambda: self.told("firing", "VnetprobeNodeDiffers"))
        self.assertEqual({labels["code"] for labels in self.told("firing", "VnetprobeRootCause")}, {"route.blackholed_locally"})
        self.assertEqual({labels["instance"] for labels in self.told("firing", "VnetprobeNodeDiffers")}, {broken.instance})
        self.assertEqual({alert["labels"]["alertname"] for alert in Handler.alerts}, {"VnetprobeRootCause", "VnetprobeNodeDiffers"})
        told = [alert for alert in Handler.alerts if alert["labels"]["alertname"] == "VnetprobeRootCause"][0]["annotations"]
        self.assertIn("on 1 node (who fixes it: node)", told["summary"])
        self.assertIn(broken.instance, told["description"])
        self.assertEqual([r["metric"]["instance"] for r in self.query("probe_success == 0")], [broken.instance])
        self.check_dashboard()
        self.check_console(broken)
        wait_until("the diagnosis of the probe", lambda: self.query('probe_diagnoses{code="route.blackholed_locally"}'))
        broken.ip("route", "del", "prohibit", f"{SERVICE}/32")
        wait_until("the end of it", lambda: self.told("resolved", "VnetprobeRootCause") and self.told("resolved", "VnetprobeNodeDiffers"))

    def check_dashboard(self):
        dashboard = json.loads((PACKAGING / "grafana/vnetprobe.json").read_text())
        self.assertEqual(len({panel["id"] for panel in dashboard["panels"]}), len(dashboard["panels"]))
        empty = []
        for panel in dashboard["panels"]:
            for target in panel["targets"]:
                if not self.query(target["expr"].replace("$job", "vnetprobe").replace("$node", ".*")):
                    empty.append(panel["title"])
        # No target of this test speaks TLS.
        self.assertEqual(empty, ["Next certificate to end", "Certificates"])

    def check_console(self, broken):
        page = get("http://127.0.0.1:9090/consoles/vnetprobe.html")
        self.assertNotIn("error executing template", page)
        self.assertIn(f"<td>1: {broken.instance}</td>", page)
        self.assertIn("route.blackholed_locally", page)
        if PICTURE:
            sh("chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=1100,830", f"--screenshot={PICTURE}",
               "http://127.0.0.1:9090/consoles/vnetprobe.html")


class Rules(unittest.TestCase):
    def test_promtool_takes_every_file(self):
        folder = PACKAGING / "prometheus"
        sh("promtool", "check", "config", folder / "prometheus.yml")
        print(sh("promtool", "test", "rules", "vnetprobe.test.yml", cwd=folder))
        sh("amtool", "check-config", folder / "alertmanager.yml")

    def test_every_alert_has_a_case_in_which_it_comes(self):
        rules = (PACKAGING / "prometheus/vnetprobe.rules.yml").read_text()
        cases = (PACKAGING / "prometheus/vnetprobe.test.yml").read_text()
        for alert in re.findall(r"- alert: (\w+)", rules):
            self.assertRegex(cases, rf"alertname: {alert}\n\s+exp_alerts:\n", alert)


if __name__ == "__main__":
    unittest.main(verbosity=2)
