"""Reports for the tests of the renderers: the demo's, hostile ones made from them, large ones."""
import copy
import json
import os
import subprocess

HOSTILE = ("</script><script>alert(1)</script><img src=x onerror=alert(1)> \"' onclick=alert(1) ]]> --> <!-- & &lt; \x1b[31m\x07\x9b``` ~~~ | **b** "
           "@everyone [l](javascript:alert(1)) https://evil.example www.evil.example \n# head\n\u202edrowkcab\u2066 \u200b {{body}} \U000E0041\r\n"
           "</textarea></details></pre>")
# Words of the format itself: everything else can come from the network, a file of the node or the user.
FIXED = {"schema", "started_at", "finished_at", "verdict", "severity", "confidence", "owner", "layer", "error", "via", "transport", "topic", "service",
         "trust_anchor", "not_before", "not_after", "now", "sha256", "packet", "reply", "interrupted_by", "format", "ruling"}


def run(binary, *words, stdin=None):
    return subprocess.run([binary, *map(str, words)], text=True, capture_output=True, input=stdin, check=False, timeout=110)


def demo(binary, fault, folder):
    path = os.path.join(folder, f"{fault}.json")
    done = run(binary, "demo", "--fault", fault, "--output", f"json={path}", "--quiet")
    assert done.returncode in (0, 1), done.stderr
    with open(path) as file:
        return json.load(file)


def poisoned(report, poison=HOSTILE):
    """Every string that is not a word of the format, replaced; `poison` may be a function of (key, text)."""
    def walk(value, key):
        if isinstance(value, dict):
            return {name: walk(inner, name) for name, inner in value.items()}
        if isinstance(value, list):
            return [walk(inner, key) for inner in value]
        if isinstance(value, str) and key not in FIXED:
            return poison(key, value) if callable(poison) else poison
        return value
    return {**walk(report, ""), "id": report["id"]}


def with_long_strings(report, length=1 << 20):
    """One string of a megabyte under every key that there is."""
    seen = set()

    def poison(key, text):
        if key in seen:
            return text
        seen.add(key)
        return (HOSTILE + "x" * length)[:length]
    return poisoned(report, poison)


def with_checks(report, count):
    result = copy.deepcopy(report)
    model = result["checks"]
    result["checks"] = []
    for number in range(count):
        check = copy.deepcopy(model[number % len(model)])
        check["id"] = f"target.number-{number}" if number >= len(model) else check["id"]
        result["checks"].append(check)
    return result
