#!/usr/bin/env python3
"""Both engines of the simulator and the reference implementation, which share no code, give one hash after every round, and the same
evaluation.

Needs SKINK_BIN_DIR (skink-sim) and SKINK_SOURCE_DIR. A difference is reported with the first round that differs.
"""

import csv
import json
import os
import pathlib
import subprocess
import sys
import tempfile

# (experiment, settings): every layer, loss, strategy, codec and way of drawing tasks occurs.
RUNS = [
    ("mlp", []),
    ("mlp", ["codec.uplink=float32", "task.fresh=device", "meta.meta_learning_rate_final=0.1"]),
    ("mlp", ["meta.strategy=reptile", "meta.batch_size=4", "evaluation.batch_size=3"]),
    ("mlp", ["meta.strategy=fedavg", "meta.batch_size=5", "seed=9223372036854775807"]),
    ("mlp", ["meta.strategy=fedavgm", "meta.batch_size=4", "meta.meta_learning_rate_final=0.1"]),
    ("mlp", ["meta.strategy=fedavgm", "meta.server_momentum=0.7", "meta.cohort=1", "codec.downlink=eden:1+ef"]),
    ("mlp", ["meta.strategy=fedadam", "meta.meta_learning_rate=0.02"]),
    ("mlp", ["meta.strategy=fedyogi", "meta.batch_size=3", "meta.meta_learning_rate=0.02", "meta.beta1=0.5", "meta.beta2=0.6",
             "meta.tau=0.0001"]),
    ("conv", ["meta.strategy=fedadam", "meta.meta_learning_rate=0.01", "meta.beta2=0.9", "codec.uplink=int8"]),
    ("conv", ["meta.strategy=fedyogi", "meta.batch_size=1", "meta.meta_learning_rate=0.01"]),
    ("mlp", ["meta.strategy=fedprox", "meta.proximal=2.5"]),
    ("mlp", ["meta.strategy=fedprox", "meta.proximal=40", "meta.batch_size=4", "codec.uplink=eden:2+ef", "meta.cohort=1"]),
    ("conv", ["meta.strategy=fedprox", "meta.proximal=5"]),
    ("online_conv", ["meta.strategy=fedprox", "meta.proximal=5"]),
    ("mlp", ["meta.strategy=fomaml", "meta.meta_learning_rate=2"]),
    ("mlp", ["meta.strategy=fomaml", "meta.batch_size=4", "task.query_size=37", "meta.cohort=1", "codec.uplink=eden:2+ef"]),
    # Nine changes diverge and two are too large.
    ("mlp", ["meta.strategy=fomaml", "meta.passes=6", "meta.inner_learning_rate=0.16", "codec.uplink=float32"]),
    ("conv", ["meta.strategy=fomaml", "task.query_size=6"]),
    ("online_conv", ["meta.strategy=fomaml"]),
    ("mlp", ["personal.passes=40"]),  # model files of format 3
    ("mlp", ["personal.inner_learning_rate=0.5", "personal.batch_size=3", "codec.downlink=eden:1+ef"]),
    ("layers", ["meta.strategy=fomaml", "meta.batch_size=4"]),
    # The hinge: online and in batches, of which some samples have no gradient.
    ("conv", ["model.loss=multiclass_hinge"]),
    ("conv", ["model.loss=multiclass_hinge", "meta.strategy=fomaml", "evaluation.scope=bias+head"]),
    ("online_conv", ["model.loss=multiclass_hinge", "evaluation.scope=head"]),
    ("uneven", ["model.loss=multiclass_hinge", "meta.cohort=1", "codec.uplink=int8"]),
    ("layers", ["model.loss=multiclass_hinge", "adapt.scope=last:2"]),
    # Scopes: of rounds, of evaluations, of both.
    ("mlp", ["adapt.scope=head"]),
    ("mlp", ["adapt.scope=bias+head", "codec.uplink=eden:2+ef", "meta.cohort=1", "meta.batch_size=1"]),
    ("mlp", ["adapt.scope=head", "codec.downlink=topk:0.1+int8+ef", "codec.uplink=int8:block+ef"]),
    ("mlp", ["evaluation.scope=head", "meta.strategy=fedadam", "meta.meta_learning_rate=0.02"]),
    ("mlp", ["adapt.scope=head", "meta.strategy=fomaml", "codec.downlink=eden:1+ef"]),
    ("mlp", ["adapt.scope=last:2", "evaluation.scope=all", "meta.strategy=fedyogi", "meta.meta_learning_rate=0.02"]),
    ("mlp", ["adapt.scope=0.weights", "meta.strategy=fedprox", "meta.proximal=2.5", "codec.uplink=int8"]),
    ("conv", ["adapt.scope=last:2", "meta.strategy=reptile", "meta.batch_size=4", "evaluation.scope=head"]),
    ("online_conv", ["adapt.scope=bias", "evaluation.scope=bias+head"]),
    ("layers", ["adapt.scope=bias", "evaluation.scope=3.weights+10.weights", "codec.uplink=int8"]),
    ("layers", ["adapt.scope=last:3", "meta.strategy=fomaml", "meta.batch_size=4"]),
    ("mlp", ["meta.strategy=none", "evaluation.passes=0"]),
    ("mlp", ["meta.clip_norm=0.05"]),
    ("mlp", ["meta.clip_norm=0.1", "codec.uplink=int8", "meta.cohort=1"]),
    ("mlp", ["meta.clip_factor=1"]),
    ("mlp", ["meta.clip_factor=0.5", "meta.cohort=1"]),
    ("mlp", ["meta.clip_factor=1", "meta.clip_norm=0.05", "codec.uplink=eden:2+ef", "meta.strategy=fedadam",
             "meta.batch_size=5"]),
    ("conv", ["meta.clip_factor=0.8", "codec.uplink=int8"]),
    ("uneven", ["meta.clip_factor=1"]),
    ("conv", []),
    ("conv", ["meta.strategy=fedavg", "meta.batch_size=5", "codec.uplink=int8"]),
    ("online_conv", []),
    ("layers", []),
    ("layers", ["meta.strategy=reptile", "meta.batch_size=4", "codec.uplink=int8"]),
    ("conv", ["evaluation.rotations=1", "task.validation_classes=5", "evaluation.split=validation"]),
    ("online_conv", ["codec.uplink=int8", "task.rotations=1", "evaluation.passes=1"]),
    ("mlp", ["codec.uplink=eden:1"]),
    # Seven changes diverge and two are too large: the residuals of these devices stay.
    ("mlp", ["codec.uplink=eden:2+ef", "meta.rounds=12", "meta.passes=6", "meta.inner_learning_rate=0.16"]),
    ("mlp", ["codec.uplink=sign+ef", "meta.strategy=fedavg", "meta.batch_size=5", "meta.clip_norm=0.05"]),
    ("mlp", ["codec.uplink=topk:0.1+int8:nearest+range", "seed=3"]),
    ("conv", ["codec.uplink=topk:0.05+ternary+ef", "meta.rounds=6"]),
    ("online_conv", ["codec.uplink=eden:2+ef", "meta.rounds=5"]),
    ("layers", ["codec.uplink=int4:block+range+ef", "meta.rounds=6"]),
    ("layers", ["codec.uplink=topk:0.1+int8:nearest+range"]),
    ("mlp", ["codec.downlink=eden:1+ef"]),
    ("conv", ["codec.uplink=topk:0.05+ternary+ef", "codec.downlink=topk:0.05+ternary+range+ef", "meta.rounds=6"]),
    ("layers", ["codec.downlink=int8", "codec.uplink=eden:2"]),
    ("uneven", []),
    ("uneven", ["meta.strategy=tinyreptile", "meta.batch_size=1", "meta.meta_learning_rate=0.7", "codec.uplink=int8"]),
    ("uneven", ["task.order=time", "task.support_size=3", "evaluation.support_size=2", "meta.passes=1"]),
    ("uneven", ["task.ways=2", "task.support_size=0.4", "evaluation.support_size=0.3", "fleet.devices=9",
                "fleet.held_out=2", "evaluation.tasks=5", "meta.clip_norm=0.4"]),  # fewer devices than clients
    ("uneven", ["task.group=class", "task.min_records=12", "fleet.devices=5", "fleet.hold_out=last", "fleet.held_out=1",
                "evaluation.tasks=2", "task.classes=[\"idle\", 2, \"run\"]", "model.layers.4.units=3"]),
    ("uneven", ["fleet.devices=7", "fleet.held_out=2", "evaluation.tasks=4", "fleet.partition=dirichlet", "fleet.alpha=0.3",
                "fleet.least_records=6", "evaluation.batch_size=3"]),
    ("uneven", ["fleet.devices=7", "fleet.held_out=2", "evaluation.tasks=4", "fleet.partition=dirichlet", "fleet.alpha=4"]),
    ("uneven", ["fleet.devices=7", "fleet.held_out=2", "evaluation.tasks=4", "fleet.partition=iid", "fleet.sizes=square",
                "fleet.least_records=2", "codec.uplink=eden:2+ef"]),
    ("uneven", ["fleet.devices=8", "fleet.held_out=2", "evaluation.tasks=4", "fleet.partition=classes",
                "fleet.classes_per_device=2", "fleet.least_records=1"]),
    ("forecast", []),
    ("forecast", ["task.order=random", "task.gap=0", "meta.strategy=fedavg", "meta.batch_size=3", "meta.cohort=2"]),
    ("forecast", ["meta.cohort=1", "task.fresh=device"]),
    ("uneven", ["meta.strategy=fedprox", "meta.proximal=3"]),
    ("uneven", ["meta.strategy=fedprox", "meta.proximal=3", "meta.batch_size=1", "codec.uplink=int8"]),
    ("forecast", ["meta.strategy=fedprox", "meta.proximal=20", "meta.meta_learning_rate_final=0.5"]),
    ("forecast", ["meta.strategy=fedprox", "meta.proximal=20", "meta.batch_size=3", "task.order=random", "task.gap=0"]),
    ("uneven", ["meta.strategy=fomaml", "task.support_size=0.5", "task.query_size=all", "meta.cohort=5"]),
    ("uneven", ["meta.strategy=fomaml", "task.support_size=0.3", "task.query_size=0.6", "meta.batch_size=1",
                "codec.uplink=eden:2+ef"]),
    # Query sets that are computed in several parts, evenly and unevenly.
    ("uneven", ["meta.strategy=fomaml", "task.group=class", "task.support_size=2", "task.query_size=70", "fleet.devices=5",
                "fleet.held_out=1", "evaluation.tasks=2", "evaluation.query_size=3"]),
    ("uneven", ["meta.strategy=fomaml", "task.support_size=1", "task.query_size=all", "fleet.partition=dirichlet",
                "fleet.alpha=0.3", "fleet.devices=4", "fleet.held_out=1", "evaluation.tasks=1"]),
    ("forecast", ["meta.strategy=fomaml", "task.query_size=all"]),
    ("forecast", ["meta.strategy=fomaml", "task.query_size=0.4", "meta.batch_size=3", "meta.cohort=2"]),
    ("uneven", ["meta.strategy=central", "meta.cohort=1", "task.group=class", "fleet.devices=5", "fleet.held_out=1",
                "evaluation.tasks=2", "evaluation.query_size=3"]),
    ("uneven", ["meta.strategy=central", "meta.cohort=1", "meta.batch_size=1", "task.support_size=0.5"]),
    ("uneven", ["meta.strategy=central", "meta.cohort=1", "fleet.partition=dirichlet", "fleet.alpha=0.5", "fleet.devices=4",
                "fleet.held_out=2", "evaluation.tasks=2"]),
    ("machines", ["meta.strategy=central", "meta.cohort=1"]),
    ("machines", []),
    ("machines", ["meta.strategy=tinyreptile", "meta.batch_size=1", "meta.cohort=1"]),
    ("machines", ["task.order=time", "task.gap=1", "meta.strategy=tinyreptile", "meta.batch_size=1"]),
]


