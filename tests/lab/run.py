#!/usr/bin/env python3
"""The healthy article VNet: a plain run on the node must call it healthy. See README.md."""
import argparse
import json
import os
import pathlib
import shutil
import sys

import vnet


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("binary", type=pathlib.Path)
    parser.add_argument("--keep", action="store_true", help="leave the namespaces up")
    parser.add_argument("--shell", nargs=argparse.REMAINDER, help="run this on the node instead")
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        print("skipped: network namespaces need root")
        return 77
    lab = vnet.Vnet()
    try:
        lab.build()
        # An unprivileged user need not be able to read the build folder.
        binary = lab.folder / "vnetprobe"
        shutil.copy(arguments.binary, binary)
        binary.chmod(0o755)
        flags = ["run", "--profile", "compute-instance", "--ca-file", lab.ca_file]
        if arguments.shell:
            done = lab.on_node([word.replace("BINARY", str(binary)).replace("CA", str(lab.ca_file)) for word in arguments.shell])
            print(done.stdout, done.stderr)
            return done.returncode
        text = lab.on_node([binary, *flags])
        print(text.stdout, text.stderr, sep="")
        done = lab.on_node([binary, *flags, "--format", "json"])
        report = json.loads(done.stdout)
        problems = []
        if report["verdict"] != "healthy" or done.returncode != 0:
            problems.append(f"verdict {report['verdict']}, exit status {done.returncode}")
        problems += [f"{d['severity']} {d['code']}: {d['title']}" for d in report["diagnoses"] if d["severity"] != "info"]
        problems += [f"{c['id']} is {c['verdict']}: {c['reason']}" for c in report["checks"]
                     if c["required"] and c["verdict"] not in ("pass", "skip")]
        if report["summary"]["pass"] < 15:
            problems.append(f"only {report['summary']['pass']} checks passed")
        print("\n".join(problems) or "healthy, as it must be")
        return 1 if problems else 0
    finally:
        if arguments.keep:
            print(f"kept: ip netns exec {lab.ns('node')} sh; files in {lab.folder}")
        else:
            lab.close()


if __name__ == "__main__":
    sys.exit(main())
