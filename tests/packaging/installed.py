#!/usr/bin/env python3
"""The package in a clean Debian with systemd as its process 1 (machine.py): installed, run as a service in its sandbox, upgraded, removed, purged.

    installed.py ROOT PACKAGE.deb Install|Sandbox|Daemon

ROOT is what debian_root.py made. No machine of the test has a link to any network."""
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import machine  # noqa: E402

CONFIG = "/etc/vnetprobe/config.yaml"
STATE = "/var/lib/vnetprobe"


def repacked(folder, version, change):
    """The package under another version; `change` edits its unpacked folder."""
    tree = pathlib.Path(folder) / version
    subprocess.run(["dpkg-deb", "-R", PACKAGE, tree], check=True)
    control = tree / "DEBIAN/control"
    control.write_text(re.sub(r"^Version: .*$", f"Version: {version}", control.read_text(), flags=re.M))
    change(tree)
    path = pathlib.Path(folder) / f"vnetprobe_{version}.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "-b", tree, path], check=True, stdout=subprocess.DEVNULL)
    return path


class InMachine(unittest.TestCase):
    installed = True

    @classmethod
    def setUpClass(cls):
        cls.machine = cls.enterClassContext(machine.Machine(ROOT))
        if cls.installed:
            cls.install(PACKAGE)

    @classmethod
    def install(cls, package, *options):
        cls.machine.copy_in(package, "/tmp/vnetprobe.deb")
        return cls.machine.run("apt-get", "install", "-y", *options, "/tmp/vnetprobe.deb")

    def run_in(self, *words, **more):
        return self.machine.run(*words, **more)

    def text(self, path):
        return self.run_in("cat", path).stdout

    def exists(self, path):
        return self.run_in("test", "-e", path, check=False).returncode == 0

    def unit(self, name, what):
        return self.run_in("systemctl", "show", "--value", "-p", what, name).stdout.strip()


