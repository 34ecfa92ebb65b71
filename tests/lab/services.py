"""The servers of the lab: unbound for Azure's DNS, nginx for the services, a Jupyter server, and fakes.py for what has no real
counterpart. Each is described by its configuration; put() restarts those whose configuration a scenario changes."""
import copy
import pathlib
import subprocess
import sys

import names

HERE = pathlib.Path(__file__).resolve().parent
STORE = "ssl"


def openssl(*words, time=None):
    command = ["faketime", "-f", time, "openssl"] if time else ["openssl"]
    subprocess.run([*command, *map(str, words)], check=True, capture_output=True)


class Certificates:
    """A root and an issuing authority named as Azure's are, a company's own root, and leaves of every quality."""
    KINDS = ("good", "expired", "not-yet-valid", "other-name", "self-signed", "no-intermediate", "corporate", "inspector")

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        self.authority("root", "/C=US/O=DigiCert Inc/CN=Lab Global Root G2")
        self.authority("issuing", "/C=US/O=Microsoft Corporation/CN=Lab Azure TLS Issuing CA 01", by="root")
        self.authority("corporate", "/O=Contoso Ltd/CN=Contoso Inspection Root CA")
        openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", folder / "leaf.key")
        self.leaf("good", sorted({*names.PUBLIC, *names.PRIVATE}))
        (folder / "corporate-mitm.pem").write_text((folder / "corporate.key").read_text() + (folder / "corporate.pem").read_text())

    def authority(self, name, subject, by=None):
        key, request, own = self.folder / f"{name}.key", self.folder / f"{name}.csr", self.folder / f"{name}.pem"
        extensions = ["-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=keyCertSign,cRLSign"]
        new = ["req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-subj", subject]
        if by is None:
            openssl(*new, "-x509", "-days", "3650", "-out", own, *extensions, time="-2000d")
        else:
            openssl(*new, "-out", request, *extensions)
            openssl("x509", "-req", "-in", request, "-CA", self.folder / f"{by}.pem", "-CAkey", self.folder / f"{by}.key", "-CAcreateserial",
                    "-days", "3650", "-copy_extensions", "copy", "-out", own, time="-2000d")
        own.chmod(0o644)

    def leaf(self, file, hosts, issuer="issuing", time="-60d", days="180", with_chain=True):
        own = self.folder / f"{file}.pem"
        if own.exists():
            return own
        request, extensions = self.folder / "leaf.csr", self.folder / "leaf.ext"
        subject = f"/O=Microsoft Corporation/CN={hosts[0][:64]}"
        openssl("req", "-new", "-key", self.folder / "leaf.key", "-subj", subject, "-out", request)
        san = ",".join(f"DNS:{host}" for host in hosts)
        extensions.write_text(f"subjectAltName={san}\nbasicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\n")
        signed = ["-CA", self.folder / f"{issuer}.pem", "-CAkey", self.folder / f"{issuer}.key", "-CAcreateserial"] if issuer else \
            ["-signkey", self.folder / "leaf.key"]
        openssl("x509", "-req", "-in", request, *signed, "-days", days, "-extfile", extensions, "-out", own, time=time)
        if with_chain and issuer:
            own.write_text(own.read_text() + (self.folder / f"{issuer}.pem").read_text())
        return own

    def of_kind(self, kind, host):
        made = {"good": lambda: self.folder / "good.pem",
                "expired": lambda: self.leaf(f"expired-{host}", [host], time="-200d", days="90"),
                "not-yet-valid": lambda: self.leaf(f"future-{host}", [host], time="+30d", days="90"),
                "other-name": lambda: self.leaf("other", ["other.lab.example"]),
                "self-signed": lambda: self.leaf(f"self-{host}", [host], issuer=None),
                "no-intermediate": lambda: self.leaf(f"short-{host}", [host], with_chain=False),
                "corporate": lambda: self.leaf(f"corporate-{host}", [host], issuer="corporate")}
        return made[kind]()


