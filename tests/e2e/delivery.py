#!/usr/bin/env python3
"""Delivery before real receivers: an HTTPS webhook that checks signatures and fails at random, Azurite with a real SAS, squid, a
pseudo-terminal, a datagram socket in journald's place, a full disk, and `kill -9` at random moments.

    delivery.py BINARY NODE_MODULES [Local | Webhook | Blob | Killed]"""
import base64
import datetime
import glob
import hashlib
import hmac
import http.server
import json
import os
import pathlib
import pty
import random
import select
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.parse
import urllib.request

BINARY, NODE_MODULES = (os.path.abspath(sys.argv.pop(1)) for _ in range(2))
KEY = "k3y-that-signs-webhooks"
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def run(*words, **more):
    return subprocess.run([str(word) for word in words], text=True, capture_output=True, check=False, **more)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_for_port(port):
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"nothing listens on {port}")


class Receiver:
    """An HTTPS (or plain) receiver on loopback: keeps every body with its headers; `answer` says what to reply."""

    def __init__(self, folder, answer=lambda request: (200, {}), secure=True):
        self.taken, self.port = [], free_port()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                # A sender that was killed in the middle has sent no request.
                if len(body) != int(self.headers["Content-Length"]):
                    self.close_connection = True
                    return
                request = (dict(self.headers), body, self.path)
                reply = answer(request)
                if reply is None:  # the connection breaks before any answer
                    self.close_connection = True
                    self.connection.close()
                    return
                status, headers = reply
                if status // 100 == 2:
                    outer.taken.append(request)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_PUT = do_POST

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.server.daemon_threads = True
        if secure:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(f"{folder}/leaf.pem", f"{folder}/leaf.key")
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
            self.server.handle_error = lambda *_: None
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def make_certificates(folder):
    def openssl(*words):
        done = run("openssl", *words, cwd=folder)
        assert done.returncode == 0, done.stderr

    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-keyout", "ca.key", "-out", "ca.pem",
            "-subj", "/O=Delivery/CN=Delivery CA")
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "leaf.key", "-out", "leaf.csr", "-subj", "/CN=hook.test")
    pathlib.Path(folder, "ext").write_text("subjectAltName=DNS:hook.test,DNS:devstoreaccount1.blob.test\n")
    openssl("x509", "-req", "-in", "leaf.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "ext", "-out", "leaf.pem")


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.kept = tempfile.TemporaryDirectory()
        cls.certificates = cls.kept.name
        make_certificates(cls.certificates)
        made = run(BINARY, "demo", "--fault", "storage-firewall", "--format", "json", "--quiet")
        assert made.returncode == 1, made.stderr
        cls.report = json.loads(made.stdout)

    @classmethod
    def tearDownClass(cls):
        cls.kept.cleanup()

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = pathlib.Path(self.folder.name)
        self.spool = self.path / "spool"
        self.secret("hook.key", KEY)

    def secret(self, name, text, mode=0o600):
        file = self.path / name
        file.write_text(text + "\n")
        file.chmod(mode)
        return file

    def config(self, *sinks, name="config.yaml", mode=0o600):
        file = self.path / name
        file.write_text("cloud: public\nregion: eastus2\nproxy: none\ndelivery:\n" + "".join(f"  - {{{sink}}}\n" for sink in sinks))
        file.chmod(mode)
        return file

    def report_file(self, number=0, verdict=None):
        """The same report under an id of its own, pretty-printed as the agent does."""
        report = dict(self.report, id="01K" + f"{number:023d}")
        if verdict:
            report["verdict"] = verdict
        file = self.path / f"report{number}.json"
        file.write_text(json.dumps(report, indent=2) + "\n")
        return file, report["id"]

    def deliver(self, config, *words, **more):
        return run(BINARY, "deliver", "--config", config, "--spool", self.spool, "--ca-file", f"{self.certificates}/ca.pem", *words, **more)

    def status(self, config):
        return json.loads(self.deliver(config, "--status", "--format", "json").stdout)


class Webhook(Case):
    def to(self, receiver):
        return ["--connect-to", f"hook.test:443:127.0.0.1:{receiver.port}"]

    def test_arrives_signed_with_its_id(self):
        receiver = Receiver(self.certificates)
        self.addCleanup(receiver.close)
        config = self.config(f'webhook: "https://hook.test/v?token=s3cr3t", secret_file: {self.path}/hook.key')
        file, identity = self.report_file()
        done = self.deliver(config, file, *self.to(receiver))
        self.assertEqual(done.returncode, 0, done.stderr)
        (headers, body, path), = receiver.taken
        self.assertEqual(body, file.read_bytes())
        self.assertEqual(path, "/v?token=s3cr3t")
        self.assertEqual(headers["Idempotency-Key"], identity)
        expected = hmac.new(KEY.encode(), headers["X-Vnetprobe-Timestamp"].encode() + b"." + body, hashlib.sha256).hexdigest()
        self.assertEqual(headers["X-Vnetprobe-Signature"], "sha256=" + expected)
        self.assertEqual(self.status(config)["waiting"], 0)
        self.assertNotIn("s3cr3t", done.stdout + done.stderr)

    def test_waits_while_nobody_listens_and_goes_oldest_first(self):
        config = self.config('webhook: "https://hook.test/v"')
        nobody = ["--connect-to", f"hook.test:443:127.0.0.1:{free_port()}"]
        names = [self.report_file(number) for number in range(3)]
        for file, _ in names:
            done = self.deliver(config, file, *nobody)
            self.assertEqual(done.returncode, 1)
            self.assertIn("ECONNREFUSED", done.stderr)
        self.assertEqual(self.status(config)["waiting"], 3)
        receiver = Receiver(self.certificates)
        self.addCleanup(receiver.close)
        self.assertEqual(self.deliver(config, *self.to(receiver)).returncode, 0)
        self.assertEqual([headers["Idempotency-Key"] for headers, _, _ in receiver.taken], [identity for _, identity in names])
        self.assertEqual(list(self.spool.glob("*.json")), [], "nothing is left")

    def test_honours_retry_after_and_parks_what_is_refused(self):
        answers = [(503, {"Retry-After": "900"}), (400, {}), (302, {"Location": "https://elsewhere.test/"}), (200, {})]
        receiver = Receiver(self.certificates, lambda _: answers.pop(0))
        self.addCleanup(receiver.close)
        config = self.config('webhook: "https://hook.test/v"')
        file, identity = self.report_file()
        before = time.time()
        self.assertEqual(self.deliver(config, file, *self.to(receiver)).returncode, 1)
        state = json.loads((self.spool / f"{identity}.state.json").read_text())["owed"]["webhook https://hook.test/v"]
        self.assertGreaterEqual(state["not_before"], int(before) + 899)
        refused = self.deliver(config, *self.to(receiver))
        self.assertIn("HTTP 400", refused.stderr)
        self.assertEqual(self.status(config)["refused"], 1)
        self.assertIn("--retry-refused", self.deliver(config, "--status").stdout)
        self.assertEqual(self.deliver(config, *self.to(receiver)).returncode, 1, "a refused one stays where it is")
        redirected = self.deliver(config, "--retry-refused", *self.to(receiver))
        self.assertIn("redirect", redirected.stderr)
        self.assertEqual(self.deliver(config, "--retry-refused", *self.to(receiver)).returncode, 0)
        self.assertEqual(len(receiver.taken), 1)

    def test_sends_nothing_to_a_server_that_does_not_verify(self):
        receiver = Receiver(self.certificates)
        self.addCleanup(receiver.close)
        config = self.config('webhook: "https://other.test/v"')
        file, _ = self.report_file()
        done = self.deliver(config, file, "--connect-to", f"other.test:443:127.0.0.1:{receiver.port}")
        self.assertEqual(done.returncode, 1)
        self.assertIn("certificate does not verify", done.stderr)
        self.assertEqual(receiver.taken, [])

    def test_one_dead_sink_holds_up_no_other(self):
        receiver = Receiver(self.certificates)
        self.addCleanup(receiver.close)
        config = self.config('webhook: "https://dead.test/v"', 'webhook: "https://hook.test/v"', f"file: {self.path}/kept/")
        file, identity = self.report_file()
        dead = ["--connect-to", f"dead.test:443:127.0.0.1:{free_port()}"]
        self.assertEqual(self.deliver(config, file, *dead, *self.to(receiver)).returncode, 1)
        self.assertEqual(len(receiver.taken), 1)
        self.assertEqual((self.path / "kept" / f"{identity}.json").read_bytes(), file.read_bytes())
        left, = self.status(config)["reports"]
        self.assertEqual([one["sink"] for one in left["owed"]], ["webhook https://dead.test/v"])

    def test_goes_through_the_proxy(self):
        squid = shutil.which("squid") or "/usr/sbin/squid"
        if not os.path.exists(squid):
            self.skipTest("squid is not installed")
        receiver = Receiver(self.certificates)
        self.addCleanup(receiver.close)
        port = free_port()
        # Squid insists on a user of its own.
        logs = self.path / "squid"
        logs.mkdir()
        for folder in (self.path, logs):
            folder.chmod(0o777)
        hosts = self.path / "hosts"
        hosts.write_text("127.0.0.1 hook.test\n")
        (self.path / "squid.conf").write_text(f"http_port 127.0.0.1:{port}\nhosts_file {hosts}\nacl all_ports port 1-65535\nhttp_access allow all\npid_filename none\n"
                                              f"cache_log {logs}/cache.log\naccess_log stdio:{logs}/access.log\ncache deny all\ncoredump_dir {logs}\n"
                                              "shutdown_lifetime 0 seconds\npinger_enable off\nnetdb_filename none\ncache_mem 8 MB\nvisible_hostname squid.test\ndns_nameservers 127.0.0.1\n")
        child = subprocess.Popen([squid, "-N", "-f", str(self.path / "squid.conf")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)
        wait_for_port(port)
        config = self.config(f'webhook: "https://hook.test:{receiver.port}/v"')
        config.write_text(config.read_text().replace("proxy: none", f"proxy: http://127.0.0.1:{port}"))
        file, _ = self.report_file()
        done = self.deliver(config, file)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(receiver.taken), 1)
        child.terminate()
        child.wait()
        self.assertIn("CONNECT hook.test", (logs / "access.log").read_text())

    def test_a_run_delivers_what_changed_and_says_what_waits(self):
        receiver = Receiver(self.certificates)
        self.addCleanup(receiver.close)
        config = self.config('webhook: "https://hook.test/v", when: change', f"file: {self.path}/last.json")
        words = [BINARY, "run", "--config", config, "--spool", self.spool, "--ca-file", f"{self.certificates}/ca.pem", "--only", "node.os", "--format", "json",
                 *self.to(receiver)]
        first, second = run(*words), run(*words)
        self.assertEqual((first.returncode, second.returncode), (0, 0), first.stderr + second.stderr)
        self.assertEqual(len(receiver.taken), 1, "the second one is no change")
        self.assertEqual(json.loads((self.path / "last.json").read_text())["id"], json.loads(second.stdout)["id"])
        self.deliver(config, self.report_file()[0], "--connect-to", f"hook.test:443:127.0.0.1:{free_port()}")
        self.assertEqual(json.loads(run(*words).stdout)["spool"]["waiting"], 1)


class Local(Case):
    def test_a_file_is_replaced_as_a_whole_and_a_full_disk_keeps_the_report(self):
        if os.geteuid() != 0:
            self.skipTest("mounting a small disk needs root")
        disk = self.path / "disk"
        disk.mkdir()
        config = self.config(f"file: {disk}/report.json")
        file, _ = self.report_file()
        script = (f"mount -t tmpfs -o size=16k none {disk} && head -c 12000 /dev/zero > {disk}/filler; "
                  f"{BINARY} deliver --config {config} --spool {self.spool} {file}; echo status $?; ls {disk}; rm {disk}/filler; mount -o remount,size=4m {disk}; "
                  f"{BINARY} deliver --config {config} --spool {self.spool}; echo status $?; cmp {file} {disk}/report.json && echo same")
        done = run("unshare", "-m", "sh", "-c", script)
        self.assertIn("No space left on device", done.stderr)
        self.assertEqual(done.stdout.split("status ")[1].splitlines()[:2], ["1", "filler"], done.stdout + done.stderr)
        self.assertTrue(done.stdout.rstrip().endswith("same"), done.stdout + done.stderr)

    def test_a_spool_that_cannot_be_written_is_an_error_that_names_it(self):
        config = self.config(f"file: {self.path}/r.json")
        self.spool.write_text("a file where the directory should be")
        done = self.deliver(config, self.report_file()[0])
        self.assertEqual(done.returncode, 3)
        self.assertIn(str(self.spool), done.stderr)

    def test_the_console_shows_ascii_and_is_left_alone_when_it_is_stuck(self):
        master, slave = pty.openpty()
        self.addCleanup(os.close, master)
        self.addCleanup(os.close, slave)
        config = self.config(f"console: {os.ttyname(slave)}")
        file, identity = self.report_file()
        done = self.deliver(config, file)
        self.assertEqual(done.returncode, 0, done.stderr)
        shown = os.read(master, 65536).decode("ascii")
        self.assertIn(identity, shown)
        self.assertIn("storage.denied_by_firewall", shown)
        os.set_blocking(slave, False)
        # What was written moves on within the kernel for a while: full is what stays full.
        while select.select([], [slave], [], 1)[1]:
            try:
                os.write(slave, b"x" * 4096)
            except BlockingIOError:
                pass
        stuck = self.deliver(config, self.report_file(1)[0])
        self.assertEqual(stuck.returncode, 1)
        self.assertIn("timed out", stuck.stderr)

    def test_the_journal_gets_fields(self):
        if os.geteuid() != 0:
            self.skipTest("a socket in journald's place needs a mount namespace")
        config = self.config("journal: true")
        file, identity = self.report_file()
        listen = ("import socket,sys; s=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM); s.bind('/run/systemd/journal/socket'); print('ready',flush=True); "
                  "sys.stdout.write(s.recv(65536).decode())")
        script = (f"mkdir -p /run/systemd && mount -t tmpfs none /run/systemd && mkdir -p /run/systemd/journal && "
                  f"(/usr/bin/python3 -c \"{listen}\" > {self.path}/journal &) ; while ! grep -q ready {self.path}/journal; do sleep 0.05; done; "
                  f"{BINARY} deliver --config {config} --spool {self.spool} {file}; while ! grep -q DIAGNOSES {self.path}/journal; do sleep 0.05; done")
        done = run("unshare", "-m", "sh", "-c", script, timeout=60)
        said = (self.path / "journal").read_text()
        self.assertIn("1 delivered", done.stdout, done.stderr)
        self.assertIn(f"VNETPROBE_REPORT={identity}\n", said)
        self.assertIn("VNETPROBE_VERDICT=unhealthy\n", said)
        self.assertIn("PRIORITY=4\n", said)

    def test_a_secret_that_others_can_read_is_refused_with_the_command_that_mends_it(self):
        self.secret("open.key", KEY, 0o644)
        config = self.config(f'webhook: "https://hook.test/v", secret_file: {self.path}/open.key')
        done = self.deliver(config, self.report_file()[0])
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"chmod o= {self.path}/open.key", done.stderr)
        inline = self.config('blob: "https://acct.blob.test/c?sv=1&sig=s3cr3t"', name="inline.yaml", mode=0o644)
        done = self.deliver(inline, self.report_file(1)[0])
        self.assertIn(f"chmod o= {inline}", done.stderr)
        self.assertNotIn("s3cr3t", done.stdout + done.stderr + self.deliver(inline, "--status").stdout)

    def test_what_is_damaged_on_disk_is_set_aside_and_the_rest_goes_on(self):
        config = self.config(f"file: {self.path}/kept/")
        nowhere = self.config(f"file: {self.path}/report0.json/impossible", name="nowhere.yaml")
        names = [self.report_file(number)[1] for number in range(3)]
        for number in range(3):
            self.deliver(nowhere, self.path / f"report{number}.json")
        for identity in names:  # owed to the sink of the other configuration
            state = self.spool / f"{identity}.state.json"
            state.write_text(state.read_text().replace(f"{self.path}/report0.json/impossible".replace("/", "\\/"), f"{self.path}/kept/".replace("/", "\\/"))
                             .replace(f"{self.path}/report0.json/impossible", f"{self.path}/kept/"))
        (self.spool / f"{names[0]}.report.json").write_bytes(b"\x00" * 100)
        (self.spool / f"{names[1]}.state.json").write_text("{ torn")
        done = self.deliver(config)
        self.assertIn("damaged", done.stderr)
        self.assertEqual(sorted(path.name for path in (self.path / "kept").iterdir()), [f"{name}.json" for name in names[1:]])
        self.assertEqual((self.spool / "corrupt" / f"{names[0]}.report.json").read_bytes(), b"\x00" * 100)

    def test_what_does_not_fit_is_dropped_healthy_first_and_the_next_report_says_so(self):
        config = self.config(f"file: {self.path}/report0.json/impossible")
        for number in range(510):
            identity = "01K" + f"{number:023d}"
            verdict = "unhealthy" if number < 5 else "healthy"
            (self.spool).mkdir(exist_ok=True)
            (self.spool / f"{identity}.report.json").write_text("{}\n")
            (self.spool / f"{identity}.state.json").write_text(json.dumps({"id": identity, "verdict": verdict, "owed": {"journal": {"state": "waiting"}}}))
        self.report_file(0)
        done = run(BINARY, "run", "--config", config, "--spool", self.spool, "--only", "node.os", "--format", "json")
        self.assertIn("not delivered", done.stderr)
        left = sorted(path.name for path in self.spool.glob("*.report.json"))
        self.assertEqual(len(left), 500)
        self.assertEqual([name[:26] for name in left[:5]], ["01K" + f"{number:023d}" for number in range(5)], "the unhealthy ones stay")
        following = json.loads(run(BINARY, "run", "--config", config, "--spool", self.spool, "--only", "node.os", "--format", "json").stdout)
        self.assertEqual((following["spool"]["dropped"], following["spool"]["dropped_healthy"]), (11, 11))
        again = json.loads(run(BINARY, "run", "--config", config, "--spool", self.spool, "--only", "node.os", "--format", "json").stdout)
        self.assertEqual(again["spool"]["dropped"], 1, "told once")


