#!/usr/bin/env python3
"""Runs the agent on the node of a VNet, once for each scenario, and compares what it says with what is wrong. See README.md."""
import argparse
import json
import multiprocessing
import os
import pathlib
import shutil
import subprocess
import sys
import time

import yaml

import names
import scenario as scenarios
import vnet

FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"
NPM = scenarios.HERE.parents[1] / "build" / "npm" / "node_modules"
NEEDED = ("ip", "jupyter-server", "nft", "nginx", "openssl", "setpriv", "socat", "unbound")
# Where libfaketime lets time run faster, its timerfd_settime() makes "at once" of an expired timer into "never", now and then.
AGAIN_WHERE_IT_HANGS = ["sh", "-c", 'for i in 1 2 3; do timeout -s KILL 40 "$@"; status=$?; [ $status = 137 ] || exit $status; done; exit $status', "sh"]
NSSWITCH = "passwd: files\ngroup: files\nhosts: files dns\n"


class Bench:
    """One VNet, and what it takes to put a scenario into it."""

    def __init__(self, binary):
        self.vnet = vnet.Vnet()
        try:
            self.vnet.build()
        except BaseException:
            self.vnet.close()
            raise
        # An unprivileged user need not be able to read the build folder.
        self.binary = self.vnet.folder / "vnetprobe"
        shutil.copy(binary, self.binary)
        self.binary.chmod(0o755)

    def put(self, one):
        """Node and routers as new, then the differences of the scenario."""
        lab = self.vnet
        values = {"folder": str(lab.folder), "certificates": str(lab.services.certificates.folder), "ca": str(lab.services.ca_file),
                  "lab": str(scenarios.HERE), "python": "/usr/bin/python3", "npm": str(NPM)}
        lab.refresh()
        lab.services.put(one.records, one.web, one.dns_options)
        for room, addresses in one.addresses.items():
            for address in addresses:
                lab.add_address(room, address)
        for room, lines in one.commands.items():
            if room in vnet.LASTING:
                raise scenarios.Mistake(f"{one.name}: commands change what lasts in {room}; use nft, addresses, records or web there")
            lab.inside(room, "sh", "-ec", scenarios.fill("\n".join(lines), values))
        for room, hooks in one.nft.items():
            lab.inside(room, "nft", "-f", "-", input=scenarios.nft_text(hooks))
        for server in one.servers:
            for name, text in server.get("files", {}).items():
                path = lab.folder / name
                path.write_text(scenarios.fill(text, values))
                path.chmod(0o644)
            child = lab.add_guest(server["room"], "sh", "-c", "exec " + scenarios.fill(server["run"], values))
            if "listens" in server:
                address, port = server["listens"].rsplit(":", 1)
                lab.wait_for(server["room"], address, int(port), child)
        self.values = values

    def command(self, one, words):
        config = one.agent_config(self.vnet.services.ca_file)
        resolvers = one.data.get("resolvers", [names.WIRESERVER])
        search = one.data.get("search", "abcdefgh.bx.internal.cloudapp.net")
        files = {"/etc/resolv.conf": "".join(f"nameserver {server}\n" for server in resolvers) + f"search {search}\noptions timeout:1 attempts:2\n",
                 "/etc/hosts": "\n".join(["127.0.0.1 localhost", "10.0.0.4 lab-ci", *one.hosts]) + "\n",
                 "/etc/nsswitch.conf": NSSWITCH}
        files |= {path: scenarios.fill(text, self.values) for path, text in one.files.items()}
        flags = list(map(str, one.flags))
        if config is None:
            flags += ["--ca-file", str(self.vnet.services.ca_file), "--profile", "compute-instance"]
        else:
            path = self.vnet.folder / "config.yaml"
            path.write_text(scenarios.fill(yaml.safe_dump(config), self.values))
            path.chmod(0o644)
            flags += ["--config", str(path)]
        clock = ["env", f"LD_PRELOAD={FAKETIME}", f"FAKETIME={one.clock}", "FAKETIME_DONT_FAKE_MONOTONIC=1"] if one.clock else []
        if " x" in one.clock:
            clock = [*AGAIN_WHERE_IT_HANGS, *clock]
        environment = self.vnet.environment({key: str(value) for key, value in one.environment.items()})
        return self.vnet.on_node([*clock, *(words or [self.binary, "run", *flags, "--format", "json"])], files=files,
                                 before=scenarios.fill(one.before, self.values), user=one.user or "nobody", environment=environment)

    def try_out(self, one):
        prepared = time.monotonic()
        try:
            self.put(one)
            prepared = time.monotonic()
            done = self.command(one, None)
            report = json.loads(done.stdout)
        except (RuntimeError, subprocess.CalledProcessError) as error:
            return Result(one.name, one.expected, "-", [f"the lab failed: {error}"], 0, {})
        except json.JSONDecodeError:
            return Result(one.name, one.expected, "-", [f"no report, exit status {done.returncode}: {done.stderr.strip()[-500:]}"], 0, {})
        got, problems = scenarios.judge(one, report, done.returncode)
        return Result(one.name, one.expected, got, problems, time.monotonic() - prepared, report)


def missing_peers(one):
    """Programs of the scenario's servers that this machine does not have."""
    programs = set()
    for server in one.servers:
        words = [word for word in server["run"].split() if "=" not in word]
        programs.add(next(word for word in words if word != "env"))
    absent = {program for program in programs if not program.startswith("$") and not shutil.which(program)}
    if any("$npm" in server["run"] for server in one.servers) and not (NPM / "azurite").exists():
        absent.add("azurite of the npm registry (./vnetprobe.sh test fetches it)")
    return sorted(absent)


class Result:
    def __init__(self, name, expected, got, problems, seconds, report):
        self.name, self.expected, self.got, self.problems, self.seconds, self.report = name, expected, got, problems, seconds, report