class Install(InMachine):
    """One life of the package. The steps follow each other, in the order of their names."""
    installed = False

    def test_1_installed_it_stands_ready_and_does_nothing(self):
        self.install(PACKAGE)
        self.assertRegex(self.run_in("vnetprobe", "--version").stdout, r"^vnetprobe \d")
        self.assertEqual(self.run_in("dpkg", "--verify", "vnetprobe").stdout, "")
        self.assertEqual(self.unit("vnetprobe.service", "LoadState"), "loaded")
        for unit in ("vnetprobe.service", "vnetprobe-once.timer"):
            self.assertEqual(self.unit(unit, "ActiveState"), "inactive")
            self.assertEqual(self.unit(unit, "UnitFileState"), "disabled")
        self.assertEqual(self.text(CONFIG), self.run_in("vnetprobe", "docs", "config").stdout)
        self.assertEqual(json.loads(self.text("/usr/share/vnetprobe/report.schema.json"))["title"], "vnetprobe report")

    def test_2_the_timer_runs_it(self):
        self.run_in("systemctl", "enable", "--now", "vnetprobe-once.timer")
        self.assertEqual(self.unit("vnetprobe-once.timer", "ActiveState"), "active")
        self.assertTrue(self.unit("vnetprobe-once.timer", "NextElapseUSecMonotonic"))
        self.run_in("systemctl", "start", "vnetprobe-once.service")
        self.assertEqual((self.unit("vnetprobe-once.service", "Result"), self.unit("vnetprobe-once.service", "ExecMainStatus")), ("success", "1"))
        self.assertEqual(json.loads(self.text(f"{STATE}/report.json"))["verdict"], "unhealthy")
        self.assertTrue(self.text(f"{STATE}/report.html").startswith("<!doctype html>"))
        self.assertIn("UNHEALTHY", self.run_in("journalctl", "-u", "vnetprobe-once", "-o", "cat").stdout)
        self.assertEqual(self.run_in("stat", "-Lc", "%a", STATE).stdout.strip(), "750")
        # A user of that name is there only while the service runs.
        self.assertNotEqual(self.run_in("grep", "vnetprobe", "/etc/passwd", check=False).returncode, 0)

    def test_3_an_upgrade_takes_a_new_default_and_leaves_what_was_edited(self):
        with tempfile.TemporaryDirectory() as folder:
            def newer(tree):
                config = tree / CONFIG[1:]
                config.write_text(config.read_text() + "\n# A setting of the new version.\n")

            self.install(repacked(folder, "9.1", newer))
            self.assertIn("of the new version", self.text(CONFIG))
            self.run_in("sh", "-c", f"echo 'region: eastus2' >>{CONFIG}")
            mine = self.text(CONFIG)

            def newest(tree):
                config = tree / CONFIG[1:]
                config.write_text(config.read_text() + "\n# Of the newest.\n")

            done = self.install(repacked(folder, "9.2", newest), "-o", "Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-confold")
            self.assertEqual(self.text(CONFIG), mine, done.stdout)
            self.assertIn("Of the newest", self.text(CONFIG + ".dpkg-dist"))
        self.assertEqual(self.unit("vnetprobe-once.timer", "ActiveState"), "active")
        self.assertEqual(self.unit("vnetprobe-once.timer", "UnitFileState"), "enabled")

    def test_4_removed_it_stops_and_leaves_configuration_and_reports(self):
        self.run_in("apt-get", "remove", "-y", "vnetprobe")
        for path in ("/usr/bin/vnetprobe", "/usr/lib/systemd/system/vnetprobe.service", "/usr/share/man/man1/vnetprobe.1.gz"):
            self.assertFalse(self.exists(path), path)
        self.assertNotEqual(self.unit("vnetprobe-once.timer", "ActiveState"), "active")
        self.assertTrue(self.exists(CONFIG))
        self.assertTrue(self.exists(f"{STATE}/report.json"))

    def test_5_purged_it_leaves_nothing(self):
        self.run_in("apt-get", "purge", "-y", "vnetprobe")
        left = self.run_in("find", "/etc", "/usr", "/var/lib", "/lib/systemd", "-name", "*vnetprobe*", "-not", "-path", "/var/lib/apt/*").stdout
        self.assertEqual(left, "")
        self.assertEqual(self.run_in("systemctl", "list-units", "--failed", "--plain", "--no-legend").stdout, "")