class Blob(Case):
    ACCOUNT, ACCOUNT_KEY = "devstoreaccount1", base64.b64encode(b"a key that only this test knows").decode()

    def setUp(self):
        super().setUp()
        azurite = f"{NODE_MODULES}/.bin/azurite-blob"
        if not os.path.exists(azurite):
            self.skipTest(f"no azurite in {NODE_MODULES} (npm install --prefix build/npm, see vnetprobe.sh)")
        self.port = free_port()
        environment = dict(os.environ, AZURITE_ACCOUNTS=f"{self.ACCOUNT}:{self.ACCOUNT_KEY}")
        child = subprocess.Popen([azurite, "--silent", "--disableTelemetry", "--skipApiVersionCheck", "--blobHost", "127.0.0.1", "--blobPort", str(self.port),
                                  "--location", str(self.path / "azurite"), "--cert", f"{self.certificates}/leaf.pem", "--key", f"{self.certificates}/leaf.key"],
                                 env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)
        wait_for_port(self.port)
        self.request("PUT", "/reports?restype=container&" + self.sas(minutes=10, resource="account"))

    def sas(self, minutes, resource="container"):
        """A real account SAS (service b, container and object), or one that has expired."""
        expiry = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")
        start = "2020-01-01T00:00:00Z"
        fields = [self.ACCOUNT, "rwdlac", "b", "sco", start, expiry, "", "https,http", "2021-06-08", "", ""]
        signature = base64.b64encode(hmac.new(base64.b64decode(self.ACCOUNT_KEY), "\n".join(fields).encode(), hashlib.sha256).digest()).decode()
        return urllib.parse.urlencode({"sv": "2021-06-08", "ss": "b", "srt": "sco", "sp": "rwdlac", "st": start, "se": expiry, "spr": "https,http", "sig": signature})

    def request(self, method, target):
        context = ssl.create_default_context(cafile=f"{self.certificates}/ca.pem")
        context.check_hostname = False
        request = urllib.request.Request(f"https://127.0.0.1:{self.port}/{self.ACCOUNT}{target}", method=method, headers={"x-ms-version": "2021-06-08"})
        with urllib.request.urlopen(request, context=context) as answer:
            return dict(answer.headers), answer.read()

    def to(self):
        return ["--connect-to", f"devstoreaccount1.blob.test:443:127.0.0.1:{self.port}"]

    def sink(self, minutes=10):
        self.secret("sas", self.sas(minutes))
        return self.config(f'blob: "https://devstoreaccount1.blob.test/reports", secret_file: {self.path}/sas')

    def test_a_block_blob_with_its_type_and_checksum(self):
        config = self.sink()
        file, identity = self.report_file()
        done = self.deliver(config, file, *self.to())
        self.assertEqual(done.returncode, 0, done.stderr)
        headers, body = self.request("GET", f"/reports/{identity}.json?" + self.sas(10))
        headers = {name.lower(): value for name, value in headers.items()}
        self.assertEqual(body, file.read_bytes())
        self.assertEqual(headers["content-type"], "application/json")
        self.assertEqual(headers["x-ms-blob-type"], "BlockBlob")
        self.assertEqual(headers["content-md5"], base64.b64encode(hashlib.md5(body).digest()).decode())

    def test_a_bundle_is_put_in_blocks(self):
        config = self.sink()
        bundle = self.path / "node.tar.gz"
        done = run(BINARY, "bundle", "--output", bundle, "--config", config, "--ca-file", f"{self.certificates}/ca.pem", "--report", self.report_file()[0], "--only", "node/os-release",
                   "--upload", *self.to())
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("uploaded to https://devstoreaccount1.blob.test/reports/node.tar.gz", done.stdout)
        self.assertEqual(self.request("GET", "/reports/node.tar.gz?" + self.sas(10))[1], bundle.read_bytes())
        self.assertNotIn("sig=", done.stdout + done.stderr)

    def test_an_expired_sas_parks_the_report_and_a_new_one_sends_it(self):
        config = self.sink(minutes=-5)
        file, identity = self.report_file()
        done = self.deliver(config, file, *self.to())
        self.assertEqual(done.returncode, 1)
        self.assertIn("SAS", done.stderr)
        self.assertEqual(self.status(config)["refused"], 1)
        self.sink(minutes=10)
        again = self.deliver(config, "--retry-refused", *self.to())
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertEqual(self.request("GET", f"/reports/{identity}.json?" + self.sas(10))[1], file.read_bytes())

    def test_no_secret_is_in_anything_that_was_written(self):
        config = self.sink()
        file, _ = self.report_file()
        said = ""
        for words in ([file], ["--status"], ["--status", "--format", "json"], ["--retry-refused"]):
            for to in (self.to(), ["--connect-to", f"devstoreaccount1.blob.test:443:127.0.0.1:{free_port()}"]):
                done = self.deliver(config, *words, *to)
                said += done.stdout + done.stderr
        said += "".join(pathlib.Path(path).read_text(errors="replace") for path in glob.glob(f"{self.spool}/**", recursive=True) if os.path.isfile(path))
        sas = urllib.parse.parse_qs((self.path / "sas").read_text().strip())
        for secret in (KEY, sas["sig"][0], urllib.parse.quote(sas["sig"][0], safe=""), "sig="):
            self.assertNotIn(secret, said)


