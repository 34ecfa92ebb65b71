#!/usr/bin/env python3
"""The daemon as systemd and Prometheus meet it: readiness and watchdog, signals, a broken configuration, changes and flapping at a webhook,
hostile HTTP clients, kill -9, clocks that jump, and a day's runs with flat memory and descriptors.

    daemon.py BINARY [Signals | Pages | Changes | Long]

Runs in a network namespace of its own, so that every address in it is the test's."""
import http.server
import json
import os
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request

if os.environ.get("VNETPROBE_TEST_NAMESPACE") != "own":
    if os.geteuid() != 0:
        print("skipped: a network namespace needs root")
        sys.exit(77)
    os.environ["VNETPROBE_TEST_NAMESPACE"] = "own"
    os.execvp("unshare", ["unshare", "-n", "sh", "-c", 'ip link set lo up && exec "$0" "$@"', sys.executable, *sys.argv])

BINARY = os.path.abspath(sys.argv.pop(1))
FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"
PUBLIC = "20.42.65.84"  # exists on this namespace's loopback only
PATIENCE = 120  # seconds after which something is taken for lost; nothing is measured by it


def wait_until(what, condition):
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"waited in vain for: {what}")


class Target:
    """An HTTP server whose answer the test chooses, and which counts its connections."""

    def __init__(self, address="127.0.0.1"):
        self.up, self.asked = True, 0
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.asked += 1
                if not outer.up:  # the connection ends without an answer
                    self.close_connection = True
                    return
                self.send_response(200)
                self.send_header("Content-Length", "3")
                self.end_headers()
                self.wfile.write(b"ok\n")

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.taken.append(json.loads(body))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.taken = []
        self.server = http.server.ThreadingHTTPServer((address, 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.url = f"http://{address}:{self.port}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Manager:
    """What systemd is to a service of Type=notify."""

    def __init__(self, case):
        self.path = str(case.path / "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.settimeout(0.05)
        case.addCleanup(self.socket.close)
        self.told = []

    def heard(self, word):
        try:
            while True:
                self.told.append(self.socket.recv(4096).decode())
        except TimeoutError:
            pass
        return any(word in message for message in self.told)


class Daemon:
    def __init__(self, folder, config, *flags, env=None, port=None):
        self.port = port or free_port()
        self.config = folder / "config.yaml"
        self.state = folder / "state"
        self.log = folder / "log"
        self.write(config)
        self.start(*flags, env=env)

    def write(self, config):
        base = "region: eastus2\ncloud: public\nsubscription: 00000000-0000-0000-0000-000000000001\n"
        self.config.write_text(base + config.replace("PORT", str(self.port)))

    def start(self, *flags, env=None):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([BINARY, "daemon", "--config", self.config, "--state", self.state, "--only", "target.*", *flags],
                                            stdout=log, stderr=log, env={**os.environ, **(env or {})})

    def get(self, path, **headers):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError as error:
            return 0, str(error)

    def metric(self, name):
        for line in self.get("/metrics")[1].splitlines():
            if line.startswith(name + " "):
                return float(line.rsplit(" ", 1)[1])
        return None

    def runs(self):
        return self.metric('vnetprobe_daemon_runs_total{result="completed"}') or 0

    def history(self):
        return sorted((self.state / "history").glob("*.json"))

    def logged(self):
        return self.log.read_text()

    def end(self, by=signal.SIGTERM):
        self.process.send_signal(by)
        return self.process.wait(PATIENCE)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name)
        self.target = self.a_target()

    def a_target(self, address="127.0.0.1"):
        target = Target(address)
        self.addCleanup(target.close)
        return target

    def daemon(self, config=None, *flags, every="1h", env=None, wait=True, more=""):
        config = config if config is not None else f"targets: [{{name: web, url: \"{self.target.url}\"}}]\n"
        daemon = Daemon(self.path, config + f"daemon: {{every: {every}, jitter: 0%, metrics: \"127.0.0.1:PORT\"{more}}}\n", *flags, env=env)
        self.addCleanup(lambda: daemon.process.poll() is None and (daemon.process.kill(), daemon.process.wait()))
        if wait:
            wait_until("the first report", lambda: daemon.process.poll() is not None or daemon.runs() >= 1)
            self.assertIsNone(daemon.process.poll(), daemon.logged())
        return daemon


class Signals(Case):
    def test_tells_the_service_manager_what_it_does(self):
        manager = Manager(self)
        daemon = self.daemon(env={"NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "200000"})
        wait_until("READY=1", lambda: manager.heard("READY=1"))
        wait_until("the watchdog's sign", lambda: manager.heard("WATCHDOG=1"))
        wait_until("a status", lambda: manager.heard("STATUS=HEALTHY: 1 check passed"))
        daemon.process.send_signal(signal.SIGHUP)
        wait_until("RELOADING=1", lambda: manager.heard("RELOADING=1\nMONOTONIC_USEC="))
        self.assertEqual(daemon.end(), 0)
        self.assertTrue(manager.heard("STOPPING=1"))

    def test_runs_now_on_sigusr1(self):
        daemon = self.daemon()
        for wanted in (2, 3):
            daemon.process.send_signal(signal.SIGUSR1)
            wait_until("another run", lambda: daemon.runs() >= wanted)
        self.assertEqual(len(daemon.history()), 3)

    def test_a_broken_configuration_changes_nothing_and_says_why(self):
        daemon = self.daemon()
        good = daemon.config.read_text()
        daemon.write("targets: [{nam: web}]\n")
        daemon.process.send_signal(signal.SIGHUP)
        wait_until("the refusal", lambda: daemon.metric("vnetprobe_config_last_reload_successful") == 0)
        self.assertIn("config.yaml:4:12: unknown key 'nam'", daemon.logged())
        daemon.process.send_signal(signal.SIGUSR1)
        wait_until("a run by the old configuration", lambda: daemon.runs() >= 2)
        self.assertIn('"target.web"', daemon.history()[-1].read_text())
        self.assertIn(str(daemon.config), daemon.history()[-1].read_text(), "sources name the file, not where the run found it")
        daemon.config.write_text(good.replace("name: web", "name: other"))
        daemon.process.send_signal(signal.SIGHUP)
        wait_until("the reload", lambda: daemon.metric("vnetprobe_config_last_reload_successful") == 1)
        daemon.process.send_signal(signal.SIGUSR1)
        wait_until("a run by the new one", lambda: 'check="target.other"' in daemon.get("/metrics")[1])

    def test_a_reload_moves_the_pages_and_keeps_them_where_the_new_place_is_taken(self):
        daemon = self.daemon()
        text, old = daemon.config.read_text(), daemon.port
        taken = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(taken.close)
        daemon.config.write_text(text.replace(f":{old}\"", f":{taken.getsockname()[1]}\""))
        daemon.process.send_signal(signal.SIGHUP)
        wait_until("the refusal", lambda: daemon.metric("vnetprobe_config_last_reload_successful") == 0)
        self.assertIn("cannot listen there", daemon.logged())
        daemon.port = free_port()
        daemon.config.write_text(text.replace(f":{old}\"", f":{daemon.port}\""))
        daemon.process.send_signal(signal.SIGHUP)
        wait_until("the new place", lambda: daemon.get("/healthz") == (200, "ok\n"))

    def test_sigterm_does_not_wait_for_a_run(self):
        silent = socket.create_server(("127.0.0.1", 0))  # accepts and says nothing
        self.addCleanup(silent.close)
        config = f"targets: [{{name: mute, url: \"http://127.0.0.1:{silent.getsockname()[1]}/\"}}]\ntimeouts: {{http: 10m}}\ndeadline: 20m\n"
        daemon = self.daemon(config, wait=False)
        silent.settimeout(PATIENCE)
        connection, _ = silent.accept()
        self.addCleanup(connection.close)
        began = time.monotonic()
        self.assertEqual(daemon.end(), 0, daemon.logged())
        print(f"SIGTERM during a run: ended after {time.monotonic() - began:.2f} s")
        connection.settimeout(PATIENCE)
        while connection.recv(4096):  # the run is gone too: end of file
            pass

    def test_what_is_told_to_the_whole_service_does_not_end_a_run(self):
        slow = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(slow.close)
        slow.settimeout(PATIENCE)
        daemon = self.daemon(f"targets: [{{name: late, url: \"http://127.0.0.1:{slow.getsockname()[1]}/\"}}]\ntimeouts: {{http: 10m}}\ndeadline: 20m\n", wait=False)
        connection, _ = slow.accept()
        self.addCleanup(connection.close)
        children = subprocess.run(["pgrep", "-P", str(daemon.process.pid)], capture_output=True, text=True).stdout.split()
        self.assertEqual(len(children), 1)
        for told in (signal.SIGUSR1, signal.SIGHUP):
            os.kill(int(children[0]), told)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        wait_until("the report", lambda: daemon.runs() == 1)
        self.assertEqual(len(daemon.history()), 1, daemon.logged())

    def test_one_daemon_a_state_directory(self):
        daemon = self.daemon()
        second = subprocess.run([BINARY, "daemon", "--config", daemon.config, "--state", daemon.state, "--listen", "none"],
                                capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual(second.returncode, 2)
        self.assertIn("another vnetprobe daemon works there", second.stderr)

    def test_what_is_wrong_with_the_start_is_said_with_status_2(self):
        for config, words in (("daemon: {metrics: \"0.0.0.0:9798\"}\n", "is not served to everybody without"),
                              ("daemon: {token_file: /nonexistent}\n", "/nonexistent"),
                              ("daemon: {tls: {certificate: /a}}\n", "write both"),
                              ("daemon: {every: 0s}\n", "every"),
                              ("catalog: /nonexistent\n", "unknown key")):
            file = self.path / "wrong.yaml"
            file.write_text(config)
            done = subprocess.run([BINARY, "daemon", "--config", file, "--state", self.path / "s"], capture_output=True, text=True, timeout=PATIENCE)
            self.assertEqual(done.returncode, 2, (config, done.stderr))
            self.assertIn(words, done.stderr)

    def test_a_run_that_gives_no_report_is_counted_and_backed_off(self):
        catalog = self.path / "mine.yaml"
        made = subprocess.run([BINARY, "list", "checks", "--format", "yaml"], capture_output=True, text=True, timeout=PATIENCE)
        catalog.write_text(made.stdout)
        daemon = self.daemon(None, "--catalog", catalog)
        catalog.unlink()
        daemon.process.send_signal(signal.SIGUSR1)
        wait_until("the failure", lambda: daemon.metric('vnetprobe_daemon_runs_total{result="failed"}') == 1)
        self.assertIn("the run gave no report: exit status 2", daemon.logged())
        self.assertIn("mine.yaml: No such file", daemon.logged())
        self.assertEqual(daemon.get("/healthz")[0], 200)


class Pages(Case):
    def test_every_page(self):
        daemon = self.daemon()
        status, metrics = daemon.get("/metrics")
        self.assertEqual(status, 200)
        checked = subprocess.run(["promtool", "check", "metrics"], input=metrics, capture_output=True, text=True)
        self.assertEqual((checked.returncode, checked.stdout + checked.stderr), (0, ""))
        for wanted in ("vnetprobe_build_info{", 'vnetprobe_report_verdict{verdict="healthy"} 1', "vnetprobe_report_age_seconds",
                       'vnetprobe_check_verdict{check="target.web",required="true",verdict="pass"} 1', "vnetprobe_spool_reports{",
                       'vnetprobe_check_success{check="target.web",required="true"} 1',
                       'vnetprobe_check_layer_duration_seconds{check="target.web",layer="http"}'):
            self.assertIn(wanted, metrics)
        self.assertEqual(daemon.get("/healthz"), (200, "ok\n"))
        report = json.loads(daemon.get("/report.json")[1])
        self.assertEqual((report["verdict"], report["change"]["kind"]), ("healthy", "first"))
        self.assertTrue(daemon.get("/report")[1].startswith("<!doctype html>"))
        self.assertEqual(json.loads(daemon.get("/report", Accept="application/json")[1])["id"], report["id"])
        self.assertIn("/metrics", daemon.get("/")[1])
        self.assertEqual(daemon.get("/nothing")[0], 404)

    def test_probes_one_target_as_blackbox_exporter_does(self):
        daemon = self.daemon()
        self.target.up = False
        for query, success in (("target=web", 0), (f"target={self.target.url}", 0), ("target=target.web", 0), ("target=web&module=tcp", 1)):
            status, text = daemon.get("/probe?" + query)
            self.assertEqual(status, 200, text)
            self.assertIn(f"\nprobe_success {success}\n", "\n" + text, query)
            checked = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True)
            self.assertEqual((checked.returncode, checked.stdout + checked.stderr), (0, ""), query)
            self.assertNotIn("vnetprobe_", text, "a probe's scrape is not one more node")
        self.target.up = True
        self.assertIn("probe_http_status_code 200", daemon.get("/probe?target=web")[1])
        self.assertEqual(daemon.get("/probe")[0], 400)
        self.assertEqual(daemon.get("/probe?target=http://127.0.0.1:1/")[0], 403)
        self.assertEqual(daemon.runs(), 1, "a probe is no run: nothing of it is kept")

    def test_other_targets_only_where_allowed(self):
        daemon = self.daemon(more=", probe_any: true")
        other = self.a_target()
        self.assertIn("probe_success 1", daemon.get(f"/probe?target={other.url}")[1])
        self.assertIn("probe_success 0", daemon.get("/probe?target=127.0.0.1:1&module=tcp")[1])

    def test_idle_slow_and_hostile_clients_hold_up_nobody(self):
        daemon = self.daemon()
        idle = []
        self.addCleanup(lambda: [client.close() for client in idle])
        for _ in range(1000):
            try:
                idle.append(socket.create_connection(("127.0.0.1", daemon.port), 5))
            except OSError:
                break
        self.assertGreater(len(idle), 900)
        self.assertEqual(daemon.get("/healthz"), (200, "ok\n"))
        self.assertLess(len(os.listdir(f"/proc/{daemon.process.pid}/fd")), 200)
        for client in idle:
            client.close()
        for sent, answer in ((b"GET /" + b"x" * 100_000, b"431"), (b"\x16\x03\x01\x00" * 10 + b"\r\n\r\n", b"400"),
                             (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\nabc", b"405"), (b"GET / HTTP/1.1\r\n\x00: y\r\n\r\n", b"400")):
            with socket.create_connection(("127.0.0.1", daemon.port), PATIENCE) as client:
                try:
                    client.sendall(sent)
                except OSError:
                    pass  # the answer came before all was sent
                self.assertIn(answer, client.recv(100)[:20], sent[:20])
        slow = socket.create_connection(("127.0.0.1", daemon.port), PATIENCE)
        self.addCleanup(slow.close)
        slow.sendall(b"GET /heal")
        self.assertEqual(daemon.get("/healthz")[0], 200)
        slow.sendall(b"thz HTTP/1.1\r\nHost: x\r\n\r\n")
        self.assertIn(b"200 OK", slow.recv(100))
        self.assertEqual(daemon.end(), 0)

    def test_tls_and_a_token(self):
        key, certificate, token = self.path / "k.pem", self.path / "c.pem", self.path / "token"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-keyout", key, "-out",
                        certificate, "-subj", "/CN=node.test", "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
        key.chmod(0o600)
        token.write_text("t0ken-of-the-scraper\n")
        token.chmod(0o600)
        daemon = self.daemon(wait=False, more=f", tls: {{certificate: {certificate}, key: {key}}}, token_file: {token}")
        context = ssl.create_default_context(cafile=certificate)

        def get(path, **headers):
            try:
                request = urllib.request.Request(f"https://127.0.0.1:{daemon.port}{path}", headers=headers)
                with urllib.request.urlopen(request, timeout=PATIENCE, context=context) as answer:
                    return answer.status
            except urllib.error.HTTPError as error:
                return error.code
            except OSError:
                return 0

        wait_until("TLS", lambda: get("/healthz") == 200)
        self.assertEqual(get("/metrics"), 401)
        self.assertEqual(get("/metrics", Authorization="Bearer wrong"), 401)
        self.assertEqual(get("/metrics", Authorization="Bearer t0ken-of-the-scraper"), 200)
        self.assertEqual(daemon.end(), 0)
        written = daemon.logged() + "".join(file.read_text() for file in daemon.history())
        self.assertNotIn("t0ken-of-the-scraper", written)
        key.chmod(0o644)
        refused = subprocess.run([BINARY, "daemon", "--config", daemon.config, "--state", daemon.state], capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual(refused.returncode, 2)
        self.assertIn("chmod", refused.stderr)


class Changes(Case):
    def run_again(self, daemon):
        before = daemon.runs()
        daemon.process.send_signal(signal.SIGUSR1)
        wait_until("a run", lambda: daemon.runs() > before)

    def test_the_receiver_of_changes_hears_of_each_once_and_of_flapping_once(self):
        hook = self.a_target()
        config = (f"targets: [{{name: web, url: \"{self.target.url}\"}}]\n"
                  f"delivery: [{{webhook: \"{hook.url}\", when: change}}]\n")
        daemon = self.daemon(config)
        kinds = lambda: [report["change"]["kind"] for report in hook.taken]
        wait_until("the first report", lambda: kinds() == ["first"])
        self.run_again(daemon)
        self.target.up = False
        self.run_again(daemon)
        wait_until("the fault", lambda: kinds() == ["first", "changed"])
        self.assertEqual(hook.taken[-1]["change"]["previous_verdict"], "healthy")
        self.assertTrue(hook.taken[-1]["change"]["appeared"])
        for up in (True, False, True, False):
            self.target.up = up
            self.run_again(daemon)
        wait_until("the flapping", lambda: kinds() == ["first", "changed", "changed", "flapping"])
        self.assertEqual(daemon.metric("vnetprobe_flapping"), 1)
        for _ in range(4):
            self.run_again(daemon)
        wait_until("the end of it", lambda: kinds() == ["first", "changed", "changed", "flapping", "settled"])
        self.assertEqual(daemon.metric("vnetprobe_flapping"), 0)
        self.assertIn("Flapping: 3 of the last", daemon.logged())

    def test_kill_and_restart_are_no_news_and_lose_nothing(self):
        hook = self.a_target()
        config = (f"targets: [{{name: web, url: \"{self.target.url}\"}}]\n"
                  f"delivery: [{{webhook: \"{hook.url}\", when: change}}]\n")
        daemon = self.daemon(config)
        wait_until("the first report", lambda: len(hook.taken) == 1)
        # The first kill may come before the receiver's 204 is in the spool: then the same report goes out again, by the same id.
        for _ in range(5):
            self.assertEqual(daemon.end(signal.SIGKILL), -signal.SIGKILL)
            known = len(daemon.history())
            daemon.start()
            wait_until("a run after the restart", lambda: len(daemon.history()) > known and daemon.runs() >= 1)
        wait_until("an empty spool", lambda: daemon.metric('vnetprobe_spool_reports{state="waiting"}') == 0)
        self.assertEqual(len({report["id"] for report in hook.taken}), 1, "nothing changed")
        for file in daemon.history():
            json.loads(file.read_text())

    def test_a_dead_receiver_holds_up_no_run_and_its_reports_wait_on_disk(self):
        port = free_port()
        config = (f"targets: [{{name: web, url: \"{self.target.url}\"}}]\n"
                  f"delivery: [{{webhook: \"http://127.0.0.1:{port}/\"}}]\n")
        daemon = self.daemon(config)
        self.run_again(daemon)
        wait_until("two in the spool", lambda: daemon.metric('vnetprobe_spool_reports{state="waiting"}') == 2)
        self.assertEqual(daemon.end(), 0)
        status = subprocess.run([BINARY, "deliver", "--status", "--spool", daemon.state / "spool"], capture_output=True, text=True, timeout=PATIENCE)
        self.assertIn("2 waiting", status.stdout)


class Long(Case):
    def figures(self, daemon):
        status = pathlib.Path(f"/proc/{daemon.process.pid}/status").read_text()
        resident = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
        # Pages that were being served when the directory was read are not the daemon's own.
        return resident, len(os.listdir(f"/proc/{daemon.process.pid}/fd"))

    def test_a_days_runs_leave_memory_and_descriptors_flat(self):
        daemon = self.daemon(every="10ms", more=", keep: 20")
        wait_until("a dozen runs", lambda: daemon.runs() >= 12)
        before = self.figures(daemon)
        wait_until("the rest of the day", lambda: daemon.runs() >= 12 + 96)
        after = self.figures(daemon)
        print(f"after 12 runs {before[0]} KB and {before[1]} descriptors, after a day's 96 more {after[0]} KB and {after[1]}")
        self.assertLess(after[0], before[0] + 2048)
        self.assertLessEqual(abs(after[1] - before[1]), 4, "a run under way has its pipes")
        self.assertLessEqual(len(daemon.history()), 20)

    def test_an_overrun_is_left_out_and_counted(self):
        daemon = self.daemon(every="1ms")
        wait_until("runs", lambda: daemon.runs() >= 3)
        self.assertGreater(daemon.metric("vnetprobe_daemon_runs_skipped_total"), 0)

    def test_clocks_that_jump_do_no_harm(self):
        if not os.path.exists(FAKETIME):
            self.skipTest("libfaketime is not installed")
        offset = self.path / "offset"
        offset.write_text("+0")
        env = {"LD_PRELOAD": FAKETIME, "FAKETIME_TIMESTAMP_FILE": str(offset), "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        daemon = self.daemon(every="50ms", env=env)
        for jump in ("+400d", "-400d", "+0"):
            offset.write_text(jump)
            runs = daemon.runs()
            wait_until(f"runs after the clock went to {jump}", lambda: daemon.runs() >= runs + 3)
        self.assertEqual(daemon.get("/healthz")[0], 200)
        self.assertEqual(daemon.end(), 0)

    def test_no_destination_outside_gets_more_than_its_connections(self):
        subprocess.run(["ip", "address", "add", f"{PUBLIC}/32", "dev", "lo"], check=False, capture_output=True)
        target = self.a_target(PUBLIC)
        daemon = self.daemon(f"targets: [{{name: far, url: \"{target.url}\"}}]\n", every="5ms")
        wait_until("a run that is put off", lambda: daemon.metric("vnetprobe_daemon_runs_delayed_total"))
        self.assertLessEqual(target.asked, 50)
        self.assertGreater(target.asked, 20)


if __name__ == "__main__":
    unittest.main(verbosity=2)
