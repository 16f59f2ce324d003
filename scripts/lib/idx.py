"""Images and labels in IDX files, as MNIST and its relatives have them: a big-endian header, then unsigned bytes."""

import gzip
import math
import pathlib
import struct

import numpy as np

UNSIGNED_BYTES = 0x08
MOST_BYTES = 1 << 30
FASHION = ("T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")


class Malformed(Exception):
    pass


def read(path: pathlib.Path, rank: int) -> np.ndarray:
    """The array of one file, plain or gzipped."""
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rb") as file:
            head = file.read(4 + 4 * rank)
            if len(head) != 4 + 4 * rank or head[:4] != bytes((0, 0, UNSIGNED_BYTES, rank)):
                raise Malformed(f"{path}: is not an IDX file of unsigned bytes with {rank} extents")
            shape = struct.unpack(f">{rank}I", head[4:])
            count = math.prod(shape)
            if count > MOST_BYTES:
                raise Malformed(f"{path}: says that it holds {count} bytes")
            content = file.read(count + 1)
    except (OSError, EOFError) as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise Malformed(f"{path}: {error}") from error
    if len(content) != count:
        raise Malformed(f"{path}: is {'longer' if len(content) > count else 'shorter'} than its header says")
    return np.frombuffer(content, np.uint8).reshape(shape)


def part(folder: pathlib.Path, name: str) -> tuple:
    files = []
    for kind in ("images-idx3", "labels-idx1"):
        plain = folder / f"{name}-{kind}-ubyte"
        files.append(plain if plain.exists() else plain.with_name(plain.name + ".gz"))
    images, labels = read(files[0], 3), read(files[1], 1)
    if len(images) != len(labels):
        raise Malformed(f"{folder}: {len(images)} {name} images, but {len(labels)} labels")
    return images, labels


def convert(folder: pathlib.Path) -> tuple:
    """train-* is the training split, t10k-* the test split. Nobody in particular has drawn them."""
    train, test = part(folder, "train"), part(folder, "t10k")
    images, labels = np.concatenate((train[0], test[0])), np.concatenate((train[1], test[1]))
    arrays = {"x": images, "class": labels.astype("<u2"), "client": np.zeros(len(labels), "<u2"),
              "split": np.repeat(np.array([0, 2], np.uint8), [len(train[1]), len(test[1])])}
    classes = int(labels.max()) + 1
    description = {"name": "fashion_mnist", "records": len(labels), "shape": list(images.shape[1:]),
                   "classes": len(np.unique(labels)), "clients": 1, "scale": 1 / 255, "offset": 0}
    if classes == len(FASHION):
        description["class_names"] = list(FASHION)
    return arrays, description
