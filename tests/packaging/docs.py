#!/usr/bin/env python3
"""Man pages and completions: made from what --help and explain say, and accepted by those who read them.

    docs.py BINARY Pages|Bash|Zsh|Fish"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

BINARY = os.path.abspath(sys.argv.pop(1))
PAGES = ("vnetprobe.1", "vnetprobe-config.5", "vnetprobe-codes.7")
UTF8 = {**os.environ, "LC_ALL": "C.UTF-8", "MANWIDTH": "80", "MANROFFSEQ": ""}


def vnetprobe(*words):
    return subprocess.run([BINARY, *words], text=True, capture_output=True, check=True).stdout


def commands(path=()):
    """Every command with its flags and its verbs, as its own --help prints them."""
    text = vnetprobe(*path, "--help")
    verbs = re.findall(r"^  ([a-z]+)  +\S", text.split("Subcommands:\n")[1].split("\n\n")[0], re.M) if "Subcommands:" in text else []
    options = text.split("Options:\n")[1].split("\n\n")[0]
    yield " ".join(path), {flag for flag in re.findall(r"^  (?:-\w,)?(--[a-z0-9-]+)", options, re.M)}, verbs
    for verb in verbs:
        yield from commands((*path, verb))


COMMANDS = list(commands())


class Pages(unittest.TestCase):
    NEEDS = ("man", "groff", "lexgrog")

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.pages = {}
        for page in PAGES:
            self.pages[page] = os.path.join(self.folder.name, page)
            with open(self.pages[page], "w", encoding="utf-8") as file:
                file.write(vnetprobe("docs", "man", page))

    def shown(self, page):
        done = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-P", "cat", self.pages[page]], env=UTF8, text=True, capture_output=True, check=True)
        self.assertEqual(done.stderr, "", page)
        return re.sub("\x1b\\[[0-9;]*m|.\b", "", done.stdout)

    def test_formatted_without_a_warning(self):
        for page, path in self.pages.items():
            self.shown(page)
            strict = subprocess.run(["groff", "-man", "-k", "-ww", "-z", "-Tutf8", path], text=True, capture_output=True, check=True)
            self.assertEqual(strict.stderr, "", page)

    def test_found_by_whatis(self):
        for page, path in self.pages.items():
            said = subprocess.run(["lexgrog", path], text=True, capture_output=True, check=True).stdout
            self.assertIn(f'"{page.split(".")[0]} - ', said)

    def test_no_command_and_no_flag_of_help_is_missing(self):
        text = self.shown("vnetprobe.1")
        for path, flags, _ in COMMANDS:
            section = re.split(r"^ {3}vnetprobe ", text, flags=re.M)
            mine = [part for part in section if part.startswith(path + "\n")] if path else [text]
            self.assertEqual(len(mine), 1, path)
            for flag in flags - {"--help"}:
                self.assertRegex(mine[0], rf"{flag}\b", path)

    def test_every_code_is_there_with_who_fixes_it(self):
        text = self.shown("vnetprobe-codes.7")
        codes = [entry["code"] for entry in json.loads(vnetprobe("list", "codes", "--format", "json"))]
        self.assertGreater(len(codes), 120)
        for code in codes:
            self.assertRegex(text, rf"(?m)^ +{re.escape(code)}$")
        self.assertEqual(text.count("Who fixes it:"), len(codes))

    def test_every_key_of_the_example_is_there(self):
        text = self.shown("vnetprobe-config.5")
        keys = re.findall(r"^#([a-z_]+):", vnetprobe("docs", "config"), re.M)
        self.assertGreater(len(keys), 15)
        for key in keys:
            self.assertRegex(text, rf"(?m)^ +(\w+, )*{key}\b")

    def test_the_same_every_time(self):
        for page, path in self.pages.items():
            with open(path, encoding="utf-8") as file:
                self.assertEqual(file.read(), vnetprobe("docs", "man", page))


class Shell:
    """What a shell offers for a line, the same in all of them."""

    def setUp(self):
        self.script = vnetprobe("docs", "completion", self.NEEDS[0])

    def test_every_command_and_flag_is_offered(self):
        for path, flags, verbs in COMMANDS:
            if verbs:
                self.assertLessEqual(set(verbs), set(self.offered(f"vnetprobe {path} ".replace("  ", " "))), path)
            if path and path not in ("tags", "docs"):
                self.assertLessEqual(flags, set(self.offered(f"vnetprobe {path} --")), path)

    def test_values_are_offered(self):
        for line, expected in (("vnetprobe run --profile ", {"compute-instance", "databricks"}),
                               ("vnetprobe --profile ", {"compute-instance", "databricks"}),
                               ("vnetprobe run --format j", {"json", "junit"}),
                               ("vnetprobe list ", {"checks", "profiles", "codes"}),
                               ("vnetprobe list --format y", {"yaml"}),
                               ("vnetprobe demo --fault storage", {"storage-firewall"}),
                               ("vnetprobe explain dns.resolver.u", {"dns.resolver.unreachable", "dns.resolver.udp_blocked"}),
                               ("vnetprobe tags routes --format ", {"az", "bicep", "terraform", "json", "table"}),
                               ("vnetprobe docs completion ", {"bash", "zsh", "fish"})):
            self.assertLessEqual(expected, set(self.offered(line)), line)

    def test_nothing_that_does_not_belong_there(self):
        self.assertNotIn("--fault", self.offered("vnetprobe run --"))
        self.assertNotIn("json", self.offered("vnetprobe list "))
        for line in ("run --deadline ", "list --only ", "bundle --since ", "tags show --region "):
            self.assertEqual(self.offered("vnetprobe " + line), [], line)
        self.assertEqual(self.offered("vnetprobe frobn"), [])

    def test_files_where_a_file_is_wanted(self):
        with tempfile.TemporaryDirectory() as folder:
            open(f"{folder}/my report.json", "w", encoding="utf-8").close()
            os.chdir(folder)
            try:
                for line in ("vnetprobe run --config ", "vnetprobe diagnose ", "vnetprobe --ca-file my"):
                    self.assertTrue([word for word in self.offered(line) if word.replace("\\", "") == "my report.json"], line)
            finally:
                os.chdir("/")


class Bash(Shell, unittest.TestCase):
    NEEDS = ("bash",)

    def offered(self, line):
        """Splits the line as readline does for words without breaks in them."""
        words = line.split(" ")
        program = self.script + '\nCOMP_WORDS=("$@"); COMP_CWORD=$(($#-1)); _vnetprobe; [ ${#COMPREPLY[@]} = 0 ] || printf "%s\\n" "${COMPREPLY[@]}"'
        done = subprocess.run(["bash", "--norc", "-uc", program, "bash", *words], text=True, capture_output=True, check=True)
        self.assertEqual(done.stderr, "", line)
        return done.stdout.splitlines()

    def test_a_value_after_an_equals_sign(self):
        self.assertEqual(self.offered("vnetprobe run --format = j"), ["json", "junit"])
        self.assertIn("text", self.offered("vnetprobe run --format ="))

    def test_shellcheck_has_nothing_to_say(self):
        if not shutil.which("shellcheck"):
            self.skipTest("shellcheck is not installed")
        done = subprocess.run(["shellcheck", "-s", "bash", "-"], input=self.script, text=True, capture_output=True, check=False)
        self.assertEqual(done.stdout, "")


class Zsh(Shell, unittest.TestCase):
    NEEDS = ("zsh",)
    # A shell with completion in a terminal of its own; what it lists goes into a file instead of onto the screen.
    ASK = r"""