class Services:
    def __init__(self, vnet):
        self.vnet = vnet
        self.running = {}  # service -> (configuration, child)

    def start(self):
        self.certificates = Certificates(self.vnet.folder / STORE)
        self.start_jupyter()
        fakes = [("imds", names.IMDS), ("wireserver", names.WIRESERVER)]
        for kind, address in fakes:
            self.keep("platform", sys.executable, HERE / "fakes.py", kind, address)
        self.keep("internet", sys.executable, HERE / "fakes.py", "udp", names.PUBLIC[names.TUNDRA][1], "5831")
        files = names.PRIVATE[f"{names.STORAGE}.file.core.windows.net"][1]
        self.keep("endpoints", "socat", f"TCP-LISTEN:445,bind={files},fork,reuseaddr", "OPEN:/dev/null")
        zone = self.vnet.folder / "public.zone"
        zone.write_text("\n".join(names.zone(names.public_view())) + "\n")
        (self.vnet.folder / "public-dns.conf").write_text(self.unbound_conf("10.0.3.4", zone, ""))
        self.put({}, {})
        for address in (names.IMDS, names.WIRESERVER):
            self.vnet.wait_for("platform", address, 80)
        self.vnet.wait_for("endpoints", "127.0.0.1", 8888, self.jupyter)

    def keep(self, room, *words, **more):
        child = self.vnet.spawn(room, *words, **more)
        self.vnet.children.append(child)
        return child

    def start_jupyter(self):
        home = self.vnet.folder / "home"
        home.mkdir()
        environment = {"HOME": str(home), "PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "JUPYTER_RUNTIME_DIR": str(home)}
        self.jupyter = self.keep("endpoints", "/usr/bin/python3", "-m", "jupyter_server", "--ServerApp.ip=127.0.0.1", "--ServerApp.port=8888",
                                 "--no-browser", "--allow-root", "--ServerApp.token=lab-token", "--ServerApp.allow_remote_access=True",
                                 f"--ServerApp.root_dir={home}", env=environment)

    @property
    def ca_file(self):
        return self.vnet.folder / STORE / "root.pem"

    # -- what a scenario changes ---------------------------------------------------------------------------------------
    def put(self, records, web, options=""):
        """Azure's DNS and the web servers with these differences to the healthy VNet, and none else."""
        zone = self.vnet.folder / "root.zone"
        text = "\n".join(names.zone(records)) + "\n"
        conf = self.unbound_conf(names.WIRESERVER, zone, options)
        changed = self.running.get("dns", ("",))[0] != conf + text
        if changed:
            zone.write_text(text)
            path = self.vnet.folder / "unbound.conf"
            path.write_text(conf)
            self.restart("dns", conf + text, "platform", ["unbound", "-d", "-c", path], (names.WIRESERVER, 53))
        for room, table in (("endpoints", names.PRIVATE), ("internet", names.PUBLIC)):
            conf = self.nginx_conf(room, table, web)
            if self.running.get(room, ("",))[0] == conf:
                continue
            path = self.vnet.folder / f"nginx-{room}.conf"
            path.write_text(conf)
            self.restart(room, conf, room, ["nginx", "-c", path, "-p", self.vnet.folder], ("127.0.0.1", 8081))

    def restart(self, service, conf, room, words, door):
        if service in self.running:
            child = self.running[service][1]
            child.terminate()
            child.wait()
            self.vnet.children.remove(child)
        child = self.keep(room, *words)
        self.running[service] = (conf, child)
        self.vnet.wait_for(room, *door, child)

    def unbound_conf(self, address, zone, options):
        # A zone file, because unbound does not follow a CNAME inside local-data.
        return f"""server:
  interface: {address}
  access-control: 0.0.0.0/0 allow
  do-daemonize: no
  username: ""
  chroot: ""
  directory: "{self.vnet.folder}"
  pidfile: ""
  use-syslog: no
  module-config: "iterator"
  minimal-responses: yes
{options}
auth-zone:
  name: "."
  zonefile: "{zone}"
  for-downstream: yes
  for-upstream: yes
remote-control:
  control-enable: no
"""

    def nginx_conf(self, room, table, web):
        blocks = ["server { listen 127.0.0.1:8081; return 204; }"]
        for name, (_, address, reply) in table.items():
            if name in web and web[name] is None:
                continue
            change = dict(web.get(name, {}))
            kind = change.pop("certificate", "good")
            raw = change.pop("nginx", None)
            ports = change.pop("ports", {443: "tls", 80: "plain"})
            if reply is None and not change and raw is None:
                continue
            certificate = self.certificates.of_kind(kind, name)
            inner = raw or self.location(reply, change)
            top = change.get("server", "")
            listens = " ".join(f"listen {address}:{port}{' ssl' if way == 'tls' else ''};" for port, way in ports.items())
            blocks.append(f"server {{ {listens} server_name {name}; ssl_certificate {certificate}; "
                          f"ssl_certificate_key {self.certificates.folder}/leaf.key; {top} location / {{ {inner} }} }}")
        newline = "\n  "
        folder = self.vnet.folder
        return f"""user root; worker_processes 1; daemon off; pid {folder}/nginx-{room}.pid; error_log stderr;
events {{ worker_connections 512; }}
http {{
  access_log off; server_tokens off; server_names_hash_bucket_size 256;
  client_body_temp_path {folder}/t1-{room}; proxy_temp_path {folder}/t2-{room};
  fastcgi_temp_path {folder}/t3-{room}; uwsgi_temp_path {folder}/t4-{room}; scgi_temp_path {folder}/t5-{room};
  {newline.join(blocks)}
}}
"""

    @staticmethod
    def location(reply, change):
        reply = change.get("answer", reply)
        if reply == names.JUPYTER and not set(change) & {"status", "body", "headers"}:
            return ("proxy_pass http://127.0.0.1:8888; proxy_http_version 1.1; proxy_set_header Host $host; "
                    "proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $http_connection;")
        reply = copy.deepcopy(reply) if isinstance(reply, dict) else names.answer(200)
        reply |= {key: change[key] for key in ("status", "body", "type") if key in change}
        if "headers" in change:
            reply["headers"] = change["headers"]
        quoted = reply["body"].replace("'", "\\'")
        headers = " ".join(f"add_header {key} '{value}' always;" for key, value in reply["headers"].items() if key != "Location")
        target = f"'{reply['headers']['Location']}'" if "Location" in reply["headers"] else f"'{quoted}'"
        return f"default_type '{reply['type']}'; {headers} return {reply['status']} {target};"
