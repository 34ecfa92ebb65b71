"""The article's VNet in network namespaces.

    node -- router -+- hub        the customer's shared services: DNS servers of their own, a proxy
                    +- platform   168.63.129.16 and 169.254.169.254
                    +- endpoints  the private endpoints, 10.0.1.0/24
                    +- firewall -- internet    every public address

Node, router, hub and firewall are made anew for each scenario, so that nothing of a fault survives it; the rooms with the
servers stay, because starting those takes longer than a scenario."""
import contextlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import names
import services

PREFIX = "vplab"
FRESH = ("node", "router", "hub", "firewall")
LASTING = ("platform", "endpoints", "internet")
# room -> (its own address, the neighbour's, the neighbour); all /24
CABLES = {
    "node": ("10.0.0.4", "10.0.0.1", "router"),
    "hub": ("10.0.3.4", "10.0.3.1", "router"),
    "platform": ("192.168.250.2", "192.168.250.1", "router"),
    "endpoints": ("192.168.251.2", "192.168.251.1", "router"),
    "firewall": ("10.0.2.4", "10.0.2.1", "router"),
    "internet": ("192.168.252.2", "192.168.252.1", "firewall"),
}
HUB_ADDRESSES = ("10.0.3.5", "10.0.4.4")
# What WALinuxAgent does on a real node: only root may use WireServer (azure-facts 3.6).
AZURE_AGENT_RULES = f"""
table ip security {{
  chain output {{
    type filter hook output priority 150;
    ip daddr {names.WIRESERVER} tcp dport 53 accept
    ip daddr {names.WIRESERVER} meta l4proto tcp meta skuid 0 accept
    ip daddr {names.WIRESERVER} meta l4proto tcp ct state invalid,new drop
  }}
}}
"""


def sh(*words, **more):
    done = subprocess.run([str(word) for word in words], text=True, capture_output=True, check=False, **more)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, words))}: {done.stderr.strip() or done.returncode}")
    return done.stdout


def remove_leftovers():
    """Namespaces and folders of runs whose process is gone."""
    for line in sh("ip", "netns", "list").splitlines():
        name = line.split()[0]
        found = re.fullmatch(rf"{PREFIX}(\d+)-\w+", name)
        if found and not pathlib.Path(f"/proc/{found[1]}").exists():
            remove_namespace(name)
    for folder in pathlib.Path(tempfile.gettempdir()).glob("vnetprobe-lab-*-*"):
        if not pathlib.Path(f"/proc/{folder.name.split('-')[2]}").exists():
            shutil.rmtree(folder, ignore_errors=True)


def remove_namespace(name):
    kill_inside(name)
    subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)
    shutil.rmtree(f"/etc/netns/{name}", ignore_errors=True)


def kill_inside(namespace):
    for pid in subprocess.run(["ip", "netns", "pids", namespace], text=True, capture_output=True, check=False).stdout.split():
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)


