#!/usr/bin/env python3
"""`vnetprobe tags` on the real files, as its users run it: tags.py BINARY DATA NODE_MODULES"""
import ipaddress
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

BINARY, DATA, NODE_MODULES = sys.argv.pop(1), pathlib.Path(sys.argv.pop(1)), os.path.abspath(sys.argv.pop(1))
PUBLIC = DATA / "ServiceTags_Public_20251110.json.gz"
OLDER = DATA / "ServiceTags_Public_20251028.json.gz"
GOV = DATA / "ServiceTags_AzureGovernment_20260720.json.gz"


def run(*words, stdin="", status=0):
    done = subprocess.run([BINARY, "tags", *map(str, words)], text=True, capture_output=True, input=stdin, check=False, timeout=100)
    assert done.returncode == status, (words, done.returncode, done.stdout[:300], done.stderr)
    return done


def read(*words, **more):
    return json.loads(run(*words, "--format", "json", **more).stdout)


class Tags(unittest.TestCase):
    def test_lookup(self):
        found = read("lookup", "20.41.0.241", "10.0.0.4", "--service-tags", PUBLIC)
        self.assertEqual([one["address"] for one in found], ["20.41.0.241", "10.0.0.4"])
        self.assertEqual(found[0]["tags"][0], {"tag": "AzureMachineLearning.EastUS2", "prefix": "20.41.0.240/28"})
        self.assertEqual(found[1]["tags"], [])

    def test_lookup_of_thousands_from_stdin(self):
        addresses = [f"20.41.{i // 250 % 256}.{i % 250}" for i in range(20000)]
        out = run("lookup", "-", "--service-tags", PUBLIC, stdin="\n".join(addresses)).stdout
        self.assertEqual(len({line.split()[0].rstrip(":") for line in out.splitlines()}), len(set(addresses)))

    def test_lookup_tells_what_is_no_address(self):
        done = run("lookup", "20.41.0.300", "20.41.0.241", "--service-tags", PUBLIC, status=1)
        self.assertIn("20.41.0.300", done.stderr)
        self.assertIn("AzureMachineLearning", done.stdout)

    def test_show(self):
        tag = read("show", "azuremachinelearning", "--region", "East US 2", "--service-tags", PUBLIC)
        self.assertEqual(sorted(tag), ["change_number", "prefixes", "region", "tag"])
        self.assertEqual((tag["tag"], len(tag["prefixes"])), ("AzureMachineLearning.EastUS2", 10))
        self.assertIn("did you mean Storage", run("show", "Storag", "--service-tags", PUBLIC, status=2).stderr)

    def test_routes_in_every_format(self):
        routes = read("routes", "--region", "eastus2", "--service-tags", PUBLIC)
        self.assertEqual(sorted(routes[0]), ["name", "next_hop", "prefix", "tag"])
        prefixes = {route["prefix"] for route in routes}
        self.assertEqual({route["next_hop"] for route in routes}, {"Internet"})
        self.assertEqual({route["tag"] for route in routes},
                         {"BatchNodeManagement.EastUS2", "AzureMachineLearning.EastUS2", "AzureMachineLearning.CentralUS"})
        for how, pattern in (("az", r"--address-prefix (\S+) --next-hop-type Internet"), ("bicep", r"addressPrefix: '([^']+)'"),
                             ("terraform", r'address_prefix = "([^"]+)"'), ("table", r"(?m)^([0-9.]+/\d+) +Internet")):
            text = run("routes", "--region", "eastus2", "--format", how, "--service-tags", PUBLIC).stdout
            self.assertEqual(set(re.findall(pattern, text)), prefixes, how)
            self.assertEqual(text.count("{"), text.count("}"), how)
        fewer = read("routes", "--region", "eastus2", "--aggregate", "--service-tags", PUBLIC)
        whole = lambda all_of: list(ipaddress.collapse_addresses(ipaddress.ip_network(route["prefix"]) for route in all_of))
        self.assertEqual(whole(fewer), whole(routes))
        self.assertEqual(len(fewer), len(whole(routes)))

    def test_terraform_reads_its_form(self):
        parser = f"{NODE_MODULES}/@cdktf/hcl2json"
        if not os.path.isdir(parser) or not shutil.which("node"):
            self.skipTest(f"no node, or no hcl2json in {NODE_MODULES} (npm install --prefix build/npm, see vnetprobe.sh)")
        text = run("routes", "--region", "eastus2", "--format", "terraform", "--service-tags", PUBLIC).stdout
        script = f"require('{parser}').parse('routes.tf', require('fs').readFileSync(0, 'utf8')).then(o => console.log(JSON.stringify(o)))"
        said = subprocess.run(["node", "-e", script], input=text, text=True, capture_output=True, check=True).stdout
        table, = json.loads(said)["resource"]["azurerm_route_table"]["aml"]
        routes = read("routes", "--region", "eastus2", "--service-tags", PUBLIC)
        self.assertEqual([(route["name"], route["address_prefix"], route["next_hop_type"]) for route in table["route"]],
                         [(route["name"], route["prefix"], "Internet") for route in routes])
        for route in routes:  # what Azure takes as a route's name
            self.assertRegex(route["name"], r"^[A-Za-z0-9][A-Za-z0-9._-]{0,78}[A-Za-z0-9_]$")

    def test_bicep_has_its_shape(self):
        """Bicep's own compiler is no package here: its grammar for parameters, one resource, objects and arrays, and nothing else."""
        text = run("routes", "--region", "eastus2", "--format", "bicep", "--service-tags", PUBLIC).stdout
        item = r"      \{\n        name: '[\w.-]+'\n        properties: \{\n          addressPrefix: '[\d./]+'\n          nextHopType: 'Internet'\n        \}\n      \}\n"
        whole = (r"param name string = '[\w-]+'\nparam location string = resourceGroup\(\)\.location\n\n"
                 r"resource table 'Microsoft\.Network/routeTables@\d{4}-\d\d-\d\d' = \{\n  name: name\n  location: location\n  properties: \{\n    routes: \[\n"
                 rf"(?:{item})+    \]\n  \}}\n\}}\n")
        self.assertRegex(text, re.compile(rf"\A{whole}\Z"))

    def test_routes_where_the_articles_own_commands_fail(self):
        for region, data in (("us-virginia", GOV), ("US-Arizona", GOV), ("China-East-2", DATA / "ServiceTags_China_20260720.json.gz"),
                             ("France Central", PUBLIC)):
            self.assertTrue(read("routes", "--region", region, "--service-tags", data), region)
            self.assertTrue(read("routes", "--region", region), region)  # from the snapshot

    def test_audit(self):
        routes = read("routes", "--region", "eastus2", "--service-tags", PUBLIC)
        table = [{"name": route["name"], "addressPrefix": route["prefix"], "nextHopType": "Internet"} for route in routes]
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "routes.json")
            path.write_text(json.dumps({"name": "rt", "routes": table}))
            self.assertEqual(read("audit", path, "--region", "eastus2", "--service-tags", PUBLIC),
                             {"missing": [], "superfluous": [], "shadowed": [], "wrong_next_hop": []})
            gone = table.pop()
            path.write_text(json.dumps(table))
            result = read("audit", path, "--region", "eastus2", "--service-tags", PUBLIC, status=1)
            self.assertEqual([item["prefix"] for item in result["missing"]], [gone["addressPrefix"]])

    def test_diff(self):
        changes = {change["tag"]: change for change in read("diff", OLDER, PUBLIC, "--tag", "Storage.*")}
        self.assertEqual(sorted(changes), ["Storage.AustraliaEast", "Storage.NorthEurope"])
        self.assertEqual(changes["Storage.NorthEurope"], {"tag": "Storage.NorthEurope", "added": ["135.130.164.0/23", "145.190.130.0/24"], "removed": []})
        self.assertEqual(read("diff", OLDER, PUBLIC, "--tag", "storage", "--region", "North Europe"), [changes["Storage.NorthEurope"]])
        self.assertEqual(read("diff", OLDER, PUBLIC, "--tag", "Storage"), [])  # all of it within what the global tag had
        self.assertEqual(read("diff", PUBLIC, PUBLIC), [])
        self.assertIn("No route of eastus2 changes", run("diff", OLDER, PUBLIC, "--for-region", "eastus2").stdout)
        self.assertIn("nothing to compare", run("diff", GOV, PUBLIC, status=2).stderr)

    def test_info_and_update(self):
        info = read("info", "--service-tags", PUBLIC)
        for key, value in {"cloud": "Public", "change_number": 376, "date": "2025-11-10", "tags": 3041, "prefixes": 95823,
                           "unique_prefixes": 53586}.items():
            self.assertEqual(info[key], value)
        with tempfile.TemporaryDirectory() as folder:
            target = pathlib.Path(folder, "state", "tags.json")
            run("update", "--from", PUBLIC, "--service-tags", target)
            self.assertEqual(target.read_bytes(), PUBLIC.read_bytes())
            self.assertEqual({**info, "source": str(target)}, read("info", "--service-tags", target))  # its date too
            # The compact form counts for the very file that it was made from, and never where it is damaged.
            compact = target.with_name("tags.json.compact")
            whole = compact.read_bytes()
            compact.write_bytes(whole[:-9] + b"damaged!!")
            self.assertEqual(read("info", "--service-tags", target)["unique_prefixes"], info["unique_prefixes"])
            compact.write_bytes(whole)
            target.write_bytes(GOV.read_bytes())
            self.assertEqual(read("info", "--service-tags", target)["cloud"], "AzureGovernment")
            run("update", "--from", PUBLIC, "--service-tags", target)
            bad = pathlib.Path(folder, "bad.json")
            bad.write_text("<html>")
            self.assertIn("HTML page", run("update", "--from", bad, "--service-tags", target, status=2).stderr)
            self.assertEqual(target.read_bytes(), PUBLIC.read_bytes())


if __name__ == "__main__":
    unittest.main()
