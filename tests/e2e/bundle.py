#!/usr/bin/env python3
"""The support bundle as a whole: planted secrets in every place and encoding, hostile files and commands, kills, anonymizing.

    bundle.py BINARY

Root only: files are planted in a mount namespace of the test's own, so that the machine's stay as they are."""
import base64
import gzip
import io
import json
import os
import pathlib
import random
import signal
import string
import subprocess
import sys
import tarfile
import tempfile
import time
import unittest
import urllib.parse

BINARY = os.path.abspath(sys.argv.pop(1))
CHANCE = random.Random(5)
ALNUM = string.ascii_letters + string.digits


def token(length, alphabet=ALNUM):
    """Random, with a digit, an upper and a lower letter in it as keys have them."""
    while True:
        text = "".join(CHANCE.choice(alphabet) for _ in range(length))
        if any(c.isdigit() for c in text) and any(c.islower() for c in text) and any(c.isupper() for c in text):
            return text


def b64(length):
    return base64.b64encode(CHANCE.randbytes(length)).decode()


def jwt():
    part = lambda value: base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")
    return f"{part({'alg': 'RS256', 'typ': 'JWT'})}.{part({'aud': 'https://management.azure.com', 'oid': token(12), 'exp': 1})}." + \
        base64.urlsafe_b64encode(CHANCE.randbytes(64)).decode().rstrip("=")


class Corpus:
    """Secrets with the text that each stands in. A number beside each text must still be readable in the bundle."""

    def __init__(self):
        self.secrets, self.kept, self.number = [], [], 0

    def secret(self, value, *forms):
        self.secrets += [value, *forms]
        return value

    def line(self, text):
        self.number += 1
        mark = f"evidence-{self.number:04d}"
        self.kept.append(mark)
        return f"{mark}\n{text}\n"

    def sas(self, signature=None):
        signature = signature or self.secret(b64(32))
        quoted = urllib.parse.quote(signature, safe="")
        self.secrets.append(quoted)
        return f"sv=2022-11-02&ss=b&se=2026-12-01T00%3A00%3A00Z&sp=rw&sig={quoted}"

    def url_lines(self):
        out = ""
        out += self.line(f"GET https://acct.blob.core.windows.net/c/b?{self.sas()} HTTP/1.1")
        out += self.line("redirect=" + urllib.parse.quote(f"https://acct.blob.core.windows.net/c?{self.sas()}", safe=""))
        out += self.line(f"http_proxy=http://svc:{self.secret(token(14))}@proxy.contoso.com:3128/")
        password = self.secret("p@ss/" + token(10))
        out += self.line(f"https://user:{urllib.parse.quote(password, safe='')}@git.contoso.com/repo.git")
        out += self.line(f"curl -u admin:{self.secret(token(12))} https://registry.contoso.com/v2/")
        return out

    def named_lines(self):
        out = ""
        for name in ("MSI_SECRET", "IDENTITY_HEADER", "AZUREML_RUN_TOKEN", "STORAGE_ACCOUNT_KEY", "DB_PASSWORD", "CLIENT_SECRET", "MYSQL_PWD", "API_KEY"):
            out += self.line(f"{name}={self.secret(token(28))}")
            out += self.line(f'export {name}="{self.secret(token(28))}"')
            out += self.line(json.dumps({name.lower(): self.secret(token(28)), "other": "stays"}))
            out += self.line(json.dumps({"settings": json.dumps({name: self.secret(token(28))})}))
            out += self.line(f"{name.lower()}: {self.secret(token(28))}")
        return out

    def service_lines(self):
        out = ""
        key = self.secret(b64(64))
        out += self.line(f"DefaultEndpointsProtocol=https;AccountName=acct;AccountKey={key};EndpointSuffix=core.windows.net")
        out += self.line(f"Endpoint=sb://ns.servicebus.windows.net/;SharedAccessKeyName=Root;SharedAccessKey={self.secret(b64(32))}")
        out += self.line(f"SharedAccessSignature={self.sas()}")
        out += self.line(f"Authorization: Bearer {self.secret(jwt())}")
        out += self.line(f'{{"headers": {{"x-ms-authorization-auxiliary": "Bearer {self.secret(jwt())}"}}}}')
        out += self.line(f"Proxy-Authorization: Basic {self.secret(base64.b64encode(('svc:' + token(12)).encode()).decode())}")
        out += self.line(f"Set-Cookie: ARRAffinity={self.secret(token(32))}; Path=/; HttpOnly")
        out += self.line(f"Cookie: session={self.secret(token(32))}")
        out += self.line(f"<CustomData>{self.secret(b64(48))}</CustomData>")
        out += self.line(f"Authorization: SharedKey acct:{self.secret(b64(32))}")
        out += self.line(f"token {self.secret('ghp_' + token(36))} was used")
        out += self.line(f"root:$6${self.secret(token(16))}${self.secret(token(86))}:19000:0:99999:7:::")
        return out

    def pem(self):
        body = "\n".join(self.secret(token(64, ALNUM + "+/")) for _ in range(12))
        return self.line(f"-----BEGIN RSA PRIVATE KEY-----\n{body}\n-----END RSA PRIVATE KEY-----")

    def fstab(self):
        out = ""
        for _ in range(5):
            out += self.line(f"//acct.file.core.windows.net/share /mnt/share cifs username=acct,password={self.secret(b64(64))},dir_mode=0777,serverino 0 0")
        return out

    def everything(self, times):
        return "".join(self.url_lines() + self.named_lines() + self.service_lines() + self.pem() for _ in range(times))


