#!/usr/bin/python3
"""Baselines without a network, for docs/results.md: on the same records as the experiments beside this file.

    experiments/baselines.py z-score DATA/server_machines   as anomaly.toml: area under the ROC curve, mean over clients
    experiments/baselines.py ridge DATA/forest_loggers      as forecast.toml: RMS error, mean over clients
"""
import pathlib
import sys

import numpy as np

SUPPORT, LEAST_DEVIATION = 32, 320  # of anomaly.toml; the latter in stored units
GAP, RIDGE, PULL = 6, 1.0, 300.0    # of forecast.toml; weights pulled to 0, adapted ones to those of the pool


def load(folder):
    names = ("x", "class", "client", "split", "time", "target")
    return {name: np.load(folder / f"{name}.npy") for name in names if (folder / f"{name}.npy").exists()}


def by_time(data, client):
    records = np.flatnonzero(data["client"] == client)
    return records[np.argsort(data["time"][records], kind="stable")]


def test_clients(data):
    return np.unique(data["client"][data["split"] == 2])


def area_under_roc(scores, anomalous):
    """Share of pairs of an anomaly and a normal window in which the anomaly scores higher; half of a tie."""
    normal = np.sort(scores[~anomalous])
    below = np.searchsorted(normal, scores[anomalous], "left")
    equal = np.searchsorted(normal, scores[anomalous], "right") - below
    return float((below + equal / 2).mean() / len(normal))


def z_score(data):
    def moments(x):
        readings = x.reshape(-1, x.shape[-1]).astype(float)
        return readings.mean(axis=0), np.maximum(readings.std(axis=0), LEAST_DEVIATION)

    everybody = moments(data["x"][data["split"] == 0])
    areas = {"everybody's mean and deviation": [], f"those of its own {SUPPORT} normal windows": []}
    for client in test_clients(data):
        records = by_time(data, client)
        own = records[data["class"][records] == 0][:SUPPORT]
        judged = records[np.flatnonzero(records == own[-1])[0] + 1:]
        for name, (mean, deviation) in zip(areas, (everybody, moments(data["x"][own]))):
            scores = (((data["x"][judged] - mean) / deviation) ** 2).mean(axis=(1, 2))
            areas[name].append(area_under_roc(scores, data["class"][judged] != 0))
    return areas


def fit(inputs, targets, strength, prior=0.0):
    return np.linalg.solve(inputs.T @ inputs + strength * np.eye(inputs.shape[1]), inputs.T @ targets + strength * prior)


def ridge(data):
    x = data["x"].reshape(len(data["x"]), -1).astype(float)
    training = data["split"] == 0
    x = np.c_[(x - x[training].mean(axis=0)) / x[training].std(axis=0), np.ones(len(x))]
    pool = fit(x[training], data["target"][training], RIDGE)
    errors = {"training clients": [], "own first half": [], "training clients, then own first half": []}
    for client in test_clients(data):
        records = by_time(data, client)
        own, judged = records[:len(records) // 2], records[len(records) // 2 + GAP:]
        target = data["target"]
        for name, weights in zip(errors, (pool, fit(x[own], target[own], RIDGE), fit(x[own], target[own], PULL, pool))):
            errors[name].append(np.sqrt(((x[judged] @ weights - target[judged]) ** 2).mean()))
    return errors


def main():
    methods = {"z-score": z_score, "ridge": ridge}
    if len(sys.argv) != 3 or sys.argv[1] not in methods:
        sys.exit(__doc__.strip())
    for name, values in methods[sys.argv[1]](load(pathlib.Path(sys.argv[2]))).items():
        print(f"{name:<40} {np.mean(values):.4f}")


if __name__ == "__main__":
    main()