class Vnet:
    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"vnetprobe-lab-{os.getpid()}-"))
        self.folder.chmod(0o755)
        self.children = []
        self.guests = []  # processes of the scenario that is in force
        self.extra_addresses = []
        self.services = services.Services(self)

    def ns(self, room):
        return f"{PREFIX}{os.getpid()}-{room}"

    def inside(self, room, *words, **more):
        return sh("ip", "netns", "exec", self.ns(room), *words, **more)

    def spawn(self, room, *words, **more):
        log = self.folder / f"{pathlib.Path(str(words[0])).name}-{room}-{len(self.children) + len(self.guests)}.log"
        # Two squids of the same name that start at once take each other's shared memory for a former run's.
        alone = ["sh", "-c", 'mount -t tmpfs shm /dev/shm && exec "$@"', "sh"]
        with open(log, "w", encoding="utf-8") as output:
            child = subprocess.Popen(["ip", "netns", "exec", self.ns(room), *alone, *map(str, words)], stdout=output, stderr=output,
                                     stdin=subprocess.DEVNULL, **more)
        child.log = log
        return child

    # -- the rooms -----------------------------------------------------------------------------------------------------
    def build(self):
        remove_leftovers()
        for room in LASTING:
            self.add_room(room)
            addresses = {"platform": {names.IMDS, names.WIRESERVER},
                         "endpoints": {row[1] for row in names.PRIVATE.values()},
                         "internet": {row[1] for row in names.PUBLIC.values()}}[room]
            self.batch(room, [f"addr add {address}/32 dev lo" for address in sorted(addresses)])
        marker = self.folder / "mnt" / "azmnt"
        marker.mkdir(parents=True)
        (marker / ".nbvm").write_text(f"instance={names.INSTANCE}\ndomainsuffix=instances.azureml.ms\n"
                                      f"certurl=https://{names.REGION}.cert.api.azureml.ms/nbip/token\n")
        self.services.start()

    def add_room(self, room):
        sh("ip", "netns", "add", self.ns(room))
        self.batch(room, ["link set lo up"])

    def batch(self, room, lines):
        sh("ip", "-n", self.ns(room), "-batch", "-", input="\n".join(lines) + "\n")

    def refresh(self):
        """Node, router, hub and firewall as new, with every cable."""
        self.drop_guests()
        for room in FRESH:
            self.add_room(room)
        for room, (own, gateway, neighbour) in CABLES.items():
            sh("ip", "link", "add", "eth0", "netns", self.ns(room), "type", "veth", "peer", "name", f"to-{room}", "netns", self.ns(neighbour))
            self.batch(neighbour, [f"addr add {gateway}/24 dev to-{room}", f"link set to-{room} up"])
            self.batch(room, [f"addr add {own}/24 dev eth0", "link set eth0 up"] + ([f"route add default via {gateway}"] if room != "firewall" else []))
        self.batch("router", ["route add 10.0.1.0/24 via 192.168.251.2", f"route add {names.IMDS}/32 via 192.168.250.2",
                              f"route add {names.WIRESERVER}/32 via 192.168.250.2", "route add default via 10.0.2.4"])
        self.batch("firewall", ["route add default via 192.168.252.2", "route add 10.0.0.0/8 via 10.0.2.1"])
        etc = pathlib.Path(f"/etc/netns/{self.ns('hub')}")
        etc.mkdir(parents=True, exist_ok=True)
        (etc / "resolv.conf").write_text(f"nameserver {names.WIRESERVER}\n")
        self.batch("hub", [f"addr add {address}/32 dev lo" for address in HUB_ADDRESSES])
        self.batch("router", [f"route add {address}/32 via 10.0.3.4" for address in HUB_ADDRESSES if not address.startswith("10.0.3.")])
        # Routers forward at once, and tell every refusal rather than one a second.
        for room in ("router", "firewall"):
            self.inside(room, "sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv4.icmp_ratelimit=0", "net.ipv6.conf.all.forwarding=1")
        self.inside("node", "nft", "-f", "-", input=AZURE_AGENT_RULES)
        # The kernel takes its time to say of a new cable that it is up.
        give_up = time.monotonic() + 10
        while "UP" not in self.inside("node", "cat", "/sys/class/net/eth0/operstate").upper() and time.monotonic() < give_up:
            time.sleep(0.02)

    def drop_guests(self):
        for child in self.guests:
            child.kill()
        # A namespace goes when the kernel finds the time; its cables go at once.
        for room in LASTING:
            subprocess.run(["ip", "-n", self.ns(room), "link", "del", "eth0"], check=False, capture_output=True)
        for room in FRESH:
            remove_namespace(self.ns(room))
        for child in self.guests:
            child.wait()
            child.log.unlink(missing_ok=True)
        self.guests = []
        for room, address in self.extra_addresses:
            self.batch(room, [f"addr del {address}/32 dev lo"])
        self.extra_addresses = []
        for room in LASTING:
            self.inside(room, "nft", "flush", "ruleset")

    def add_guest(self, room, *words, **more):
        self.guests.append(self.spawn(room, *words, **more))
        return self.guests[-1]

    def add_address(self, room, address):
        self.batch(room, [f"addr add {address}/32 dev lo"])
        if room in LASTING:
            self.extra_addresses.append((room, address))

    # -- waiting -------------------------------------------------------------------------------------------------------
    def wait_for(self, room, address, port, child=None):
        """Until something takes connections there; a server that died says why."""
        give_up = time.monotonic() + 60
        code = f"import socket; socket.create_connection(('{address}', {port}), 2)"
        while subprocess.run(["ip", "netns", "exec", self.ns(room), sys.executable, "-S", "-c", code], capture_output=True, check=False).returncode:
            if (child and child.poll() is not None) or time.monotonic() > give_up:
                raise RuntimeError(f"nothing listens at {address}:{port} in {room}\n{self.logs()}")
            time.sleep(0.02)

    def logs(self):
        return "\n".join(f"--- {log.name}\n{log.read_text(errors='replace')[-2000:]}" for log in sorted(self.folder.glob("*.log")))

    # -- the node ------------------------------------------------------------------------------------------------------
    def environment(self, more=None):
        base = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/tmp", "LANG": "C.UTF-8", "CI_NAME": names.INSTANCE,
                "MLFLOW_TRACKING_URI": f"azureml://{names.REGION}.api.azureml.ms/mlflow/v1.0/subscriptions/{names.SUBSCRIPTION}"
                                       f"/resourceGroups/lab-rg/providers/Microsoft.MachineLearningServices/workspaces/{names.WORKSPACE}"}
        return base | (more or {})

    def on_node(self, words, files=None, before="", user="nobody", environment=None):
        """Runs a command on the node with the node's own files in place of this machine's, as an unprivileged user. `files` are
        texts by path; /run starts empty. `before` is run as root in the same place."""
        # A root and processes of its own, so that the node shows no sign of a container that this machine may be, nor of
        # the programs of another scenario.
        root = self.folder / "root"
        root.mkdir(exist_ok=True)
        scripts = ["mount --make-rprivate /", "mount -t proc proc /proc", f"mount -t tmpfs tmpfs {root}", f"cd {root}",
                   'for d in /*; do if [ -L "$d" ]; then cp -P "$d" .; elif [ -d "$d" ]; then mkdir -p ".$d"; mount --rbind "$d" ".$d"; fi; done',
                   f"mount --bind {self.folder}/mnt ./mnt", "mount -t tmpfs tmpfs ./run"]
        for number, (path, text) in enumerate((files or {}).items()):
            source = self.folder / f"file-{number}"
            source.write_text(text)
            source.chmod(0o644)
            scripts.append(f"mkdir -p .{pathlib.Path(path).parent}")
            scripts.append(f"if [ -e .{path} ]; then mount --bind {source} .{path}; else cp {source} .{path}; fi")
        if before:
            scripts.append(f"chroot . sh -ec '{before}'")
        become = "" if user == "root" else f"setpriv --reuid={user} --regid=nogroup --clear-groups --no-new-privs "
        scripts.append(f'exec chroot . {become}"$@"')
        apart = ("unshare", "-m", "--pid", "--fork", "--kill-child", "ip", "netns", "exec", self.ns("node"))
        return subprocess.run([*apart, "sh", "-ec", "\n".join(scripts), "sh", *map(str, words)],
                              text=True, capture_output=True, env=environment or self.environment(), check=False)

    def close(self):
        for child in self.children + self.guests:
            child.kill()
        for room in FRESH + LASTING:
            remove_namespace(self.ns(room))
        for child in self.children + self.guests:
            child.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
