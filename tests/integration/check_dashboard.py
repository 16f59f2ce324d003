#!/usr/bin/env python3
"""Checks monitoring/skink-dashboard.json: how it is built, that it shows what docs/metrics.md lists, and that a Prometheus that
scrapes a service in a run answers every expression of it.

    check_dashboard.py ROOT PROMETHEUS_PORT
"""

import json
import re
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

ROOT = Path(sys.argv[1])
DATASOURCE = {"type": "prometheus", "uid": "${DS_PROMETHEUS}"}
BUILT_IN = {"__rate_interval": "20s", "__interval": "5s", "__range": "1h"}  # what Grafana gives without a declaration
METRIC = r"\b(?:skink|process)_[a-z_]+"
MAY_BE_EMPTY = {
    "skink_evaluation_accuracy_ratio": "only classifiers have an accuracy",
    "ALERTS": "no alarm fires",
}


def expect(is_true, text):
    if not is_true:
        sys.exit(f"skink-dashboard.json: {text}")


def check_grid(panels):
    taken = {}
    for panel in panels:
        grid, title = panel["gridPos"], panel["title"]
        expect(grid["w"] > 0 and grid["h"] > 0 and 0 <= grid["x"] and grid["x"] + grid["w"] <= 24, f"{title}: outside of 24 columns")
        for cell in ((x, y) for x in range(grid["x"], grid["x"] + grid["w"]) for y in range(grid["y"], grid["y"] + grid["h"])):
            expect(cell not in taken, f"{title} lies over {taken.get(cell)}")
            taken[cell] = title


def check_structure(board):
    expect(board["schemaVersion"] >= 39 and board["uid"] == "skink-fleet" and board["id"] is None, "schemaVersion, uid or id")
    inputs = [(entry["name"], entry["type"], entry["pluginId"]) for entry in board["__inputs"]]
    expect(inputs == [("DS_PROMETHEUS", "datasource", "prometheus")], f"inputs: {inputs}")
    panels = board["panels"]
    expect(len({panel["id"] for panel in panels}) == len(panels), "two panels have one id")
    check_grid(panels)
    declared = {variable["name"] for variable in board["templating"]["list"]}
    for panel in panels:
        if panel["type"] == "row":
            continue
        title = panel["title"]
        expect(panel["datasource"] == DATASOURCE, f"{title}: its datasource is not the input")
        expect(panel["fieldConfig"]["defaults"].get("unit"), f"{title}: no unit")
        expect(panel["targets"], f"{title}: asks for nothing")
        expect(len({t["refId"] for t in panel["targets"]}) == len(panel["targets"]), f"{title}: two targets have one refId")
        for target in panel["targets"]:
            expect(target["datasource"] == DATASOURCE, f"{title}: a target's datasource is not the input")
            unknown = set(re.findall(r"\$(\w+)", target["expr"])) - declared - set(BUILT_IN)
            expect(not unknown, f"{title}: variables {unknown} are not declared")


def check_names(expressions):
    listed = set()  # the first column of the table of metrics
    for line in (ROOT / "docs/metrics.md").read_text().splitlines():
        if line.startswith("| `") and re.search(METRIC, line):
            listed |= set(re.findall(METRIC, line.split("|")[1]))
    shown = {re.sub(r"_(bucket|count|sum)$", "", name) for text in expressions for name in re.findall(METRIC, text)}
    expect(len(listed) > 20, f"docs/metrics.md lists {len(listed)} metrics")
    expect(shown <= listed, f"not in docs/metrics.md: {shown - listed}")
    expect(listed <= shown, f"in docs/metrics.md and not shown: {listed - shown}")


def ask(path, **query):
    """The data of an answer. Prometheus says what is wrong with an expression in the body of its refusal."""
    url = f"http://127.0.0.1:{sys.argv[2]}/api/v1/{path}?{urllib.parse.urlencode(query)}"
    try:
        answer = json.load(urllib.request.urlopen(url, timeout=5))
    except urllib.error.HTTPError as refusal:
        sys.exit(f"Prometheus refuses {query}: {refusal.read().decode()}")
    expect(answer["status"] == "success", f"{query}: {answer}")
    return answer["data"]


def resolve(text, values):
    return re.sub(r"\$(\w+)", lambda name: values[name.group(1)], text)


def variable_values(board):
    """As Grafana fills them: label_values(SELECTOR, LABEL)."""
    values = dict(BUILT_IN)
    for variable in board["templating"]["list"]:
        selector, label = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"]["query"]).groups()
        found = sorted({series[label] for series in ask("series", **{"match[]": resolve(selector, values)})})
        expect(len(found) == 1, f"variable {variable['name']}: {found}")
        values[variable["name"]] = found[0]
    return values


def main():
    board = json.loads((ROOT / "monitoring/skink-dashboard.json").read_text())
    check_structure(board)
    expressions = [target["expr"] for panel in board["panels"] for target in panel.get("targets", [])]
    check_names(expressions)
    values = variable_values(board)
    waiting = {expression: resolve(expression, values) for expression in expressions}
    end = time.monotonic() + 40  # a rate needs two scrapes
    while True:
        waiting = {name: text for name, text in waiting.items() if not ask("query", query=text)["result"]}
        empty = {name for name in waiting if any(word in name for word in MAY_BE_EMPTY)}
        if len(waiting) == len(empty) or time.monotonic() > end:
            break
        time.sleep(0.5)
    expect(set(waiting) == empty, f"no series of {sorted(set(waiting) - empty)}")
    print(f"dashboard: {len(expressions) - len(empty)} of {len(expressions)} expressions have series; empty, as they may be:")
    for word, reason in MAY_BE_EMPTY.items():
        print(f"  {word}: {reason}")


main()
