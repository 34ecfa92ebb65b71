"""The servers of the lab: unbound for Azure's DNS, nginx for the services, a Jupyter server, and fakes.py for what has no real
counterpart. Each is described by its configuration; put() restarts those whose configuration a scenario changes."""
import copy
import pathlib
import sys

import certificates
import names

HERE = pathlib.Path(__file__).resolve().parent
STORE = "ssl"


class Services:
    def __init__(self, vnet):
        self.vnet = vnet
        self.running = {}  # service -> (configuration, child)

    def start(self):
        self.certificates = certificates.Certificates(self.vnet.folder / STORE)
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
        quoted = reply["body"].replace("\\", "\\\\").replace("'", "\\'")
        headers = " ".join(f"add_header {key} '{value}' always;" for key, value in reply["headers"].items() if key != "Location")
        target = f"'{reply['headers']['Location']}'" if "Location" in reply["headers"] else f"'{quoted}'"
        return f"default_type '{reply['type']}'; {headers} return {reply['status']} {target};"