class Killed(Case):
    def test_every_report_arrives_whole_whenever_the_process_is_killed(self):
        chance = random.Random(20261123)
        # A third is taken, a third is refused for now, a third is taken and the answer is lost.
        taken, lock = [], threading.Lock()

        def answer(request):
            with lock:
                die = chance.random()
                if die < 0.33:
                    return 503, {}
                taken.append(request)
            return None if die < 0.66 else (200, {})

        receiver = Receiver(self.certificates, answer)
        self.addCleanup(receiver.close)
        config = self.config('webhook: "https://hook.test/v"')
        to = ["--connect-to", f"hook.test:443:127.0.0.1:{receiver.port}"]
        words = [BINARY, "deliver", "--config", str(config), "--spool", str(self.spool), "--ca-file", f"{self.certificates}/ca.pem", *to]
        originals, noted = {}, set()
        killed = 0
        for number in range(250):
            file, identity = self.report_file(number)
            originals[identity] = file.read_bytes()
            child = subprocess.Popen([*words, str(file)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                child.wait(chance.uniform(0.0, 0.2))
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
                killed += 1
            noted |= {path.name[:26] for path in self.spool.glob("*.report.json")}
        noted |= {headers["Idempotency-Key"] for headers, _, _ in taken}
        for _ in range(1000):
            if run(*words).returncode == 0:
                break
        else:
            self.fail("the spool is never empty")
        arrived = {}
        for headers, body, _ in taken:
            arrived.setdefault(headers["Idempotency-Key"], set()).add(body)
        self.assertGreater(killed, 20, "the kills hit something")
        self.assertEqual(noted - set(arrived), set(), "noted and never delivered")
        for identity, bodies in arrived.items():
            self.assertEqual(bodies, {originals[identity]}, f"{identity} arrived torn")
        self.assertFalse((self.spool / "corrupt").exists())
        print(f"{killed} of 250 killed, {len(noted)} reports noted, {len(taken)} deliveries")


if __name__ == "__main__":
    if sys.argv[1:] == ["Blob"] and not os.path.exists(f"{NODE_MODULES}/.bin/azurite-blob"):
        print(f"skipped: no azurite in {NODE_MODULES} (npm install --prefix build/npm, see vnetprobe.sh)")
        sys.exit(77)
    unittest.main(verbosity=2)
