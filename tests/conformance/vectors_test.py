#!/usr/bin/env python3
"""The test vectors of docs/vectors are what make_vectors.py makes, and what the libraries make: keys, messages and their
codes, random bits, elementary functions, encodings, the model file, chains of patches, and the small run's hashes.

Needs SKINK_SOURCE_DIR and SKINK_BIN_DIR (tests/vectors_program, tests/codec_program, skink-sim).
"""

import csv
import json
import os
import pathlib
import subprocess
import sys
import tempfile

SOURCE, BIN = pathlib.Path(os.environ["SKINK_SOURCE_DIR"]), pathlib.Path(os.environ["SKINK_BIN_DIR"])
sys.path.insert(0, str(SOURCE / "scripts/lib/conformance"))

import wire  # noqa: E402

FOLDER = SOURCE / "docs/vectors"
NETWORKS = {"even": "5 7:3,3:1", "sparse": "5 7:3,3:1", "zero": "5 7:3,3:1", "pairs": "5 7:3,3:1", "long": "16 13:3,4:3",
            "cluster": "16 13:3,4:3"}
FROZEN = {"5 7:3,3:1": 3, "16 13:3,4:3": 0}                             # parameters behind those that train


def read(name):
    return json.loads((FOLDER / f"{name}.json").read_text())


class Questions:
    """Lines for a program, and what it must answer."""

    def __init__(self, program):
        self.program, self.lines, self.wanted = program, [], []

    def add(self, line, wanted):
        self.lines.append(line)
        self.wanted.append(wanted)

    def differences(self):
        done = subprocess.run([BIN / "tests" / self.program], input="\n".join(self.lines) + "\n", text=True,
                              capture_output=True, check=True)
        answers = done.stdout.splitlines()
        assert len(answers) == len(self.lines), f"{len(answers)} answers to {len(self.lines)} lines"
        found = [f"{line[:60]}: {got[:80]}, vector {str(wanted)[:80]}" for line, got, wanted in
                 zip(self.lines, map(str.strip, answers), self.wanted)
                 if not (wanted(got) if callable(wanted) else got == wanted)]
        print(f"{self.program}: {len(self.lines) - len(found)} of {len(self.lines)} agree")
        return found


def same_message(entry, messages, got):
    """The library's bytes may differ: fields in another order, defaults written. They must mean the same."""
    kind, device, key = entry["topic"].rsplit("/", 1)[1], messages["device_id"], bytes.fromhex(messages["device_key"])
    try:
        mine = wire.parse(entry["message"], wire.opened(key, kind, device, bytes.fromhex(got)))
    except (wire.WrongCode, ValueError):
        return False
    if entry["message"] == "Task" and not any(mine.model_sha256):
        mine.model_sha256 = b""                                         # the library writes 32 zeros
    return wire.serialize(mine).hex() == entry["bytes"]


def ask_libraries(q):
    messages, random, elementary, learning, chain = map(
        read, ("messages", "random", "elementary", "learning", "chain"))
    for entry in messages["keys"]:
        q.add(f"key {messages['master_key']} {entry['fleet']} {entry['device_id']}", entry["device_key"])
    whose = f"{messages['device_id']} {messages['device_key']}"
    for entry in messages["messages"]:
        kind, sealed = entry["topic"].rsplit("/", 1)[1], entry["bytes"] + entry["code"]
        q.add(f"message {kind} {whose} {sealed}", lambda got, entry=entry: same_message(entry, messages, got))
        q.add(f"message {kind} {whose} {entry['bytes'] + '00' * 16}", "refused")
    for e in random["philox"]:
        q.add(f"philox {e['seed']} {e['block']} {e['purpose']} {e['round']} {e['device']}", e["words"])
    for e in random["uniform"]:
        q.add(f"uniform {e['word']} -5 5", f"{e['u']} {e['between -5 and 5']}")
    for e in random["permute"]:
        q.add(f"permute {e['n']} {e['K']}", " ".join(map(str, e["elements"])))
    for function in ("exp", "log", "tanh", "sin", "cos"):
        for x, y in zip(elementary["x"].split(), elementary[function].split(), strict=True):
            q.add(f"{function} {x}", y)
    model = learning["initial_model"]["file"]
    q.add(f"model {model}", model)
    q.add(f"model {model[:-2]}00", "refused")
    final = chain["rounds"][-1]
    before = 2 * (len(model) // 2 - 32 - 4 * learning["initial_model"]["parameter_count"])
    parameters = "".join(word[6:8] + word[4:6] + word[2:4] + word[0:2] for word in final["parameters"].split())
    q.add(f"chain {model} {chain['seed']} {chain['chain']}", model[:before] + parameters + final["model_sha256"])
    return q


def ask_codecs(q):
    vectors = read("codecs")
    for entry in vectors["encodings"]:
        network = NETWORKS[entry["change"]]
        change = vectors["changes"][entry["change"]].split()
        x, frozen = "".join(change), "3f000000" * FROZEN[network]
        y = entry["decoded"].replace(" ", "")
        key = f"{vectors['seed']} {vectors['round']} {vectors['device_index']}"
        line = f"change {entry['codec']} {key} {network} {x + frozen} {'00000000' * len(change) + frozen} - "
        q.add(line + entry["encoded"], (entry["encoded"], y))
    for name in vectors["no_codec_names"]:
        q.add(f"name {name.encode().hex() or '-'}", "refused")
    return q


def codec_differences():
    """codec_program says more than the vectors hold: encoded, decoded, what is left, decoded again."""
    q = ask_codecs(Questions("codec_program"))
    done = subprocess.run([BIN / "tests/codec_program"], input="\n".join(q.lines) + "\n", text=True, capture_output=True,
                          check=True)
    found = []
    for line, got, wanted in zip(q.lines, done.stdout.splitlines(), q.wanted, strict=True):
        words = got.replace("80000000", "00000000").split() if wanted == "refused" else got.split()
        same = words == [wanted] if wanted == "refused" else (words[0], words[1], words[3]) == (*wanted, wanted[1])
        if not same:
            found.append(f"{line[:60]}: {got[:80]}, vector {str(wanted)[:80]}")
    print(f"codec_program: {len(q.lines) - len(found)} of {len(q.lines)} agree")
    return found


def run_differences():
    learning = read("learning")
    with tempfile.TemporaryDirectory(prefix="skink-vectors-") as name:
        folder = pathlib.Path(name)
        (folder / "vectors.toml").write_text(learning["experiment"])
        subprocess.run([BIN / "skink-sim", "run", folder / "vectors.toml", "--checkpoint-rounds", "1", "--out",
                        folder / "out", "--quiet"], check=True, stdout=subprocess.DEVNULL)
        with open(folder / "out/metrics.csv", newline="") as file:
            hashes = [row["model_sha256"] for row in csv.DictReader(file) if row["model_sha256"]]
    wanted = learning["model_sha256_after_rounds"][1:]
    print(f"skink-sim: {sum(map(str.__eq__, hashes, wanted))} of {len(wanted)} hashes agree")
    return [] if hashes == wanted else [f"skink-sim: {hashes}, vectors {wanted}"]


def main():
    made = subprocess.run([sys.executable, SOURCE / "tests/conformance/make_vectors.py", "--check", FOLDER])
    found = ask_libraries(Questions("vectors_program")).differences() + codec_differences() + run_differences()
    for difference in found[:20]:
        print(f"FAILED: {difference}")
    return 1 if found or made.returncode else 0


if __name__ == "__main__":
    sys.exit(main())
