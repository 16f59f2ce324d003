"""Checks and what came of them: a line for each, a summary, a JSON file."""

import json
import sys
import time
from typing import Callable, NamedTuple


class Failed(Exception):
    """The other side does something else than the document says."""


class NotChecked(Exception):
    """The check could not be made; says why."""


class Check(NamedTuple):
    name: str
    section: str                                                        # of which document, and where
    quote: str                                                          # its words
    needs: tuple                                                        # names of checks that must have passed
    function: Callable


def check_list():
    """A list, and the decorator that adds to it."""
    checks = []

    def check(name, section, quote, needs=()):
        def add(function):
            checks.append(Check(name, section, quote, (needs,) if isinstance(needs, str) else tuple(needs), function))
            return function
        return add

    return checks, check


def expect(condition, message):
    if not condition:
        raise Failed(message)


def equal(what, got, wanted):
    if got != wanted:
        got, wanted = (value.hex() if isinstance(value, bytes) else repr(value) for value in (got, wanted))
        raise Failed(f"{what} is {got}, must be {wanted}")


def with_needs(checks, names):
    needs, wanted, more = {check.name: check.needs for check in checks}, set(), list(names)
    while more:
        name = more.pop()
        if name not in wanted:
            wanted.add(name)
            more += needs[name]
    return wanted


class Report:
    def __init__(self, subject, out=sys.stdout):
        self.subject, self.out, self.results = subject, out, []
        self.begin = time.monotonic()

    def say(self, text):
        print(text, file=self.out, flush=True)

    def passed(self, name):
        return any(result["check"] == name and result["result"] == "PASS" for result in self.results)

    def run(self, checks, bench, only=()):
        """`only`: names of checks; what they need is made too."""
        wanted = with_needs(checks, only) if only else {check.name for check in checks}
        for check in checks:
            if check.name not in wanted:
                continue
            missing = [name for name in check.needs if not self.passed(name)]
            begin = time.monotonic()
            try:
                if missing:
                    raise NotChecked(f"needs {', '.join(missing)}")
                result, detail = "PASS", check.function(bench) or ""
            except NotChecked as reason:
                result, detail = "NOT CHECKED", str(reason)
            except Failed as reason:
                result, detail = "FAIL", str(reason)
            self.add(check, result, detail, time.monotonic() - begin)

    def add(self, check, result, detail, seconds):
        self.results.append({"check": check.name, "result": result, "detail": detail, "section": check.section,
                             "quote": check.quote, "seconds": round(seconds, 3)})
        self.say(f"{result:<11} {check.name:<28} {check.section}" + (f": {detail}" if detail else ""))
        if result == "FAIL":
            self.say(f"{'':11} {'':28} \"{' '.join(check.quote.split())}\"")

    def count(self, result):
        return sum(entry["result"] == result for entry in self.results)

    def end(self, json_file=None):
        """The exit code."""
        seconds = time.monotonic() - self.begin
        self.say(f"{self.subject}: {self.count('PASS')} passed, {self.count('FAIL')} failed, "
                 f"{self.count('NOT CHECKED')} not checked ({seconds:.0f} s)")
        failed = self.count("FAIL") > 0 or self.count("PASS") == 0
        if json_file:
            text = json.dumps({"subject": self.subject, "passed": not failed, "checks": self.results}, indent=1)
            with open(json_file, "w") as file:
                file.write(text + "\n")
        return 1 if failed else 0