def settings_of(settings):
    return [argument for setting in settings for argument in ("--set", setting)]


def simulate(program, experiment, engine, settings, data, out):
    subprocess.run([program, "run", experiment, "--engine", engine, "--checkpoint-rounds", "1", "--data", data, "--out",
                    out, "--quiet", *settings], check=True, stdout=subprocess.DEVNULL)
    summary = json.loads((out / "summary.json").read_text())
    with open(out / "metrics.csv", newline="") as file:
        hashes = [row["model_sha256"] for row in csv.DictReader(file) if row["model_sha256"]]
    return summary, hashes


def compute(script, experiment, settings, data):
    done = subprocess.run([sys.executable, script, experiment, "--data", data, "--evaluate", "--trace", *settings],
                          check=True, capture_output=True, text=True)
    trace = [line.split() for line in done.stderr.splitlines()]
    return json.loads(done.stdout), [digest for rounds, digest in trace if rounds != "0"]


def differences(summary, hashes, expected, expected_hashes):
    if len(hashes) != len(expected_hashes):
        yield f"{len(hashes)} rounds, reference {len(expected_hashes)}"
    for number, (got, wanted) in enumerate(zip(hashes, expected_hashes), 1):
        if got != wanted:
            yield f"model after round {number}: {got}, reference {wanted}"
            break
    if summary["model_sha256"] != expected["model_sha256"]:
        yield f"final model: {summary['model_sha256']}, reference {expected['model_sha256']}"
    samples = expected["query_samples"]
    if summary["query_samples"] != samples or samples == 0:
        yield f"query samples: {summary['query_samples']}, reference {samples}"
        return
    for when in ("before", "after"):
        loss = expected[f"loss_{when}"] / 2.0 ** 20 / samples
        accuracy = expected[f"correct_{when}"] / samples
        for name, value in ((f"query_loss_{when}", loss), (f"query_accuracy_{when}", accuracy)):
            if summary[name] is not None and summary[name] != value:
                yield f"{name}: {summary[name]}, reference {value}"
        if summary[f"query_loss_{when}"] is None:
            yield f"query_loss_{when} is missing"


