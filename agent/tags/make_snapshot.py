#!/usr/bin/env python3
"""Makes the service-tag snapshot that the binary carries: the tags that the catalogue names, of one cloud's file.

    agent/tags/make_snapshot.py ServiceTags_Public_20251110.json agent/tags/snapshot/public.json.gz

The result is a smaller file of the same shape, with the date of the original in it, and the same bytes every time."""
import gzip
import json
import pathlib
import re
import sys

# Everything of the catalogue that a rule may name, each with its regional tags.
SERVICES = ["AzureActiveDirectory", "AzureResourceManager", "AzureMachineLearning", "BatchNodeManagement", "Storage", "AzureContainerRegistry",
            "MicrosoftContainerRegistry", "AzureFrontDoor.FirstParty", "AzureFrontDoor.Frontend", "AzureMonitor", "AzureKeyVault"]
# Too large and of no use by region: nobody routes monitoring or sign-in by region.
GLOBAL_ONLY = ["AzureMonitor", "AzureActiveDirectory", "AzureResourceManager", "MicrosoftContainerRegistry"]


def wanted(name):
    for service in SERVICES:
        if name == service or (name.startswith(service + ".") and service not in GLOBAL_ONLY):
            return True
    return False


def main():
    source, target = map(pathlib.Path, sys.argv[1:3])
    data = json.loads(source.read_text())
    date = re.search(r"_(\d{4})(\d\d)(\d\d)", source.name)
    small = {"changeNumber": data["changeNumber"], "cloud": data["cloud"], "date": "-".join(date.groups()), "values": [
        {"name": tag["name"], "properties": {"changeNumber": tag["properties"]["changeNumber"], "region": tag["properties"]["region"],
                                             "addressPrefixes": tag["properties"]["addressPrefixes"]}}
        for tag in data["values"] if wanted(tag["name"])]}
    target.parent.mkdir(parents=True, exist_ok=True)
    packed = gzip.compress(json.dumps(small, separators=(",", ":")).encode(), compresslevel=9, mtime=0)
    target.write_bytes(packed)
    print(f"{target}: {len(small['values'])} tags, {len(packed)} bytes")


if __name__ == "__main__":
    main()
