"""A scenario: one YAML file that says what is different from the healthy VNet, and what the agent must make of it."""
import copy
import dataclasses
import fnmatch
import pathlib
import string

import yaml

HERE = pathlib.Path(__file__).resolve().parent
KEYS = {
    "about": str, "needs": str, "config": (dict, str), "flags": list, "user": str, "environment": dict, "clock": str, "resolvers": list,
    "search": str, "hosts": list, "files": dict, "before": str, "records": dict, "dns_options": str, "web": dict, "addresses": dict,
    "commands": dict, "nft": dict, "servers": list, "expect": dict,
}
EXPECT_KEYS = {"healthy": bool, "first": (str, list), "also": list, "checks": list, "never": list, "notes": list, "verdict": str, "others": bool,
               "passes": list}
SERVER_KEYS = {"room": str, "run": str, "files": dict, "listens": str}
HOOKS = {"input": "filter hook input priority 0", "output": "filter hook output priority 0", "forward": "filter hook forward priority 0",
         "prerouting": "nat hook prerouting priority -100", "postrouting": "nat hook postrouting priority 100"}
BASE_CONFIG = yaml.safe_load((HERE / "agent.yaml").read_text())


class Mistake(Exception):
    """A scenario that cannot be used; the words are for its author."""


def merged(base, changes):
    """`changes` over `base`; null takes a key away."""
    result = copy.deepcopy(base)
    for key, value in changes.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict) and isinstance(result.get(key), dict):
            result[key] = merged(result[key], value)
        else:
            result[key] = value
    return result


def require(holds, place, words):
    if not holds:
        raise Mistake(f"{place}: {words}")


def check_keys(table, allowed, place):
    for key, value in table.items():
        require(key in allowed, place, f"unknown key '{key}'; it may be one of {', '.join(sorted(allowed))}")
        require(isinstance(value, allowed[key]), place, f"'{key}' has the wrong type")


@dataclasses.dataclass
class Scenario:
    name: str
    data: dict

    def __getattr__(self, key):
        if key in KEYS:
            kind = KEYS[key] if isinstance(KEYS[key], type) else dict
            return self.data.get(key, kind())
        raise AttributeError(key)

    @property
    def waits(self):
        return self.data.get("needs", "")

    @property
    def first(self):
        first = self.expect.get("first", [])
        return [first] if isinstance(first, str) else first

    @property
    def expected(self):
        return "healthy" if self.expect.get("healthy") else " or ".join(self.first)

    def agent_config(self, ca_file):
        """The agent's configuration file; absent where the scenario leaves everything to discovery."""
        if self.config == "none":
            return None
        config = merged(BASE_CONFIG, self.config or {})
        config["tls"] = {"ca_files": [str(ca_file)]} | config.get("tls", {})
        return config


def load(path):
    place = path.name
    try:
        data = yaml.safe_load(path.read_text())
    except yaml.YAMLError as error:
        raise Mistake(f"{place}: {error}") from None
    require(isinstance(data, dict), place, "is no mapping")
    check_keys(data, KEYS, place)
    require(data.get("about"), place, "needs 'about': one sentence, what is wrong or odd")
    expect = data.get("expect", {})
    check_keys(expect, EXPECT_KEYS, f"{place}: expect")
    require(bool(expect.get("healthy")) != bool(expect.get("first")), place, "expect needs either 'healthy: true' or 'first: CODE'")
    for hooks in data.get("nft", {}).values():
        require(set(hooks) <= set(HOOKS), place, f"nft hooks are {', '.join(HOOKS)}")
    for server in data.get("servers", []):
        check_keys(server, SERVER_KEYS, f"{place}: servers")
        require(server.get("room") and server.get("run"), place, "a server needs 'room' and 'run'")
    return Scenario(path.stem, data)


def load_all(pattern):
    scenarios = [load(path) for path in sorted((HERE / "scenarios").glob("*.yaml"))]
    chosen = [one for one in scenarios if any(fnmatch.fnmatch(one.name, part) for part in pattern.split(","))]
    if not chosen:
        raise Mistake(f"no scenario is called {pattern}; --list shows all {len(scenarios)}")
    return chosen


def nft_text(hooks):
    chains = [f"chain {hook} {{ type {HOOKS[hook]};\n" + "\n".join(rules) + "\n}" for hook, rules in hooks.items()]
    return "table inet fault {\n" + "\n".join(chains) + "\n}\n"


def fill(text, values):
    return string.Template(text).safe_substitute(values)


def judge(scenario, report, status):
    """What is wrong with the agent's answer; empty: nothing."""
    serious = [one for one in report["diagnoses"] if one["severity"] != "info"]
    codes = [one["code"] for one in serious]
    problems = []
    expect = scenario.expect
    if expect.get("healthy"):
        problems += [f"blames {one['code']} on {', '.join(one['checks'][:3])}" for one in serious]
        if report["verdict"] != expect.get("verdict", "healthy") or status != 0:
            problems.append(f"verdict {report['verdict']}, exit status {status}")
        problems += [f"{one['id']} is {one['verdict']}: {one['reason']}" for one in report["checks"]
                     if one["required"] and one["verdict"] not in ("pass", "skip")]
    else:
        if not codes or codes[0] not in scenario.first:
            problems.append(f"first is {codes[0] if codes else 'nothing'}")
        elif missing := [one for one in expect.get("checks", []) if not fnmatch.filter(serious[0]["checks"], one)]:
            problems.append(f"{codes[0]} does not name {', '.join(missing)}")
        wanted = expect.get("verdict", "unhealthy")
        if report["verdict"] != wanted or status != (1 if wanted == "unhealthy" else 0):
            problems.append(f"verdict {report['verdict']}, exit status {status}")
        left = codes[1:]
        for code in expect.get("also", []):
            if code in left:
                left.remove(code)
            else:
                problems.append(f"{code} is missing")
        if left and not expect.get("others"):
            problems.append(f"says {', '.join(left)} as well")
        problems += [f"must not say {one['code']}" for one in serious for glob in expect.get("never", []) if fnmatch.fnmatch(one["code"], glob)]
    notes = [one["code"] for one in report["diagnoses"]]
    problems += [f"note {code} is missing" for code in expect.get("notes", []) if code not in notes]
    verdicts = {one["id"]: one["verdict"] for one in report["checks"]}
    problems += [f"{one} is {verdicts.get(one, 'not in the plan')}" for one in expect.get("passes", []) if verdicts.get(one) != "pass"]
    return codes[0] if codes else "healthy", problems