class Sandbox(InMachine):
    """Every probe, inside the sandbox of the unit and as systemd makes it."""

    def in_sandbox(self, *command_lines, more=""):
        """Runs vnetprobe-once.service with other command lines; everything else of the unit stays."""
        lines = "".join(f"ExecStart={line}\n" for line in command_lines) + more
        self.run_in("mkdir", "-p", "/run/systemd/system/vnetprobe-once.service.d")
        self.run_in("sh", "-c", "cat >/run/systemd/system/vnetprobe-once.service.d/test.conf", stdin=f"[Service]\nExecStart=\n{lines}")
        self.run_in("systemctl", "daemon-reload")
        done = self.run_in("systemctl", "start", "vnetprobe-once.service", check=False, timeout=500)
        self.assertEqual(done.returncode, 0, done.stderr + self.run_in("journalctl", "-u", "vnetprobe-once", "--no-pager", "-n", "40").stdout)

    def report(self, name):
        return json.loads(self.text(f"{STATE}/{name}.json"))

    def test_the_sandbox_is_one(self):
        self.in_sandbox("/bin/cat /proc/self/status", "-/bin/touch /usr/bin/x /etc/x", "-/bin/sh -c 'id -u; ls /dev; python3 -c \"import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW)\"'",
                        "-/usr/bin/unshare -n true", "-/bin/date -s 12:00")
        said = self.run_in("journalctl", "-u", "vnetprobe-once", "-o", "cat", "--no-pager").stdout
        self.assertRegex(said, r"CapEff:\s+0{16}\n")
        self.assertRegex(said, r"CapBnd:\s+0{16}\n")
        self.assertRegex(said, r"NoNewPrivs:\s+1\n")
        self.assertRegex(said, r"Seccomp:\s+2\n")
        self.assertEqual(said.count("Read-only file system"), 2, said)
        self.assertIn("Address family not supported", said)
        self.assertRegex(said, r"unshare.*(not permitted|denied)")
        self.assertRegex(said, r"date.*(not permitted|denied)")
        self.assertNotRegex(said, r"(?m)^(sda|vda|rtc0|kmsg)$")

    def test_every_fault_of_the_demo_is_found_as_outside(self):
        listed = [line.split() for line in self.run_in("vnetprobe", "demo", "--list").stdout.splitlines()]
        faults = {words[0]: words[-1] if "->" in words else None for words in listed}
        self.in_sandbox(*(f"/usr/bin/vnetprobe demo --fault {fault} --quiet --output json=%S/vnetprobe/{fault}.json" for fault in faults))
        layers = set()
        for fault, expected in faults.items():
            report = self.report(fault)
            codes = [diagnosis["code"] for diagnosis in report["diagnoses"] if diagnosis["severity"] != "info"]
            self.assertEqual(codes, [expected] if expected else [], fault)
            self.assertEqual(report["verdict"], "unhealthy" if expected else "healthy")
            layers |= {observation["layer"] for check in report["checks"] for observation in check["observations"] if observation["ok"]}
        print("layers that worked:", *sorted(layers))
        self.assertLessEqual({"dns", "tcp", "tls", "http", "websocket", "udp", "imds", "wireserver", "host"}, layers)

    def test_a_key_of_root_is_handed_over_by_systemd(self):
        """As packaging/README.md has it. Nothing listens at the webhook: what counts is that the key was read and the report waits."""
        self.run_in("sh", "-c", "umask 077; echo secret >/etc/vnetprobe/hook.key")
        for handed, said in ((False, "Permission denied"), (True, "refused")):
            path = "/run/credentials/vnetprobe-once.service/hook.key" if handed else "/etc/vnetprobe/hook.key"
            self.run_in("sh", "-c", "cat >/etc/vnetprobe/hook.yaml", stdin=f'delivery: [{{webhook: "https://127.0.0.1:1/hook", secret_file: {path}}}]\n')
            self.in_sandbox(f"/usr/bin/vnetprobe run --config /etc/vnetprobe/hook.yaml --only node.os --quiet --spool %S/vnetprobe/spool-{handed}",
                            more="LoadCredential=hook.key:/etc/vnetprobe/hook.key\n" if handed else "")
            status = self.run_in("vnetprobe", "deliver", "--status", "--spool", f"{STATE}/spool-{handed}", "--config", "/etc/vnetprobe/hook.yaml", check=False)
            log = self.run_in("journalctl", "-u", "vnetprobe-once", "-o", "cat", "--no-pager", "-n", "20").stdout
            self.assertIn(said, status.stdout + status.stderr + log)
            self.assertIn("127.0.0.1", status.stdout, "the report waits")

    def test_the_node_is_read_as_by_a_user_outside(self):
        self.run_in("sh", "-c", "mkdir -p /home/ann && echo 'export https_proxy=http://proxy.test:3128' >/home/ann/.bashrc && echo http_proxy=http://proxy.test:1 >>/etc/environment")
        self.in_sandbox("/usr/bin/vnetprobe run --deadline 20s --quiet --output json=%S/vnetprobe/run.json")
        inside = self.report("run")
        outside = json.loads(self.run_in("setpriv", "--reuid=65533", "--regid=65533", "--clear-groups", "vnetprobe", "run", "--deadline", "20s", "--format", "json", check=False).stdout)
        facts = {"inside": {}, "outside": {}}
        for where, report in (("inside", inside), ("outside", outside)):
            for check in report["checks"]:
                for seen in check["observations"]:
                    if seen["layer"] == "host":
                        facts[where].setdefault(seen["topic"], seen)
        self.assertEqual(set(facts["inside"]), set(facts["outside"]))
        print("topics of the node:", *sorted(facts["inside"]))
        for topic, seen in facts["inside"].items():
            self.assertEqual((seen["ok"], seen["error"]), (True, None), (topic, seen))
            other = facts["outside"][topic]
            for key in ("interfaces", "routes", "listeners", "resolvers"):
                self.assertEqual(seen.get(key), other.get(key), topic)
            self.assertEqual([disk["path"] for disk in seen["disks"]], [disk["path"] for disk in other["disks"]])
            self.assertLessEqual({proxy["source"] for proxy in other["proxies"]}, {proxy["source"] for proxy in seen["proxies"]}, topic)
        self.assertEqual(facts["inside"]["clock"]["clock"]["synchronised"], facts["outside"]["clock"]["clock"]["synchronised"])
        self.assertTrue([proxy for proxy in facts["inside"].get("proxies", {"proxies": []})["proxies"] if "/home/ann" in proxy["source"]])

    def test_the_way_to_a_silent_target_is_traced(self):
        """Two routers; the second drops. Hops answer with ICMP, which an ordinary socket's error queue gives away."""
        self.run_in("sh", "-ec", """
            for ns in near far; do ip netns add $ns; ip -n $ns link set lo up; ip netns exec $ns sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'; done
            ip link add wan0 type veth peer name lan0 netns near
            ip -n near link add wan0 type veth peer name lan0 netns far
            ip addr add 10.9.1.2/24 dev wan0; ip link set wan0 up; ip route replace default via 10.9.1.1
            ip -n near addr add 10.9.1.1/24 dev lan0; ip -n near link set lan0 up
            ip -n near addr add 10.9.2.1/24 dev wan0; ip -n near link set wan0 up; ip -n near route add 10.9.9.0/24 via 10.9.2.2
            ip -n far addr add 10.9.2.2/24 dev lan0; ip -n far link set lan0 up; ip -n far route add 10.9.1.0/24 via 10.9.2.1; ip -n far route add blackhole 10.9.9.0/24
        """)
        self.run_in("sh", "-c", "cat >/etc/vnetprobe/path.yaml", stdin='targets:\n- {name: silent, tcp: "10.9.9.9:443"}\ntimeouts: {tcp: 4s}\n')
        self.in_sandbox("/usr/bin/vnetprobe run --config /etc/vnetprobe/path.yaml --only target.silent --quiet --output json=%S/vnetprobe/path.json")
        check = next(check for check in self.report("path")["checks"] if check["id"] == "target.silent")
        self.assertEqual(check["verdict"], "fail")
        self.assertIn("10.9.1.1", json.dumps([seen for seen in check["observations"] if seen["layer"] == "path"]), json.dumps(check)[:3000])