zmodload zsh/zpty
zpty shell 'zsh -f -i'
zpty -w shell "PS1= PS2= fpath=($3 \$fpath); autoload -Uz compinit; compinit -C -d $3/dump; zstyle ':completion:*' list-grouped false
compadd() { builtin compadd -A found -D none \"\$@\" 2>/dev/null; local -a got; builtin compadd -O got \"\$@\"; print -rl -- \$got >>$1/found; builtin compadd \"\$@\" }
bindkey '^T' complete-word; zle-done() { print -r -- done >>$1/end }; zle -N zle-done; bindkey '^X' zle-done; print -r -- ready >>$1/ready"
while [[ ! -e $1/ready ]]; do zpty -r -t shell _ || :; done
zpty -n -w shell "$2"$'\x14\x18'
while [[ ! -e $1/end ]]; do zpty -r -t shell _ || :; done
zpty -d shell
"""

    @classmethod
    def setUpClass(cls):
        cls.functions = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.functions.cleanup)
        with open(f"{cls.functions.name}/_vnetprobe", "w", encoding="utf-8") as file:
            file.write(vnetprobe("docs", "completion", "zsh"))
        # Reading every function that zsh has takes half a second: once, and not for each question.
        subprocess.run(["zsh", "-fc", "fpath=($1 $fpath); autoload -Uz compinit; compinit -u -d $1/dump", "zsh", cls.functions.name], check=True)

    def offered(self, line):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(["zsh", "-fc", self.ASK, "zsh", folder, line, self.functions.name], text=True, capture_output=True, check=True, timeout=60)
            path = f"{folder}/found"
            if not os.path.exists(path):
                return []
            with open(path, encoding="utf-8") as file:
                return [word for word in file.read().splitlines() if word]

    def test_read_without_an_error(self):
        done = subprocess.run(["zsh", "-n"], input=self.script, text=True, capture_output=True, check=True)
        self.assertEqual(done.stderr, "")


class Fish(Shell, unittest.TestCase):
    NEEDS = ("fish",)

    def offered(self, line):
        with tempfile.TemporaryDirectory() as home:
            done = subprocess.run(["fish", "--no-config", "-c", "source - ; complete -C $argv[1]", line], input=self.script, text=True, capture_output=True, check=True,
                                  env={**UTF8, "HOME": home})
        self.assertEqual(done.stderr, "", line)
        return [word.split("\t")[0] for word in done.stdout.splitlines()]

    def test_read_without_an_error(self):
        done = subprocess.run(["fish", "-n"], input=self.script, text=True, capture_output=True, check=True)
        self.assertEqual(done.stderr, "")


if __name__ == "__main__":
    lacking = [need for need in globals()[sys.argv[1]].NEEDS if not shutil.which(need)]
    if lacking:
        print("skipped: not installed:", ", ".join(lacking))
        sys.exit(77)
    unittest.main(verbosity=2)