def contents(path):
    """Every entry of a bundle, also of one that was cut off."""
    unpacked = bytearray()
    with gzip.open(path) as stream:
        try:
            while block := stream.read(65536):
                unpacked += block
        except EOFError:
            pass
    entries = {}
    with tarfile.open(fileobj=io.BytesIO(bytes(unpacked) + b"\0" * 1024)) as archive:
        try:
            for entry in archive:
                name = entry.name.split("/", 1)[1]
                entries[name] = archive.extractfile(entry).read()
        except tarfile.ReadError:
            pass
    return bytes(unpacked), entries


class Bundle(unittest.TestCase):
    def setUp(self):
        if os.geteuid() != 0:
            self.skipTest("planting files needs a mount namespace")
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = pathlib.Path(self.folder.name)
        self.archive = self.path / "node.tar.gz"

    def make(self, *words, planted=None, before="", environment=None, background=False):
        """Runs `bundle` without a network, with files in place of the machine's: {path: bytes or a shell command's target}."""
        script = ["set -e", "ip link set lo up", "mount --make-rprivate /"]
        planted = planted or {}
        # Every folder that gets a file, or gets made, becomes this test's own view of it.
        tops = set()
        for place in planted:
            top = os.path.dirname(place)
            while not os.path.isdir(top):
                top = os.path.dirname(top)
            tops.add(top)
        tops = {top for top in tops if not any(top != other and top.startswith(other + "/") for other in tops)}
        for number, top in enumerate(sorted(tops)):
            script.append(f"mkdir -p {self.path}/up{number} {self.path}/work{number}; "
                          f"mount -t overlay overlay -o lowerdir={top},upperdir={self.path}/up{number},workdir={self.path}/work{number} {top}")
        for number, (place, content) in enumerate(planted.items()):
            source = self.path / f"planted{number}"
            source.write_bytes(content if isinstance(content, bytes) else content.encode())
            script.append(f"mkdir -p {os.path.dirname(place)}; [ -e {place} ] || : > {place}; mount --bind {source} {place}")
        script.append(before or "true")
        script.append(f"exec {BINARY} bundle --output {self.archive} --deadline 3s " + " ".join(str(word) for word in words))
        command = ["unshare", "-n", "-m", "-u", "sh", "-c", "\n".join(script)]
        if background:
            return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return subprocess.run(command, text=True, capture_output=True, check=False, env=environment, timeout=240)

    def test_no_planted_secret_is_in_it_and_what_stands_beside_them_is(self):
        corpus = Corpus()
        environment = dict(os.environ)
        for name in ("MSI_SECRET", "AZUREML_RUN_TOKEN", "SQL_CONNECTION_STRING", "WEBHOOK_KEY"):
            environment[name] = corpus.secret(token(40))
        environment["https_proxy"] = f"http://svc:{corpus.secret(token(16))}@10.255.255.1:3128"
        environment["HARMLESS"] = "evidence-environment"
        visible = corpus.secret(token(24))
        planted = {"/etc/fstab": corpus.fstab(), "/etc/environment": corpus.everything(1), "/var/log/waagent.log": corpus.everything(3),
                   "/var/log/cloud-init-output.log": corpus.everything(2), "/etc/docker/daemon.json": corpus.everything(1)}
        done = self.make("--redact", "'ticket-([0-9]{6})'", planted=planted, environment=environment,
                         before=f"(exec /usr/bin/python3 -c 'import time; time.sleep(20)' --password={visible}) & echo ticket-$((400000 + 12345)) >> {self.path}/planted2")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertGreater(len(corpus.secrets), 300)
        unpacked, entries = contents(self.archive)
        text = unpacked.decode("latin-1")
        found = [secret for secret in corpus.secrets if secret in text]
        self.assertEqual(found, [], f"{len(found)} of {len(corpus.secrets)} secrets are in the bundle")
        lost = [mark for mark in corpus.kept if mark not in text]
        self.assertEqual(lost, [], f"{len(lost)} of {len(corpus.kept)} lines beside them are gone")
        self.assertIn("evidence-environment", text)
        self.assertIn("[redacted:jwt#", text)
        self.assertIn("claims=aud,oid,exp", text)
        self.assertNotIn("ticket-412345", text)
        manifest = json.loads(entries["manifest.json"])
        self.assertTrue(manifest["complete"])
        self.assertGreater(sum(manifest["redactions"].values()), 200)
        waagent = next(item for item in manifest["items"] if item["id"] == "azure/waagent.log")
        self.assertGreater(sum(waagent["redactions"].values()), 50)
        for secret in corpus.secrets:
            self.assertNotIn(secret, done.stdout + done.stderr)

    def test_the_same_secret_is_the_same_token_everywhere(self):
        secret = token(32)
        done = self.make(planted={"/var/log/waagent.log": f"DB_PASSWORD={secret}\n", "/etc/docker/daemon.json": f'{{"note": "{secret}", "password": "{secret}"}}\n'})
        self.assertEqual(done.returncode, 0, done.stderr)
        _, entries = contents(self.archive)
        first = entries["azure/waagent.log"].decode().strip().split("=", 1)[1]
        self.assertRegex(first, r"^\[redacted:[a-z_]+#\d+\]$")
        self.assertIn(first, entries["environment/docker-daemon"].decode())

    def test_a_clean_nodes_files_stay_as_they_are(self):
        clean = {"/etc/fstab": "UUID=1d2c-9f00 / ext4 defaults,errors=remount-ro 0 1\n//acct.file.core.windows.net/s /m cifs credentials=/etc/smb.cred,serverino 0 0\n",
                 "/etc/nsswitch.conf": "passwd: files systemd\ngroup: files systemd\nshadow: files\nhosts: files dns\n",
                 "/var/log/waagent.log": "2026-03-15T10:00:00.123Z INFO ExtHandler Goal state: incarnation 3, token bucket refilled\n"
                                         "2026-03-15T10:00:01Z INFO Daemon Provisioning password authentication is disabled\n"
                                         "2026-03-15T10:00:02Z INFO HTTP GET http://168.63.129.16/machine/?comp=goalstate 200 key rotation: none\n"
                                         "sha256 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 /usr/sbin/waagent\n"
                                         "request 5f1b1e7a-0c1e-4a55-9b8e-2f3b1f1a2b3c took 12 ms\n"}
        done = self.make(planted=clean)
        self.assertEqual(done.returncode, 0, done.stderr)
        _, entries = contents(self.archive)
        for name, place in (("node/fstab", "/etc/fstab"), ("resolver/nsswitch.conf", "/etc/nsswitch.conf"), ("azure/waagent.log", "/var/log/waagent.log")):
            self.assertEqual(entries[name].decode(), clean[place], name)

    def test_hostile_files_are_recorded_and_harm_nothing(self):
        before = f"""
rm -f {self.path}/planted0 && mkfifo {self.path}/fifo && umount /var/log/waagent.log && mount --bind {self.path}/fifo /var/log/waagent.log
truncate -s 20G {self.path}/sparse && umount /var/log/cloud-init-output.log && mount --bind {self.path}/sparse /var/log/cloud-init-output.log
mount --bind /dev/zero /etc/docker/daemon.json
"""
        done = self.make(planted={"/var/log/waagent.log": "x", "/var/log/cloud-init-output.log": "x", "/etc/docker/daemon.json": "{}",
                                  "/etc/fstab": b"\xff\xfe\x00binary\x1b[31m" * 1000}, before=before)
        self.assertEqual(done.returncode, 0, done.stderr)
        _, entries = contents(self.archive)
        problems = {item["id"]: item.get("problem", "") for item in json.loads(entries["manifest.json"])["items"]}
        self.assertEqual(problems["azure/waagent.log"], "no regular file")
        self.assertEqual(problems["environment/docker-daemon"], "no regular file")
        self.assertLessEqual(len(entries["azure/cloud-init"]), 4 << 20)
        self.assertIn(b"\x1b[31m", entries["node/fstab"])
        self.assertNotIn("\x1b", subprocess.run([BINARY, "bundle", "inspect", self.archive], text=True, capture_output=True, check=True).stdout)

    def test_commands_that_hang_or_print_forever_are_ended(self):
        tools = self.path / "bin"
        tools.mkdir()
        (tools / "ss").write_text("#!/bin/sh\nsleep 1000 & sleep 1000\n")
        (tools / "nft").write_text("#!/bin/sh\nexec yes\n")
        (tools / "ip").write_text("#!/bin/sh\necho partial; exit 3\n")
        for tool in tools.iterdir():
            tool.chmod(0o755)
        done = self.make("--only", "net/sockets", "--only", "firewall/nftables", "--only", "net/rules4", environment=dict(os.environ, PATH=f"{tools}:{os.environ['PATH']}"))
        # `ip link set lo up` of the script itself fails with the planted ip; the bundle is made all the same where it went on.
        if done.returncode == 3:
            done = subprocess.run(["unshare", "-n", BINARY, "bundle", "--output", self.archive, "--deadline", "2s", "--only", "net/sockets", "--only", "firewall/nftables",
                                   "--only", "net/rules4"], text=True, capture_output=True, check=False, env=dict(os.environ, PATH=f"{tools}:{os.environ['PATH']}"), timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        _, entries = contents(self.archive)
        items = {item["id"]: item for item in json.loads(entries["manifest.json"])["items"]}
        self.assertIn("did not end in time", items["net/sockets"]["problem"])
        self.assertIn("more than the bound", items["firewall/nftables"]["problem"])
        self.assertEqual(items["net/rules4"]["exit_status"], 3)
        self.assertEqual(entries["net/rules4"], b"partial\n")
        self.assertEqual(subprocess.run(["pgrep", "-f", "sleep 1000"], capture_output=True, check=False).stdout, b"", "nothing that it started is left")

    def test_ctrl_c_ends_it_with_what_it_started(self):
        tools = self.path / "bin"
        tools.mkdir()
        (tools / "ss").write_text("#!/bin/sh\nsleep 1001 & sleep 1001\n")
        (tools / "ss").chmod(0o755)
        child = subprocess.Popen(["unshare", "-n", BINARY, "bundle", "--output", self.archive, "--deadline", "2s", "--only", "net/sockets"],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=dict(os.environ, PATH=f"{tools}:{os.environ['PATH']}"))
        running = lambda: subprocess.run(["pgrep", "-f", "sleep 1001"], capture_output=True, check=False).stdout
        deadline = time.monotonic() + 60
        while not running() and time.monotonic() < deadline:
            time.sleep(0.02)
        child.send_signal(signal.SIGINT)
        self.assertEqual(child.wait(30), 130)
        deadline = time.monotonic() + 30
        while running() and time.monotonic() < deadline:
            time.sleep(0.02)
        self.assertEqual(running(), b"")

    def test_what_a_kill_leaves_can_be_read(self):
        log = "".join(f"2026-03-15 line {number} {token(60)}\n" for number in range(30000))
        readable = 0
        for attempt in range(12):
            self.archive.unlink(missing_ok=True)
            child = self.make(planted={"/var/log/waagent.log": log}, background=True)
            deadline = time.monotonic() + 60
            while not (self.archive.exists() and self.archive.stat().st_size > 0) and child.poll() is None and time.monotonic() < deadline:
                time.sleep(0.002)
            time.sleep(CHANCE.uniform(0, 0.3))
            child.send_signal(signal.SIGKILL)
            child.wait()
            if not self.archive.exists():
                continue
            _, entries = contents(self.archive)
            if not entries:  # killed before the first entry was whole
                continue
            self.assertIn("manifest-begun.json", entries, f"attempt {attempt}")
            listed = subprocess.run([BINARY, "bundle", "inspect", self.archive], text=True, capture_output=True, check=False)
            self.assertEqual(listed.returncode, 0, listed.stderr)
            self.assertTrue("manifest.json" in entries or "INCOMPLETE" in listed.stdout)
            readable += 1
        self.assertGreater(readable, 6)

    def test_anonymizing_keeps_relations_and_evidence(self):
        done = self.make("--anonymize", planted={"/var/log/waagent.log": "a 10.1.4.7 b 10.1.4.9 c 10.9.1.1 d 168.63.129.16 e 169.254.169.254 f 127.0.0.1 g 8.8.4.4 h 10.1.4.7\n"
                                                                          "net 10.1.4.0/24 mac 00:0d:3a:12:34:56 version 1.2.3.4.5 host buildbox01\n"},
                         before="hostname buildbox01 2>/dev/null || true")
        self.assertEqual(done.returncode, 0, done.stderr)
        _, entries = contents(self.archive)
        words = entries["azure/waagent.log"].decode().split()
        a, b, c, d, e, f, g, h = (words[place] for place in (1, 3, 5, 7, 9, 11, 13, 15))
        self.assertEqual(a, h)
        self.assertNotIn("10.1.4.7", words)
        self.assertTrue(a.startswith("10."))
        self.assertEqual(a.rsplit(".", 1)[0], b.rsplit(".", 1)[0], "the same subnet")
        self.assertNotEqual(a.split(".")[1:3], c.split(".")[1:3])
        self.assertEqual((d, e, f), ("168.63.129.16", "169.254.169.254", "127.0.0.1"))
        self.assertNotEqual(g, "8.8.4.4")
        network = words[words.index("net") + 1]
        self.assertEqual(network, a.rsplit(".", 1)[0] + ".0/24")
        self.assertNotIn("00:0d:3a:12:34:56", words)
        self.assertIn("1.2.3.4.5", words)
        mapping = pathlib.Path(str(self.archive) + ".map.json")
        self.assertEqual(mapping.stat().st_mode & 0o077, 0)
        self.assertEqual(json.loads(mapping.read_text())[a], "10.1.4.7")
        self.assertNotIn(b"map.json", gzip.open(self.archive).read())
        again = subprocess.run([BINARY, "diagnose", self.archive, "--format", "json"], text=True, capture_output=True, check=False)
        self.assertIn(again.returncode, (0, 1), again.stderr)
        self.assertEqual(json.loads(again.stdout)["id"], json.loads(entries["report.json"])["id"])

    def test_wrong_use_says_what_to_write(self):
        self.archive.write_text("here already")
        for words, said in ((["--redact", "("], "--redact"), (["--only", "nothing/*"], "--estimate"), (["--since", "soon"], "--since"), ([], "name another file")):
            done = subprocess.run(["unshare", "-n", BINARY, "bundle", "--output", self.archive, "--deadline", "1s", *words], text=True, capture_output=True, check=False)
            self.assertEqual(done.returncode, 2, (words, done.stderr))
            self.assertIn(said, done.stderr)
        self.assertEqual(self.archive.read_text(), "here already")
        for path, said in ((self.archive, "bundle"), (self.path / "none", "none")):
            done = subprocess.run([BINARY, "bundle", "inspect", path], text=True, capture_output=True, check=False)
            self.assertEqual(done.returncode, 2)
            self.assertIn(said, done.stderr)
        estimate = subprocess.run([BINARY, "bundle", "--estimate", "--only", "node/*"], text=True, capture_output=True, check=True).stdout
        self.assertIn("node/os-release", estimate)
        self.assertNotIn("net/routes4", estimate)


if __name__ == "__main__":
    if os.geteuid() != 0:
        print("skipped: planting files needs root")
        sys.exit(77)
    unittest.main(verbosity=2)
