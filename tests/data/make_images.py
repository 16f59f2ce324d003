#!/usr/bin/env python3
"""Writes a small data set of drawn characters, the same bytes on every machine.

A class is a character: two to four strokes, each a quadratic curve. A drawing bends every stroke a little and is larger
or smaller, slanted, elsewhere. A client is a drawer: the drawings of a class are dealt to the drawers in turn, by
default one to each. Pixels are ink, 0..15. Two thirds of the classes are for training, the others for testing. The
folder has the format of skink/host/data/dataset.hpp.

    make_images.py FOLDER [--size 14] [--classes 60] [--drawings 20] [--drawers DRAWINGS] [--seed 1]
"""

import argparse
import hashlib
import json
import pathlib

import numpy as np

INK = 15
POINTS = 48  # per stroke
PEN = 0.03  # radius of the line, of a square of side 1


def curve(points: np.ndarray) -> np.ndarray:
    """Points of a quadratic curve, [POINTS, 2], from three control points [3, 2]."""
    t = (np.arange(POINTS) / (POINTS - 1))[:, None]
    return (1 - t) * (1 - t) * points[0] + 2 * t * (1 - t) * points[1] + t * t * points[2]


def draw(strokes: np.ndarray, size: int) -> np.ndarray:
    """Ink of strokes [S, 3, 2] in a unit square: full within the pen, none one pixel further."""
    centres = (np.arange(size) + 0.5) / size
    grid = np.stack(np.meshgrid(centres, centres, indexing="ij"), axis=-1).reshape(-1, 1, 2)
    line = np.concatenate([curve(stroke) for stroke in strokes])[None]
    difference = grid - line
    distance = np.sqrt((difference * difference).sum(axis=2).min(axis=1))
    ink = np.clip(1 - (distance - PEN) * size, 0, 1)
    return np.floor(ink * INK + 0.5).astype(np.uint8).reshape(size, size)


def by_hand(strokes: np.ndarray, random: np.random.RandomState) -> np.ndarray:
    """The character as somebody writes it once."""
    wobble = (random.random_sample(strokes.shape) - 0.5) * 0.16
    slant = np.eye(2) + (random.random_sample((2, 2)) - 0.5) * 0.50
    shift = (random.random_sample(2) - 0.5) * 0.20
    centred = strokes + wobble - 0.5
    # Written out: a matrix product may be summed in another order elsewhere.
    turned = np.stack([centred[..., 0] * slant[0, 0] + centred[..., 1] * slant[1, 0],
                       centred[..., 0] * slant[0, 1] + centred[..., 1] * slant[1, 1]], axis=-1)
    return turned + 0.5 + shift


def make(size: int, classes: int, drawings: int, drawer_count: int, seed: int) -> dict:
    # RandomState's streams are frozen by NumPy; those of default_rng are not.
    random = np.random.RandomState(seed)
    train_classes = classes * 2 // 3
    images, labels, drawers = [], [], []
    for label in range(classes):
        character = 0.12 + 0.76 * random.random_sample((2 + random.randint(3), 3, 2))
        for drawing in range(drawings):
            images.append(draw(by_hand(character, random), size))
            labels.append(label)
            drawers.append(drawing % drawer_count)
    label_array = np.array(labels, dtype="<u2")
    return {
        "x": np.stack(images),
        "class": label_array,
        "client": np.array(drawers, dtype="<u2"),
        "split": np.where(label_array < train_classes, 0, 2).astype(np.uint8),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--size", type=int, default=14)
    parser.add_argument("--classes", type=int, default=60)
    parser.add_argument("--drawings", type=int, default=20)
    parser.add_argument("--drawers", type=int, help="clients; default: as many as drawings")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    drawers = arguments.drawings if arguments.drawers is None else arguments.drawers
    if not 1 <= drawers <= arguments.drawings:
        parser.error("--drawers: 1 to the number of drawings")

    arrays = make(arguments.size, arguments.classes, arguments.drawings, drawers, arguments.seed)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for name, array in arrays.items():
        np.save(arguments.folder / f"{name}.npy", array)
    description = {
        "name": arguments.folder.resolve().name,
        "records": arguments.classes * arguments.drawings,
        "shape": [arguments.size, arguments.size],
        "classes": arguments.classes,
        "clients": drawers,
        "scale": 1 / INK,
        "offset": 0.0,
        "unit": "ink",
        "client_is": "drawer",
        "split": {"0": "train", "2": "test"},
        "licence": "CC0 1.0",
        "source": "tests/data/make_images.py",
    }
    (arguments.folder / "dataset.json").write_text(json.dumps(description, indent=1) + "\n")
    files = [f"{name}.npy" for name in arrays] + ["dataset.json"]
    sums = [f"{hashlib.sha256((arguments.folder / file).read_bytes()).hexdigest()}  {file}\n" for file in sorted(files)]
    (arguments.folder / "sha256sums").write_text("".join(sums))


if __name__ == "__main__":
    main()