def worker(binary, chosen, results):
    try:
        bench = Bench(binary)
    except Exception as error:
        results.put(Result("the lab itself", "", "-", [str(error)], 0, {}))
        return
    try:
        for one in iter(lambda: chosen.get(), None):
            try:
                results.put(bench.try_out(one))
            except scenarios.Mistake as mistake:
                results.put(Result(one.name, one.expected, "-", [str(mistake)], 0, {}))
    finally:
        bench.vnet.close()


def run_all(binary, chosen, jobs, save):
    tasks, results = multiprocessing.Queue(), multiprocessing.Queue()
    for one in chosen + [None] * jobs:
        tasks.put(one)
    workers = [multiprocessing.Process(target=worker, args=(binary, tasks, results)) for _ in range(jobs)]
    for process in workers:
        process.start()
    done, broken = [], 0
    width = max(len(one.name) for one in chosen)
    while len(done) < len(chosen):
        try:
            result = results.get(timeout=1)
        except multiprocessing.queues.Empty:
            if not any(process.is_alive() for process in workers):
                break
            continue
        if result.name == "the lab itself":
            broken += 1
            print(f"a VNet could not be built: {result.problems[0]}", file=sys.stderr)
            if broken == jobs:
                break
            continue
        done.append(result)
        mark = "WRONG" if result.problems else "ok"
        print(f"{mark:5}  {result.name:{width}}  {result.expected:42}  {result.got:42}  {result.seconds:5.1f} s", flush=True)
        for problem in result.problems:
            print(f"       {problem}", flush=True)
        if save and result.report:
            (save / f"{result.name}.json").write_text(json.dumps(result.report, indent=1))
    for process in workers:
        process.join(60)
        process.kill()
    return done


def sum_up(chosen, done, waiting):
    faults = [one for one in done if one.expected != "healthy"]
    looks = [one for one in done if one.expected == "healthy"]
    right = [one for one in faults if one.got in one.expected.split(" or ")]
    blamed = [one for one in looks if one.got != "healthy"]
    print()
    confused = sorted({(one.expected, one.got) for one in done if one.problems and one.got not in one.expected.split(" or ")})
    for expected, got in confused:
        print(f"confused: {expected} was called {got}, {sum((one.expected, one.got) == (expected, got) for one in done)} x")
    if faults:
        print(f"accuracy: {len(right)} of {len(faults)} faults have the expected first diagnosis ({100 * len(right) / len(faults):.0f} %)")
    if looks:
        print(f"false blame: {len(blamed)} of {len(looks)} healthy networks")
    if waiting:
        print(f"not tried, what they need is not there yet: {', '.join(one.name for one in waiting)}")
    wrong = [one for one in done if one.problems]
    if not done:
        return 1
    slowest = max(done, key=lambda one: one.seconds)
    print(f"{len(done) - len(wrong)} of {len(chosen)} as expected; the slowest sweep took {slowest.seconds:.1f} s ({slowest.name})")
    return 1 if wrong or len(done) < len(chosen) else 0


def look(binary, one, words, keep):
    """One scenario with the agent's own text, or a command of the reader's, on the node."""
    bench = Bench(binary)
    try:
        bench.put(one)
        done = bench.command(one, [word.replace("BINARY", str(bench.binary)) for word in words] if words else None)
        print(done.stdout, done.stderr, sep="")
        return done.returncode
    finally:
        if keep:
            print(f"kept: ip netns exec {bench.vnet.ns('node')} sh; files in {bench.vnet.folder}")
        else:
            bench.vnet.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("binary", type=pathlib.Path)
    parser.add_argument("--only", default="*", metavar="GLOB", help="scenarios whose name matches; several with commas")
    parser.add_argument("--list", action="store_true", help="name the scenarios and what they are about")
    parser.add_argument("--jobs", type=int, default=1, help="as many VNets side by side")
    parser.add_argument("--all", action="store_true", help="also those that wait for what the agent cannot do yet")
    parser.add_argument("--save", type=pathlib.Path, metavar="FOLDER", help="keep each report there")
    parser.add_argument("--keep", action="store_true", help="with one scenario: leave the namespaces up")
    parser.add_argument("--shell", nargs=argparse.REMAINDER, help="with one scenario: run this on the node; BINARY is the agent")
    arguments = parser.parse_args()
    try:
        chosen = scenarios.load_all(arguments.only)
    except scenarios.Mistake as mistake:
        print(mistake)
        return 2
    if arguments.list:
        for one in chosen:
            print(f"{one.name:40} {one.expected:40} {one.about}{' (needs ' + one.waits + ')' if one.waits else ''}")
        return 0
    if os.geteuid() != 0:
        print("skipped: network namespaces need root")
        return 77
    if arguments.keep or arguments.shell:
        return look(arguments.binary, chosen[0], arguments.shell, arguments.keep)
    absent = [program for program in NEEDED if not shutil.which(program)] + ([] if pathlib.Path(FAKETIME).exists() else ["libfaketime"])
    if absent:
        print(f"skipped: the lab needs {', '.join(absent)}")
        return 77
    waiting = [] if arguments.all else [one for one in chosen if one.waits]
    chosen = [one for one in chosen if one not in waiting]
    for one in list(chosen):
        if missing := missing_peers(one):
            print(f"skipped: {one.name} needs {', '.join(missing)}")
            chosen.remove(one)
    if not chosen:
        return 77
    if arguments.save:
        arguments.save.mkdir(parents=True, exist_ok=True)
    return sum_up(chosen, run_all(arguments.binary, chosen, max(1, min(arguments.jobs, len(chosen))), arguments.save), waiting)


if __name__ == "__main__":
    sys.exit(main())
