"""Builds the article's VNet in network namespaces and tears it down again."""
import contextlib
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import names

HERE = pathlib.Path(__file__).resolve().parent
PREFIX = "vplab"


def sh(*words, **more):
    return subprocess.run(words, check=True, text=True, capture_output=True, **more).stdout


def remove_leftovers():
    """Namespaces of runs whose process is gone."""
    for line in sh("ip", "netns", "list").splitlines():
        name = line.split()[0]
        found = re.fullmatch(rf"{PREFIX}(\d+)-\w+", name)
        if found and not pathlib.Path(f"/proc/{found[1]}").exists():
            kill_inside(name)
            subprocess.run(["ip", "netns", "del", name], check=False)
            shutil.rmtree(f"/etc/netns/{name}", ignore_errors=True)


def kill_inside(namespace):
    for pid in subprocess.run(["ip", "netns", "pids", namespace], text=True, capture_output=True, check=False).stdout.split():
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)


class Vnet:
    """node -- router -- { platform, endpoints, internet }"""
    LINKS = {  # namespace -> (its address, the router's address, prefix)
        "node": ("10.0.0.4", "10.0.0.1", 24),
        "platform": ("192.168.250.2", "192.168.250.1", 24),
        "endpoints": ("192.168.251.2", "192.168.251.1", 24),
        "internet": ("192.168.252.2", "192.168.252.1", 24),
    }

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="vnetprobe-lab-"))
        self.folder.chmod(0o755)
        self.children = []

    def ns(self, room):
        return f"{PREFIX}{os.getpid()}-{room}"

    def inside(self, room, *words, **more):
        return sh("ip", "netns", "exec", self.ns(room), *words, **more)

    def spawn(self, room, *words, **more):
        log = open(self.folder / f"{pathlib.Path(words[0]).name}-{room}-{len(self.children)}.log", "w")
        child = subprocess.Popen(["ip", "netns", "exec", self.ns(room), *words], stdout=log, stderr=log, stdin=subprocess.DEVNULL, **more)
        self.children.append(child)
        return child

    # -- building ----------------------------------------------------------------------------------------------------------
    def build(self):
        remove_leftovers()
        self.lay_cables()
        self.give_addresses()
        self.make_certificates()
        self.start_dns()
        self.start_web("endpoints", names.PRIVATE)
        self.start_web("internet", names.PUBLIC)
        self.start_jupyter()
        self.spawn("platform", sys.executable, HERE / "fakes.py", "imds", names.IMDS)
        self.spawn("platform", sys.executable, HERE / "fakes.py", "wireserver", names.WIRESERVER)
        tundra = names.PUBLIC[f"{names.REGION}.tundra.azureml.ms"][1]
        self.spawn("internet", sys.executable, HERE / "fakes.py", "udp", tundra, "5831")
        self.furnish_node()
        self.wait_until_up()

    def lay_cables(self):
        for room in ["router", *self.LINKS]:
            sh("ip", "netns", "add", self.ns(room))
            self.inside(room, "ip", "link", "set", "lo", "up")
        self.inside("router", "sysctl", "-qw", "net.ipv4.ip_forward=1")
        for i, (room, (own, router, prefix)) in enumerate(self.LINKS.items()):
            a, b = f"vl{os.getpid() % 100000}{i}a", f"vl{os.getpid() % 100000}{i}b"
            sh("ip", "link", "add", a, "type", "veth", "peer", "name", b)
            sh("ip", "link", "set", a, "netns", self.ns(room), "name", "eth0")
            sh("ip", "link", "set", b, "netns", self.ns("router"), "name", f"to-{room}")
            self.inside(room, "ip", "addr", "add", f"{own}/{prefix}", "dev", "eth0")
            self.inside(room, "ip", "link", "set", "eth0", "up")
            self.inside("router", "ip", "addr", "add", f"{router}/{prefix}", "dev", f"to-{room}")
            self.inside("router", "ip", "link", "set", f"to-{room}", "up")
            self.inside(room, "ip", "route", "add", "default", "via", router)

    def give_addresses(self):
        homes = {"platform": {names.IMDS, names.WIRESERVER},
                 "endpoints": {row[1] for row in names.PRIVATE.values()},
                 "internet": {row[1] for row in names.PUBLIC.values()}}
        for room, addresses in homes.items():
            for address in sorted(addresses):
                self.inside(room, "ip", "addr", "add", f"{address}/32", "dev", "lo")
                self.inside("router", "ip", "route", "add", f"{address}/32", "via", self.LINKS[room][0])

    def make_certificates(self):
        """One issuing authority named as Azure's are, and a leaf per name."""
        ssl = self.folder / "ssl"
        ssl.mkdir()
        sh("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-keyout", ssl / "ca.key",
           "-out", ssl / "ca.pem", "-subj", "/C=US/O=Microsoft Corporation/CN=Lab Azure TLS Issuing CA 01")
        sh("openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", ssl / "leaf.key")
        for name in [*names.PUBLIC, *names.PRIVATE]:
            sh("openssl", "req", "-new", "-key", ssl / "leaf.key", "-subj", f"/O=Microsoft Corporation/CN={name[:64]}", "-out", ssl / "leaf.csr")
            (ssl / "ext").write_text(f"subjectAltName=DNS:{name}\nbasicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\n")
            sh("openssl", "x509", "-req", "-in", ssl / "leaf.csr", "-CA", ssl / "ca.pem", "-CAkey", ssl / "ca.key", "-CAcreateserial", "-days", "20",
               "-extfile", ssl / "ext", "-out", ssl / f"{name}.pem")
        (ssl / "ca.pem").chmod(0o644)

    @property
    def ca_file(self):
        return self.folder / "ssl" / "ca.pem"

    def zone_lines(self):
        for table in (names.PUBLIC, names.PRIVATE):
            for name, (chain, address, _) in table.items():
                owner = name
                for alias in chain:
                    yield f'  local-data: "{owner}. 60 IN CNAME {alias}."'
                    owner = alias
                yield f'  local-data: "{owner}. 10 IN A {address}"'

    def start_dns(self):
        # unbound does not follow a CNAME inside local-data, so each chain's zones are served from an authority zone file.
        records = ["$ORIGIN .", "$TTL 60", ". IN SOA ns.lab. root.lab. 1 60 60 60 60", ". IN NS ns.lab.", "ns.lab. IN A 168.63.129.16"]
        seen = set()
        for line in self.zone_lines():
            record = line.split('"')[1]
            if record not in seen:
                seen.add(record)
                records.append(record)
        (self.folder / "root.zone").write_text("\n".join(records) + "\n")
        (self.folder / "unbound.conf").write_text(f"""server:
  interface: {names.WIRESERVER}
  access-control: 0.0.0.0/0 allow
  do-daemonize: no
  username: ""
  chroot: ""
  directory: "{self.folder}"
  pidfile: "{self.folder}/unbound.pid"
  use-syslog: no
  module-config: "iterator"
auth-zone:
  name: "."
  zonefile: "{self.folder}/root.zone"
  for-downstream: yes
  for-upstream: yes
remote-control:
  control-enable: no
""")
        self.spawn("platform", "unbound", "-d", "-c", self.folder / "unbound.conf")

    def start_web(self, room, table):
        blocks = []
        for name, (_, address, reply) in table.items():
            if reply is None:
                continue
            if reply == names.JUPYTER:
                inner = ("proxy_pass http://127.0.0.1:8888; proxy_http_version 1.1; proxy_set_header Host $host; "
                         "proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $http_connection;")
            else:
                headers = " ".join(f"add_header {key} '{value}' always;" for key, value in reply["headers"].items() if key != "Location")
                target = f"'{reply['headers']['Location']}'" if "Location" in reply["headers"] else f"'{reply['body']}'"
                inner = f"default_type '{reply['type']}'; {headers} return {reply['status']} {target};"
            blocks.append(f"server {{ listen {address}:443 ssl; listen {address}:80; server_name {name}; ssl_certificate {self.folder}/ssl/{name}.pem; "
                          f"ssl_certificate_key {self.folder}/ssl/leaf.key; location / {{ {inner} }} }}")
        conf = self.folder / f"nginx-{room}.conf"
        newline = "\n  "
        conf.write_text(f"""user root; worker_processes 1; daemon off; pid {self.folder}/nginx-{room}.pid; error_log stderr;
events {{ worker_connections 512; }}
http {{
  access_log off; server_tokens off; server_names_hash_bucket_size 256;
  client_body_temp_path {self.folder}/t1-{room}; proxy_temp_path {self.folder}/t2-{room};
  fastcgi_temp_path {self.folder}/t3-{room}; uwsgi_temp_path {self.folder}/t4-{room}; scgi_temp_path {self.folder}/t5-{room};
  {newline.join(blocks)}
}}
""")
        self.spawn(room, "nginx", "-c", conf, "-p", self.folder)
        if room == "endpoints":
            files = names.PRIVATE[f"{names.STORAGE}.file.core.windows.net"][1]
            self.spawn(room, "socat", f"TCP-LISTEN:445,bind={files},fork,reuseaddr", "OPEN:/dev/null")

    def start_jupyter(self):
        home = self.folder / "home"
        home.mkdir()
        environment = {"HOME": str(home), "PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "JUPYTER_RUNTIME_DIR": str(home)}
        self.spawn("endpoints", "/usr/bin/python3", "-m", "jupyter_server", "--ServerApp.ip=127.0.0.1", "--ServerApp.port=8888", "--no-browser",
                   "--allow-root", "--ServerApp.token=lab-token", "--ServerApp.allow_remote_access=True", f"--ServerApp.root_dir={home}", env=environment)

    def furnish_node(self):
        """What Azure puts on a compute instance: resolver, hosts, .nbvm, and WALinuxAgent's rules for WireServer."""
        etc = pathlib.Path(f"/etc/netns/{self.ns('node')}")
        etc.mkdir(parents=True)
        (etc / "resolv.conf").write_text(f"nameserver {names.WIRESERVER}\nsearch abcdefgh.bx.internal.cloudapp.net\n")
        (etc / "hosts").write_text("127.0.0.1 localhost\n10.0.0.4 lab-ci\n")
        (etc / "nsswitch.conf").write_text("passwd: files\ngroup: files\nhosts: files dns\n")
        marker = self.folder / "mnt" / "azmnt"
        marker.mkdir(parents=True)
        (marker / ".nbvm").write_text(f"instance={names.INSTANCE}\ndomainsuffix=instances.azureml.ms\n"
                                      f"certurl=https://{names.REGION}.cert.api.azureml.ms/nbip/token\n")
        self.inside("node", "nft", "-f", "-", input=f"""
table ip security {{
  chain output {{
    type filter hook output priority 150;
    ip daddr {names.WIRESERVER} tcp dport 53 accept
    ip daddr {names.WIRESERVER} meta l4proto tcp meta skuid 0 accept
    ip daddr {names.WIRESERVER} meta l4proto tcp ct state invalid,new drop
  }}
}}
""")

    def wait_until_up(self):
        """Until each server answers; a server that died says why."""
        doors = [("platform", names.WIRESERVER, 80), ("platform", names.IMDS, 80), ("endpoints", "10.0.1.4", 443),
                 ("internet", "20.190.151.9", 443), ("endpoints", "127.0.0.1", 8888), ("platform", names.WIRESERVER, 53)]
        for room, address, port in doors:
            code = f"import socket; socket.create_connection(('{address}', {port}), 2)"
            give_up = time.monotonic() + 60
            while subprocess.run(["ip", "netns", "exec", self.ns(room), sys.executable, "-c", code], capture_output=True, check=False).returncode:
                if any(child.poll() is not None for child in self.children) or time.monotonic() > give_up:
                    raise RuntimeError(f"nothing answers at {address}:{port}\n{self.logs()}")
                time.sleep(0.1)

    def logs(self):
        return "\n".join(f"--- {log.name}\n{log.read_text()[-2000:]}" for log in sorted(self.folder.glob("*.log")))

    # -- using -------------------------------------------------------------------------------------------------------------
    def environment(self):
        return {"PATH": "/usr/bin:/bin", "HOME": "/tmp", "LANG": "C.UTF-8", "CI_NAME": names.INSTANCE,
                "MLFLOW_TRACKING_URI": f"azureml://{names.REGION}.api.azureml.ms/mlflow/v1.0/subscriptions/{names.SUBSCRIPTION}"
                                       f"/resourceGroups/lab-rg/providers/Microsoft.MachineLearningServices/workspaces/{names.WORKSPACE}"}

    def on_node(self, words, user="nobody", environment=None):
        """Runs a command on the node as an unprivileged user, with the node's own /etc and /mnt."""
        enter = f"mount --bind {self.folder}/mnt /mnt && exec setpriv --reuid={user} --regid=nogroup --clear-groups --no-new-privs \"$@\""
        return subprocess.run(["ip", "netns", "exec", self.ns("node"), "sh", "-c", enter, "sh", *map(str, words)], text=True, capture_output=True,
                              env=environment or self.environment(), check=False)

    def close(self):
        for child in self.children:
            child.terminate()
        for room in ["router", *self.LINKS]:
            kill_inside(self.ns(room))
            subprocess.run(["ip", "netns", "del", self.ns(room)], check=False, capture_output=True)
            shutil.rmtree(f"/etc/netns/{self.ns(room)}", ignore_errors=True)
        for child in self.children:
            child.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