class Daemon(InMachine):
    """The service as it is installed. The steps follow each other, in the order of their names."""

    def wait(self, ready, otherwise):
        return self.machine.wait(ready, otherwise)

    def journal(self):
        return self.run_in("journalctl", "-u", "vnetprobe", "-o", "cat", "--no-pager").stdout

    def page(self, path, check=True):
        return self.run_in("curl", "--silent", "--show-error", "--fail", f"http://127.0.0.1:9798{path}", check=check).stdout

    def test_1_started_it_is_ready_and_says_what_it_does(self):
        self.run_in("systemctl", "enable", "--now", "vnetprobe.service")
        self.assertEqual((self.unit("vnetprobe", "ActiveState"), self.unit("vnetprobe", "SubState")), ("active", "running"), self.journal())
        self.wait(lambda: "next run in" in self.unit("vnetprobe", "StatusText"), "no status line: " + self.journal())
        print(self.unit("vnetprobe", "StatusText"))
        self.assertEqual(self.unit("vnetprobe", "NRestarts"), "0")
        pid = self.unit("vnetprobe", "MainPID")
        status = self.text(f"/proc/{pid}/status")
        self.assertRegex(status, r"CapEff:\s+0{16}\n")
        self.assertRegex(status, r"Seccomp:\s+2\n")
        self.assertNotRegex(status, r"Uid:\s+0\s")

    def test_2_it_serves_and_keeps_reports(self):
        self.run_in("systemctl", "kill", "-s", "USR1", "vnetprobe")  # now, and not when its turn comes
        self.wait(lambda: self.run_in("sh", "-c", f"ls {STATE}/history/", check=False).stdout, "no report in the history: " + self.journal())
        self.page("/healthz")
        self.assertIn("# TYPE", self.page("/metrics"))
        self.assertEqual(json.loads(self.page("/report.json"))["verdict"], "unhealthy")

    def test_3_a_bad_configuration_is_not_taken(self):
        before = self.unit("vnetprobe", "MainPID")
        self.run_in("sh", "-c", f"echo 'nonsense: 1' >>{CONFIG}")
        self.run_in("systemctl", "reload", "vnetprobe")
        self.wait(lambda: "nonsense" in self.journal(), "nothing in the journal about the bad key")
        self.run_in("sh", "-c", f"sed -i '$ d' {CONFIG}")
        self.run_in("systemctl", "reload", "vnetprobe")
        self.page("/healthz")
        self.assertEqual(self.unit("vnetprobe", "MainPID"), before)

    def test_4_the_watchdog_starts_a_hung_one_again(self):
        self.run_in("mkdir", "-p", "/run/systemd/system/vnetprobe.service.d")
        self.run_in("sh", "-c", "cat >/run/systemd/system/vnetprobe.service.d/test.conf", stdin="[Service]\nWatchdogSec=10s\nRestartSec=100ms\nTimeoutAbortSec=1s\n")
        self.run_in("systemctl", "daemon-reload")
        self.run_in("systemctl", "restart", "vnetprobe")
        # Stopped it neither ends nor answers: only the watchdog starts it again.
        self.run_in("kill", "-STOP", self.unit("vnetprobe", "MainPID"))
        self.wait(lambda: int(self.unit("vnetprobe", "NRestarts")) > 0, "the watchdog did not bite")
        self.wait(lambda: self.unit("vnetprobe", "ActiveState") == "active", "not active again")
        self.run_in("rm", "-r", "/run/systemd/system/vnetprobe.service.d")
        self.run_in("systemctl", "daemon-reload")

    def test_5_stopped_it_ends_cleanly(self):
        self.run_in("systemctl", "stop", "vnetprobe")
        self.assertEqual((self.unit("vnetprobe", "Result"), self.unit("vnetprobe", "ExecMainStatus")), ("success", "0"), self.journal())
        took = (int(self.unit("vnetprobe", "InactiveEnterTimestampMonotonic")) - int(self.unit("vnetprobe", "ActiveExitTimestampMonotonic"))) / 1e6
        print(f"ended in {took:.2f} s")
        self.assertLess(took, 2)
        self.assertTrue(self.exists(f"{STATE}/history"))

    def test_6_removed_while_it_runs_it_is_gone(self):
        self.run_in("systemctl", "start", "vnetprobe")
        self.run_in("apt-get", "purge", "-y", "vnetprobe")
        self.assertEqual(self.unit("vnetprobe", "ActiveState"), "inactive")
        self.assertEqual(self.run_in("pgrep", "vnetprobe", check=False).stdout, "")
        self.assertFalse(self.exists(STATE))


if __name__ == "__main__":
    ROOT, PACKAGE = pathlib.Path(sys.argv.pop(1)).resolve(), pathlib.Path(sys.argv.pop(1)).resolve()
    why_not = machine.missing() or ("" if ROOT.with_name(ROOT.name + ".made-of").exists() else f"{ROOT} could not be made (see packaging.root)")
    if why_not:
        print("skipped:", why_not)
        sys.exit(77)
    unittest.main(verbosity=2)