def main():
    source = pathlib.Path(os.environ["SKINK_SOURCE_DIR"])
    program = pathlib.Path(os.environ["SKINK_BIN_DIR"]) / "skink-sim"
    reference = source / "tests/golden/reference.py"
    subprocess.run([sys.executable, reference, "--self-test"], check=True)
    failed = 0
    with tempfile.TemporaryDirectory(prefix="skink-reference-") as name:
        folder = pathlib.Path(name)
        subprocess.run([sys.executable, source / "tests/data/make_images.py", folder / "images", "--size", "14",
                        "--classes", "60", "--drawings", "20", "--drawers", "3"], check=True)
        subprocess.run([sys.executable, source / "tests/data/make_sensors.py", folder / "sensors"], check=True)
        for number, (run, settings) in enumerate(RUNS):
            title = " ".join([run, *settings])
            experiment = source / f"tests/golden/{run}.toml"
            arguments = settings_of(settings)
            expected = compute(reference, experiment, arguments, folder)
            found = []
            simulated = {"meta.strategy=none", "meta.strategy=central"} & set(settings)
            engines = ("learning",) if simulated else ("learning", "protocol")
            for engine in engines:
                got = simulate(program, experiment, engine, arguments, folder, folder / f"{engine}-{number}")
                found += [f"{engine}: {difference}" for difference in differences(*got, *expected)]
            print(f"{'FAILED' if found else 'ok'}: {title}: {expected[0]['model_sha256'][:16]}", flush=True)
            for difference in found:
                print(f"  {difference}")
            failed += bool(found)
    print(f"{len(RUNS) - failed} of {len(RUNS)} runs agree")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
