#!/usr/bin/env python3
"""What packaging/ has for Azure and Kubernetes: well formed before their own readers, and run as far as that goes without Azure.

    azure.py SOURCE BINARY NODE_MODULES ROOT PACKAGE.deb Static|Kubernetes|Job|Nodes"""
import hashlib
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import unittest

import yaml

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import machine  # noqa: E402

SOURCE, BINARY, NODE_MODULES, ROOT, PACKAGE = (pathlib.Path(sys.argv.pop(1)).resolve() for _ in range(5))
AZURE = SOURCE / "packaging/azure"
CLOUD_INIT = AZURE / "cloud-init.yaml"
CONFIG = "/etc/vnetprobe/config.yaml"


def read_yaml(path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


class Static(unittest.TestCase):
    def test_scripts_satisfy_shellcheck(self):
        if not shutil.which("shellcheck"):
            self.skipTest("shellcheck is not installed")
        scripts = [*AZURE.rglob("*.sh"), *(SOURCE / "packaging/debian").glob("p*")]
        self.assertGreater(len(scripts), 4)
        done = subprocess.run(["shellcheck", *scripts], text=True, capture_output=True, check=False)
        self.assertEqual(done.stdout, "")

    def test_cloud_init_carries_the_install_script_as_it_is(self):
        files = {file["path"]: file["content"] for file in read_yaml(CLOUD_INIT)["write_files"]}
        self.assertEqual(files["/run/vnetprobe/install.sh"], (AZURE / "install.sh").read_text(encoding="utf-8"))

    def test_configurations_are_accepted(self):
        configs = [next(file["content"] for file in read_yaml(CLOUD_INIT)["write_files"] if file["path"].endswith("config.yaml"))]
        configs += [document["data"]["config.yaml"] for document in yaml.safe_load_all((SOURCE / "packaging/kubernetes/daemonset.yaml").read_text()) if document["kind"] == "ConfigMap"]
        for text in configs:
            # With what is only suggested switched on, too.
            for config in (text, re.sub(r"^# (?=\w+: \{)", "", text, flags=re.M)):
                with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
                    file.write(config)
                    file.flush()
                    done = subprocess.run([BINARY, "list", "checks", "--config", file.name], text=True, capture_output=True, check=False)
                self.assertEqual(done.returncode, 0, done.stderr)

    def test_the_job_has_the_keys_that_azure_ml_knows(self):
        try:
            import jsonschema
        except ImportError:
            self.skipTest("python3-jsonschema is not installed")
        schema = json.loads((pathlib.Path(__file__).parent / "aml_command_job.schema.json").read_text())
        job = read_yaml(AZURE / "cluster-job.yaml")
        jsonschema.Draft202012Validator(schema).validate(job)
        program, script, folder = job["command"].split()
        self.assertEqual((program, folder), ("bash", "${{outputs.reports}}"))
        self.assertIn("reports", job["outputs"])
        self.assertTrue((AZURE / job["code"] / script).is_file())

    def test_the_extension_runs_what_it_downloads(self):
        settings = json.loads((AZURE / "vm-extension.settings.json").read_text())
        self.assertEqual(set(settings), {"fileUris", "commandToExecute"})
        names = {uri.rsplit("/", 1)[1] for uri in settings["fileUris"]}
        words = shlex.split(settings["commandToExecute"])
        self.assertEqual(words[:2], ["sh", "install.sh"])
        self.assertEqual({word.removeprefix("./") for word in words if word.startswith("./")} | {"install.sh"}, names)


class Kubernetes(unittest.TestCase):
    NEEDS = NODE_MODULES / "kubernetes-models"

    def documents(self):
        return list(yaml.safe_load_all((SOURCE / "packaging/kubernetes/daemonset.yaml").read_text(encoding="utf-8")))

    def check(self, documents):
        lines = "\n".join(json.dumps(document) for document in documents)
        return subprocess.run(["node", pathlib.Path(__file__).parent / "kubernetes.mjs", NODE_MODULES], input=lines, text=True, capture_output=True, check=False)

    def test_valid_by_the_schemas_of_the_api(self):
        done = self.check(self.documents())
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(done.stdout.count(": valid"), 3)

    def test_the_check_sees_a_wrong_key_or_type(self):
        for break_it in (lambda pod: pod["containers"][0].update(livenessProb={}), lambda pod: pod.update(hostNetwork="yes"), lambda pod: pod["containers"][0].pop("name")):
            documents = self.documents()
            break_it(documents[2]["spec"]["template"]["spec"])
            self.assertEqual(self.check(documents).returncode, 1)

    def test_restricted_but_for_the_network_of_the_host(self):
        pod = self.documents()[2]["spec"]["template"]["spec"]
        self.assertTrue(pod["securityContext"]["runAsNonRoot"])
        self.assertEqual(pod["securityContext"]["seccompProfile"], {"type": "RuntimeDefault"})
        self.assertFalse(pod["automountServiceAccountToken"])
        for container in pod["containers"]:
            context = container["securityContext"]
            self.assertEqual((context["allowPrivilegeEscalation"], context["readOnlyRootFilesystem"], context["capabilities"]), (False, True, {"drop": ["ALL"]}))
            self.assertNotIn("privileged", context)
        self.assertEqual([volume["name"] for volume in pod["volumes"] if "hostPath" in volume], [])
        self.assertTrue(all(not pod.get(key) for key in ("hostPID", "hostIPC")))

    def test_arguments_are_flags_of_the_daemon(self):
        if "  daemon " not in subprocess.run([BINARY, "--help"], text=True, capture_output=True, check=True).stdout:
            self.skipTest("this build has no daemon")
        command, *flags = self.documents()[2]["spec"]["template"]["spec"]["containers"][0]["args"]
        usage = subprocess.run([BINARY, command, "--help"], text=True, capture_output=True, check=True).stdout
        for flag in flags:
            self.assertRegex(usage, rf"{flag.split('=')[0]}\b")


class Job(unittest.TestCase):
    """The job's script, as Azure ML starts it: once on each node, with a rank and one output folder for all. No node has a network."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.code, self.output = pathlib.Path(folder.name) / "code", pathlib.Path(folder.name) / "out"
        shutil.copytree(AZURE / "cluster-job", self.code)
        shutil.copy(BINARY, self.code / "vnetprobe")

    def start(self, rank, nodes, output=None, **environment):
        return subprocess.Popen(["unshare", *([] if os.geteuid() == 0 else ["-r"]), "-n", "bash", self.code / "on-every-node.sh", output or self.output], text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                env={"PATH": os.environ["PATH"], "RANK": str(rank), "WORLD_SIZE": str(nodes), "HOME": str(self.code), **environment})

    def test_every_node_reports_and_the_first_counts(self):
        running = [self.start(rank, 3, VNETPROBE_PATIENCE="60") for rank in range(3)]
        said = [process.communicate(timeout=120)[0] for process in running]
        self.assertEqual([process.returncode for process in running], [0, 0, 0], said)
        self.assertIn("3 of 3 nodes reported", said[0])
        self.assertIn("UNHEALTHY", said[1])
        reports = sorted(path.name for path in self.output.iterdir())
        self.assertEqual(reports, [f"node-000{rank}.json" for rank in range(3)])
        for name in reports:
            self.assertEqual(json.loads((self.output / name).read_text())["node"]["profile"]["value"], "compute-cluster")

    def test_a_missing_node_is_counted_and_an_unwritable_output_ends_in_the_log(self):
        (self.code / "vnetprobe").chmod(0o644)  # as a snapshot of the code arrives
        process = self.start(0, 2, VNETPROBE_PATIENCE="0")
        self.assertIn("1 of 2 nodes reported", process.communicate(timeout=120)[0])
        process = self.start(1, 2, output="/proc/nowhere", VNETPROBE_FAIL="1")
        said = process.communicate(timeout=120)[0]
        self.assertEqual(process.returncode, 1)
        self.assertIn('"verdict"', said)


class Nodes(unittest.TestCase):
    """Clean machines with systemd and without a network; the package comes from a file."""

    def setUp(self):
        self.machine = self.enterContext(machine.Machine(ROOT))
        self.run_in("mkdir", "-p", "/srv/share")
        self.digest = hashlib.sha256(PACKAGE.read_bytes()).hexdigest()
        self.machine.copy_in(PACKAGE, f"/srv/share/{PACKAGE_NAME}")
        self.machine.copy_in(AZURE / "install.sh", "/srv/share/install.sh")

    def run_in(self, *words, **more):
        return self.machine.run(*words, **more)

    def write(self, path, text):
        self.run_in("sh", "-c", f"cat >{path}", stdin=text)

    def state(self, unit):
        return self.run_in("systemctl", "show", "--value", "-p", "UnitFileState", unit).stdout.strip()

    def test_the_install_script_takes_only_what_is_right(self):
        install = ("sh", "/srv/share/install.sh")
        package = f"file:///srv/share/{PACKAGE_NAME}"
        for words, said in (((), "exactly one package"), (("--frob", package), "unknown flag"), (("--sha256", "0" * 64, package), "digest"), (("/nowhere.deb",), "cannot fetch")):
            done = self.run_in(*install, *words, check=False)
            self.assertEqual(done.returncode, 1, words)
            self.assertIn(said, done.stderr)
        self.assertNotEqual(self.run_in("dpkg", "-s", "vnetprobe", check=False).returncode, 0)

        self.write("/srv/share/wrong.yaml", "storage_acounts: []\n")
        done = self.run_in(*install, "--no-start", "--config", "/srv/share/wrong.yaml", package, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("did you mean", done.stderr)
        self.assertIn("#profile:", self.run_in("cat", CONFIG).stdout)

        self.write("/srv/share/config.yaml", "profile: attached-vm\n")
        self.run_in(*install, "--timer", "--sha256", self.digest, "--config", "file:///srv/share/config.yaml", package)
        self.assertEqual(self.run_in("cat", CONFIG).stdout, "profile: attached-vm\n")
        self.assertEqual(self.state("vnetprobe-once.timer"), "enabled")
        self.run_in(*install, "--timer", package)  # again, as a second run of the extension does
        self.assertEqual(self.run_in("cat", CONFIG).stdout, "profile: attached-vm\n")

    def test_the_extension_as_azures_agent_runs_it(self):
        """It lays the files into one folder and hands the command to /bin/sh there."""
        self.write("/srv/share/config.yaml", "profile: attached-vm\n")
        command = json.loads((AZURE / "vm-extension.settings.json").read_text())["commandToExecute"]
        command = command.replace("PACKAGE_SHA256", self.digest).replace("vnetprobe_VERSION_amd64.deb", PACKAGE_NAME).replace("--service", "--timer")
        done = self.run_in("sh", "-c", f"cd /srv/share && {command}")
        self.assertIn("is installed", done.stdout)
        self.assertEqual(self.run_in("cat", CONFIG).stdout, "profile: attached-vm\n")

    def test_the_compute_instance_goes_on_whatever_happens(self):
        self.machine.copy_in(AZURE / "compute-instance-setup.sh", "/srv/share/compute-instance-setup.sh")
        self.run_in("mkdir", "-p", "/mnt/azmnt", "/srv/empty")
        self.write("/mnt/azmnt/.nbvm", "instance=my-ci\ndomainsuffix=instances.azureml.ms\n")
        setup = ("bash", "/srv/share/compute-instance-setup.sh")
        done = self.run_in(*setup)
        self.assertIn("run ended with status 1", done.stdout)
        self.assertIn("UNHEALTHY", done.stdout)
        report = json.loads(self.run_in("cat", "/srv/share/vnetprobe-my-ci.json").stdout)
        self.assertEqual(report["node"]["profile"]["value"], "compute-instance")
        self.assertTrue(self.run_in("test", "-s", "/srv/share/vnetprobe-my-ci.html"))
        self.assertEqual(self.state("vnetprobe-once.timer"), "enabled")

        self.write("/srv/share/config.yaml", "nonsense: 1\n")
        self.assertIn("goes on without it", self.run_in(*setup).stdout)
        self.run_in("sh", "-c", "rm /srv/share/*.deb")
        self.assertIn("nothing was done", self.run_in(*setup).stdout)

    def test_cloud_init_on_a_first_boot(self):
        if self.run_in("sh", "-c", "command -v cloud-init", check=False).returncode != 0:
            self.skipTest("this root has no cloud-init")
        text = CLOUD_INIT.read_text(encoding="utf-8").replace("PACKAGE_SHA256", self.digest).replace("PACKAGE_URL", f"file:///srv/share/{PACKAGE_NAME}").replace("--service", "--timer")
        self.run_in("mkdir", "-p", "/var/lib/cloud/seed/nocloud")
        self.write("/var/lib/cloud/seed/nocloud/user-data", text)
        self.write("/var/lib/cloud/seed/nocloud/meta-data", "instance-id: test-1\n")
        self.write("/etc/cloud/cloud.cfg.d/99-test.cfg", "datasource_list: [NoCloud]\nnetwork: {config: disabled}\n")
        done = self.run_in("cloud-init", "schema", "--config-file", "/var/lib/cloud/seed/nocloud/user-data", check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertNotIn("deprecat", (done.stdout + done.stderr).lower())
        for stage in (("init", "--local"), ("init",), ("modules", "--mode", "config"), ("modules", "--mode", "final")):
            self.run_in("cloud-init", *stage, check=False)
        log = self.run_in("cat", "/var/log/cloud-init-output.log", check=False).stdout
        self.assertEqual(self.run_in("cat", CONFIG, check=False).stdout.splitlines()[:1], ["profile: attached-vm"], log)
        self.assertEqual(self.state("vnetprobe-once.timer"), "enabled", log)


if __name__ == "__main__":
    chosen = sys.argv[1]
    PACKAGE_NAME = "vnetprobe_0_amd64.deb"
    why_not = ""
    if chosen == "Kubernetes" and not Kubernetes.NEEDS.exists():
        why_not = f"no {Kubernetes.NEEDS.name} in {NODE_MODULES} (npm install --prefix build/npm, see vnetprobe.sh)"
    elif chosen == "Job" and subprocess.run(["unshare", *([] if os.geteuid() == 0 else ["-r"]), "-n", "true"], check=False, stderr=subprocess.DEVNULL).returncode != 0:
        why_not = "a network namespace cannot be made"
    elif chosen == "Nodes":
        why_not = machine.missing() or ("" if ROOT.with_name(ROOT.name + ".made-of").exists() else f"{ROOT} could not be made (see packaging.root)")
    if why_not:
        print("skipped:", why_not)
        sys.exit(77)
    unittest.main(verbosity=2)
