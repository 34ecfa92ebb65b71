#!/usr/bin/env python3
"""`vnetprobe listen` and `vnetprobe reach` on two machines (network namespaces) with a router between them: every way in which a port is
reached or is not, wrong and old tokens, other programs at the port, crowds of strangers, and the end by a signal.

    reach.py BINARY"""
import hashlib
import hmac
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import unittest

MISSING = [program for program in ("nft", "ip", "nsenter", "unshare", "setpriv") if not shutil.which(program)]
if MISSING or os.geteuid() != 0:
    print("skipped:", f"{', '.join(MISSING)} not installed" if MISSING else "network namespaces need root")
    sys.exit(77)
if os.environ.get("VNETPROBE_TEST_NAMESPACE") != "own":
    os.environ["VNETPROBE_TEST_NAMESPACE"] = "own"
    os.execvp("unshare", ["unshare", "-n", "sh", "-c", 'ip link set lo up && exec "$0" "$@"', sys.executable, *sys.argv])

BINARY = os.path.abspath(sys.argv.pop(1))
PATIENCE = 120
TARGET, TARGET6, CLIENT = "10.1.0.2", "fd01::2", "10.2.0.2"


def sh(*words, **more):
    return subprocess.run([str(word) for word in words], check=True, text=True, capture_output=True, **more).stdout


class Room:
    """A network namespace; this process itself is the router between two of them."""

    def __init__(self, name, network, network6):
        self.holder = subprocess.Popen(["unshare", "-n", "sh", "-c", "echo here; exec sleep infinity"], stdout=subprocess.PIPE, text=True)
        self.holder.stdout.readline()
        self.enter = ["nsenter", "-t", str(self.holder.pid), "-n"]
        sh("ip", "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", self.holder.pid)
        sh("ip", "address", "add", f"{network}.1/24", "dev", name)
        sh("ip", "address", "add", f"{network6}::1/64", "dev", name, "nodad")
        sh("ip", "link", "set", name, "up")
        for words in (["link", "set", "lo", "up"], ["address", "add", f"{network}.2/24", "dev", "eth0"],
                      ["address", "add", f"{network6}::2/64", "dev", "eth0", "nodad"], ["link", "set", "eth0", "up"],
                      ["route", "add", "default", "via", f"{network}.1"], ["-6", "route", "add", "default", "via", f"{network6}::1"]):
            self.sh("ip", *words)

    def sh(self, *words, **more):
        return sh(*self.enter, *words, **more)

    def close(self):
        self.holder.kill()
        self.holder.wait()
        self.holder.stdout.close()


class Listening:
    """A listener that is ready, and the token that it shows."""

    def __init__(self, case, *flags, user=None, room=None):
        words = [*(room or case.target).enter, *(["setpriv", f"--reuid={user}", "--clear-groups"] if user else []), BINARY, "listen", *flags]
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        case.addCleanup(self.stop)
        self.lines = []
        self.token = ""
        for line in self.process.stderr:
            self.lines.append(line)
            if "vnetprobe reach HOST" in line:
                shown = re.search(r"VNETPROBE_TOKEN=([0-9a-f]+)", line)
                self.token = shown.group(1) if shown else ""
                break
        # Read on, so that the listener never waits for a full pipe.
        self.reader = threading.Thread(target=lambda: self.lines.extend(self.process.stderr), daemon=True)
        self.reader.start()

    def end(self, sign=None):
        if sign:
            self.process.send_signal(sign)
        out = self.process.stdout.read()
        status = self.process.wait(PATIENCE)
        self.reader.join(PATIENCE)
        return status, out, "".join(self.lines)

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for stream in (self.process.stdout, self.process.stderr):
            stream.close()


