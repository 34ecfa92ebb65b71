#!/usr/bin/env python3
"""The direction of includes, and the length of files: house rules that a compiler does not know.

Data walks one way. Each room may include its own headers and those of the rooms that it is built on."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^">]+)[">]', re.M)

# room -> the rooms whose headers it may include. The longest matching room counts.
ROOMS = {
    "probes": ["probes"],
    "reports": ["reports", "probes/observation"],
    "agent": ["agent", "probes", "reports"],
}
# room -> (forbidden system headers, why)
FORBIDDEN = {
    "probes/observation": (r"boost/asio|boost/beast|openssl/|ares\.h", "observations are plain data"),
    "reports/model": (r"boost/asio|boost/beast|openssl/|ares\.h|spdlog", "the model is plain data"),
    "reports/diagnosis": (r"boost/asio|boost/beast|openssl/|ares\.h|spdlog|sys/socket|unistd|fstream", "rules are pure"),
    "reports/render": (r"boost/asio|boost/beast|openssl/|ares\.h|spdlog|sys/socket|unistd|fstream", "renderers are pure"),
    "reports/json": (r"boost/asio|boost/beast|openssl/|ares\.h|spdlog|sys/socket|unistd|fstream", "renderers are pure"),
    "agent/plan": (r"boost/asio|boost/beast|openssl/|ares\.h|spdlog|sys/socket|unistd|fstream", "the plan is pure"),
    "agent/catalogue": (r"boost/asio|boost/beast|openssl/|ares\.h|spdlog|sys/socket|unistd", "the catalogue is data"),
    "probes": (r"spdlog", "a probe tells what it saw in its observation"),
}
LONGEST = 450


def room_of(path):
    return path.parts[0]


def complaints(path, text):
    relative = path.relative_to(ROOT)
    allowed = ROOMS[room_of(relative)]
    for kind, header in INCLUDE.findall(text):
        if kind == '"' and not any(header == room or header.startswith((room + "/", room + ".")) for room in allowed):
            yield f"{relative}: includes {header}; the room '{room_of(relative)}' may include only {', '.join(allowed)}"
        for room, (pattern, why) in FORBIDDEN.items():
            if str(relative).startswith((room + "/", room + ".")) and kind == "<" and re.match(pattern, header):
                yield f"{relative}: includes <{header}>, but {why}"
    lines = text.count("\n")
    if lines > LONGEST:
        yield f"{relative}: {lines} lines; over {LONGEST} it wants a split along its meaning"


def main():
    found = []
    seen = 0
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*")):
            if path.suffix in (".hpp", ".cpp"):
                seen += 1
                found += complaints(path, path.read_text())
    print("\n".join(found) if found else f"{seen} files keep the direction of includes")
    return 1 if found or seen == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
