#!/usr/bin/env python3
"""One fault of the demo: its code comes first and the exit status is 1; without a fault, healthy, no diagnosis, exit 0.

    demo.py BINARY FAULT SCHEMA"""
import json
import subprocess
import sys


def check_first_screen(binary, report, diagnosis):
    """What is wrong, who fixes it and how stand on the first 24 lines of a terminal; nothing but commands is wider than 80 columns."""
    text = subprocess.run([binary, "diagnose", "-"], text=True, input=report, capture_output=True, check=False, timeout=60).stdout
    lines = text.splitlines()
    screen = " ".join(" ".join(lines[:24]).split())
    for wanted in (diagnosis["title"], diagnosis["code"], "Who fixes it:", diagnosis["fix"][0]["text"], diagnosis["fix"][0]["command"]):
        assert " ".join(wanted.split()) in screen, f"not on the first screen: {wanted}\n{text}"
    wide = [line for line in lines if len(line) > 80 and " " in line.strip() and not line.startswith("       ")]
    assert not wide, wide


def main():
    binary, fault, schema = sys.argv[1:4]
    listed = subprocess.run([binary, "demo", "--list"], text=True, capture_output=True, check=True).stdout
    expected = next(line.rpartition(" -> ")[2] if " -> " in line else "" for line in listed.splitlines() if line.split()[0] == fault)
    done = subprocess.run([binary, "demo", "--fault", fault, "--format", "json"], text=True, capture_output=True, check=False, timeout=100)
    report = json.loads(done.stdout)
    codes = [diagnosis["code"] for diagnosis in report["diagnoses"]]
    print(fault, "->", codes, report["verdict"], "exit", done.returncode)
    for check in report["checks"]:
        if check["verdict"] in ("fail", "warn", "inconclusive"):
            print(f"  {check['verdict']} {check['id']}: {check['reason']}")
    try:
        import jsonschema
        jsonschema.Draft202012Validator(json.load(open(schema))).validate(report)
    except ImportError:
        print("(no jsonschema module: the schema was not checked)")
    if not expected:
        assert codes == [] and report["verdict"] == "healthy" and done.returncode == 0, "a healthy network must be called healthy"
    else:
        assert codes and codes[0] == expected, f"expected {expected} first"
        assert done.returncode == 1 and report["verdict"] == "unhealthy"
        loud = [d["code"] for d in report["diagnoses"] if d["severity"] != "info"]
        assert loud == [expected], f"one fault, one cause: {loud}"
        check_first_screen(binary, done.stdout, report["diagnoses"][0])


if __name__ == "__main__":
    main()