class Reach(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.target, cls.client = Room("target", "10.1.0", "fd01"), Room("client", "10.2.0", "fd02")
        pathlib.Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
        pathlib.Path("/proc/sys/net/ipv6/conf/all/forwarding").write_text("1")

    @classmethod
    def tearDownClass(cls):
        cls.target.close()
        cls.client.close()

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name)
        for room in (self.target, self.client):
            room.sh("nft", "flush", "ruleset")
        sh("nft", "flush", "ruleset")

    def rule(self, where, hook, *rules):
        kind = "nat hook postrouting priority 100" if hook == "postrouting" else f"filter hook {hook} priority 0"
        text = f"table inet t {{ chain c {{ type {kind};\n" + "\n".join(rules) + "\n}\n}\n"
        (where.sh if where else sh)("nft", "-f", "-", input=text)

    def reach(self, host, ports, token="", *flags, **more):
        environment = {key: value for key, value in os.environ.items() if key != "VNETPROBE_TOKEN"}
        if token:
            environment["VNETPROBE_TOKEN"] = token
        done = subprocess.run([*self.client.enter, BINARY, "reach", host, "--ports", ports, "--format", "json", *flags], text=True,
                              capture_output=True, env=environment, check=False, timeout=PATIENCE, **more)
        self.assertNotIn(token or "no token", done.stdout + done.stderr)
        return done, json.loads(done.stdout) if done.stdout.startswith("{") else {}

    def verdicts(self, report):
        return {(one["port"], one["address"]): one["verdict"] for one in report["ports"]}

    def test_every_port_is_reached_over_both_families_and_the_listener_knows_by_whom(self):
        listener = Listening(self, "--ports", "29876,29877,44224", "--stay", "--format", "json")
        for host in (TARGET, TARGET6):
            done, report = self.reach(host, "29876-29877,44224", listener.token)
            self.assertEqual(done.returncode, 0, done.stdout)
            self.assertEqual(report["schema"], "vnetprobe.reach/1")
            self.assertEqual(set(self.verdicts(report).values()), {"reached"})
            for one in report["ports"]:
                local = one["tcp"]["local"]
                self.assertIn(str(local["port"]), one["dialogue"]["seen_as"])
        status, out, said = listener.end(signal.SIGINT)
        self.assertEqual(status, 0, said)
        heard = json.loads(out)
        self.assertEqual((heard["schema"], heard["ended_by"]), ("vnetprobe.listen/1", "signal"))
        for port in heard["ports"]:
            self.assertEqual((port["visits"], port["proven"]), (2, 2))
            self.assertTrue(port["visitors"][0]["address"].startswith(CLIENT + ":"))
            self.assertTrue(port["visitors"][1]["address"].startswith("[fd02::2]:"))
        self.assertNotIn(listener.token, out)

    def test_the_listener_ends_by_itself_when_all_ports_were_reached(self):
        listener = Listening(self, "--ports", "1042,1043", user="nobody")
        self.reach(TARGET, "1042", listener.token)
        self.assertIsNone(listener.process.poll())
        self.reach(TARGET, "1043", listener.token)
        status, out, said = listener.end()
        self.assertEqual(status, 0, said)
        self.assertIn("every port was reached", out)
        self.assertEqual(out.count("  reached\n"), 2)

    def test_what_stops_a_connection_is_told_apart(self):
        listener = Listening(self, "--ports", "7001-7004", "--stay")
        self.rule(None, "forward", "tcp dport 7002 drop", "tcp dport 7003 reject with icmpx admin-prohibited")
        self.rule(self.target, "input", "tcp dport 7004 reject with icmpx port-unreachable")
        self.rule(self.client, "output", "tcp dport 7006 drop", "tcp dport 7007 reject with icmpx port-unreachable")
        done, report = self.reach(TARGET, "7001-7007", listener.token, "--timeout", "4s")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(self.verdicts(report), {(7001, TARGET): "reached", (7002, TARGET): "filtered", (7003, TARGET): "refused",
                                                 (7004, TARGET): "refused", (7005, TARGET): "refused", (7006, TARGET): "blocked_here",
                                                 (7007, TARGET): "blocked_here"})
        says = {one["port"]: one["says"] + " " + one["next"] for one in report["ports"]}
        self.assertIn("--destination-port-ranges 7002", says[7002])
        self.assertIn(CLIENT, says[7002])
        self.assertIn("10.2.0.1 on the way rejects", says[7003])
        self.assertIn("target's own firewall", says[7004])
        self.assertIn("nothing listens there", says[7005])
        self.assertIn("no packet leaves this node", says[7006])
        self.assertIn("this node's own firewall rejects", says[7007])

    def test_nobody_at_the_address_and_no_route_to_it(self):
        _, report = self.reach("10.1.0.77", "7001", "", "--timeout", "6s")
        self.assertEqual(report["ports"][0]["verdict"], "unreachable")
        self.assertIn("10.2.0.1 on the way reports", report["ports"][0]["says"])
        _, report = self.reach("10.2.0.77", "7001", "", "--timeout", "6s")
        self.assertEqual(report["ports"][0]["verdict"], "unreachable")
        self.assertIn("10.2.0.77 does not answer on eth0", report["ports"][0]["says"])

    def test_addresses_that_are_translated_on_the_way_are_seen(self):
        listener = Listening(self, "--ports", "7001")
        self.rule(None, "postrouting", 'oifname "target" masquerade')
        done, report = self.reach(TARGET, "7001", listener.token)
        self.assertEqual(done.returncode, 0)
        self.assertTrue(report["ports"][0]["dialogue"]["seen_as"].startswith("10.1.0.1:"))
        self.assertIn("translates addresses", report["ports"][0]["says"])

    def test_another_program_at_the_port_is_not_taken_for_the_listener(self):
        servers = {"silent": "s.listen(); c, _ = s.accept(); input()", "ssh": "s.listen(); c, _ = s.accept(); c.sendall(b'SSH-2.0-x\\r\\n'); input()",
                   "closing": "s.listen(); c, _ = s.accept(); c.recv(100); c.close(); input()",
                   "echo": "s.listen(); c, _ = s.accept(); [c.sendall(c.recv(1000)) for _ in range(3)]; input()"}
        for port, (name, script) in enumerate(servers.items(), 7101):
            program = ("import socket\ns = socket.socket()\ns.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)\n"
                       f"s.bind(('{TARGET}', {port}))\nprint('bound', flush=True)\n{script}\n")
            server = subprocess.Popen([*self.target.enter, "/usr/bin/python3", "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            server.stdout.readline()
            try:
                done, report = self.reach(TARGET, str(port), "0" * 32, "--timeout", "4s")
            finally:
                server.kill()
                server.communicate()
            self.assertEqual(done.returncode, 1, name)
            self.assertEqual(report["ports"][0]["verdict"], "answered_by_another", name)
            if name == "ssh":
                self.assertIn('says "SSH-2.0-x', report["ports"][0]["says"])

    def test_a_wrong_token_and_none_prove_nothing(self):
        listener = Listening(self, "--ports", "7001", "--stay", "--format", "json")
        done, report = self.reach(TARGET, "7001")
        self.assertEqual((done.returncode, report["ports"][0]["verdict"]), (1, "not_proven"))
        self.assertIn("--token-file", report["ports"][0]["next"])
        done, report = self.reach(TARGET, "7001", "f" * 32)
        self.assertEqual((done.returncode, report["ports"][0]["verdict"]), (1, "not_proven"))
        self.assertIn("does not take the token", report["ports"][0]["says"])
        status, out, _ = listener.end(signal.SIGTERM)
        self.assertEqual(status, 1)
        self.assertEqual((json.loads(out)["ports"][0]["visits"], json.loads(out)["ports"][0]["proven"]), (2, 0))

    def talk(self, port, *lines):
        """Lines sent one after another to the listener from the client's room; each after an answer. Returns the answers."""
        program = ("import socket, sys\nc = socket.create_connection((sys.argv[1], int(sys.argv[2])))\nf = c.makefile('rw')\n"
                   "for line in sys.stdin:\n    f.write(line); f.flush(); print(f.readline().strip(), flush=True)\n")
        talker = subprocess.Popen([*self.client.enter, "/usr/bin/python3", "-c", program, TARGET, str(port)], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        answers = []
        try:
            for line in lines:
                talker.stdin.write(line(answers) + "\n")
                talker.stdin.flush()
                answers.append(talker.stdout.readline().rstrip("\n"))
        except BrokenPipeError:
            pass
        finally:
            talker.kill()
            talker.wait()
            talker.stdout.close()
            try:
                talker.stdin.close()
            except BrokenPipeError:
                pass
        return answers

    def test_a_recording_is_worth_nothing_and_the_protocol_is_what_it_says(self):
        listener = Listening(self, "--ports", "7001,7002", "--stay", "--format", "json")
        nonce = "a" * 32

        def proof(answers, port=7001, token=listener.token):
            challenge = answers[0].split()[2]
            return "vnetprobe/1 proof " + hmac.new(token.encode(), f"vnetprobe/1 proof {nonce} {challenge} {port} ".encode(), hashlib.sha256).hexdigest()

        kept = []
        answers = self.talk(7001, lambda _: "vnetprobe/1 hello " + nonce, lambda said: kept.append(proof(said)) or kept[0])
        self.assertTrue(answers[1].startswith(f"vnetprobe/1 seen {CLIENT}:"), answers)
        self.assertNotIn(listener.token, "".join(answers))
        again = self.talk(7001, lambda _: "vnetprobe/1 hello " + nonce, lambda _: kept[0])
        self.assertEqual(again[1:], [""], "the recorded proof meets another nonce")
        elsewhere = self.talk(7002, lambda _: "vnetprobe/1 hello " + nonce, lambda said: proof(said, port=7001))
        self.assertEqual(elsewhere[1:], [""], "a proof for another port")
        for garbage in ("GET / HTTP/1.1", "x" * 5000, "vnetprobe/1 hello short", "\x00\x01\x02"):
            self.assertEqual(self.talk(7001, lambda _, line=garbage: line), [""], garbage[:30])
        status, out, _ = listener.end(signal.SIGTERM)
        heard = {port["port"]: (port["visits"], port["proven"]) for port in json.loads(out)["ports"]}
        self.assertEqual((status, heard), (1, {7001: (6, 1), 7002: (1, 0)}))

    def test_a_thousand_idle_strangers_do_no_harm(self):
        listener = Listening(self, "--ports", "7001", "--stay", "--format", "json")
        program = ("import resource, socket, sys\nresource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))\n"
                   f"c = [socket.create_connection(('{TARGET}', 7001)) for _ in range(1000)]\nprint('there', flush=True)\ninput()\n")
        crowd = subprocess.Popen([*self.client.enter, "/usr/bin/python3", "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            self.assertEqual(crowd.stdout.readline(), "there\n")
            size = int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{listener.process.pid}/status").read_text()).group(1))
            self.assertLess(size, 200_000)
            done, report = self.reach(TARGET, "7001", listener.token)
            self.assertEqual(done.returncode, 0, report)
        finally:
            crowd.kill()
            crowd.communicate()
        status, out, said = listener.end(signal.SIGTERM)
        self.assertEqual(status, 0)
        port = json.loads(out)["ports"][0]
        self.assertGreaterEqual(port["visits"], 1001)
        self.assertLessEqual(len(port["visitors"]), 50)
        self.assertTrue(any(visitor["proven"] for visitor in port["visitors"]))
        self.assertLess(said.count("\n"), 60, "a flood is counted, not told")

    def test_answers_that_take_another_way_back_are_seen_by_the_listener(self):
        listener = Listening(self, "--ports", "7001", "--stay", "--format", "json")
        self.rule(None, "forward", "tcp sport 7001 drop")
        _, report = self.reach(TARGET, "7001", listener.token, "--timeout", "6s")
        self.assertEqual(report["ports"][0]["verdict"], "filtered")
        _, out, _ = listener.end(signal.SIGINT)
        port = json.loads(out)["ports"][0]
        self.assertEqual((port["visits"], port["proven"]), (0, 0))
        self.assertGreaterEqual(port["half_open"], 1)

    def test_a_port_that_is_taken_is_told_and_the_others_are_listened_at(self):
        taken = subprocess.Popen([*self.target.enter, "/usr/bin/python3", "-c",
                                  "import socket; s = socket.create_server(('0.0.0.0', 7001)); print('up', flush=True); input()"],
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        taken.stdout.readline()
        try:
            listener = Listening(self, "--ports", "7001,7002")
            self.assertIn("port 7001 is in use already", "".join(listener.lines))
            self.reach(TARGET, "7002", listener.token)
            status, out, _ = listener.end()
            self.assertEqual(status, 0)
            self.assertIn("7001  not listened at", out)
            alone = subprocess.run([*self.target.enter, BINARY, "listen", "--ports", "7001"], text=True, capture_output=True, check=False, timeout=PATIENCE)
            self.assertEqual((alone.returncode, alone.stdout), (2, ""))
        finally:
            taken.kill()
            taken.communicate()
        low = subprocess.run([*self.target.enter, "setpriv", "--reuid=nobody", "--clear-groups", BINARY, "listen", "--ports", "44"], text=True,
                             capture_output=True, check=False, timeout=PATIENCE)
        if pathlib.Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text().strip() != "0":
            self.assertEqual(low.returncode, 2, low.stderr)
            self.assertIn("need root", low.stderr)

    def test_a_token_of_ones_own_comes_from_a_safe_file(self):
        file = self.path / "token"
        file.write_text("a token of my own, long enough\n")
        file.chmod(0o600)
        listener = Listening(self, "--ports", "7001", "--token-file", str(file))
        self.assertEqual(listener.token, "")
        self.assertNotIn("of my own", "".join(listener.lines))
        done, _ = self.reach(TARGET, "7001", "", "--token-file", str(file))
        self.assertEqual(done.returncode, 0)
        self.assertEqual(listener.end()[0], 0)
        listener = Listening(self, "--ports", "7001", "--token-file", str(file))
        done, _ = self.reach(TARGET, "7001", "", "--token-file", "-", input="a token of my own, long enough\n")
        self.assertEqual(done.returncode, 0)
        file.chmod(0o644)
        done, _ = self.reach(TARGET, "7001", "", "--token-file", str(file))
        self.assertEqual(done.returncode, 2)
        self.assertIn("chmod o=", done.stderr)
        file.chmod(0o600)
        file.write_text("short")
        done, _ = self.reach(TARGET, "7001", "", "--token-file", str(file))
        self.assertEqual(done.returncode, 2)
        self.assertIn("16 characters", done.stderr)

    def test_wrong_usage_names_what_to_write(self):
        for words, expected in ((["listen"], "--ports"), (["listen", "--ports", "http"], "'http' is no port"), (["listen", "--ports", "0"], "no port"),
                                (["listen", "--ports", "9-1"], "ends before it begins"), (["listen", "--ports", "1-65535"], "more than 256"),
                                (["listen", "--ports", "7001", "--for", "soon"], "--for"), (["listen", "--ports", "7001", "--address", "here"], "no IP address"),
                                (["reach", "--ports", "7001"], "HOST"), (["reach", "http://x/", "--ports", "1"], "neither a name nor an address")):
            done = subprocess.run([*self.client.enter, BINARY, *words], text=True, capture_output=True, check=False, timeout=PATIENCE)
            self.assertEqual(done.returncode, 2, words)
            self.assertIn(expected, done.stderr, words)

    def test_a_signal_ends_reach_with_what_is_known(self):
        self.rule(None, "forward", "tcp dport 7002 drop")
        process = subprocess.Popen([*self.client.enter, BINARY, "reach", TARGET, "--ports", "7001,7002", "--timeout", "100s"], text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        while not self.client.sh("ss", "-Htn", "state", "syn-sent").strip():
            pass
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 1)
        self.assertIn(f"{TARGET}:7001  refused", out)
        self.assertNotIn("7002  reached", out)

    def test_the_time_is_over(self):
        listener = Listening(self, "--ports", "7001", "--for", "200ms")
        status, out, _ = listener.end()
        self.assertEqual(status, 1)
        self.assertIn("the time is over", out)
        self.assertIn("nobody came", out)


if __name__ == "__main__":
    unittest.main(verbosity=2)
