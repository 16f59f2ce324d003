"""Converts Omniglot's archives of drawings to a data set folder (docs/data.md).

An archive holds FOLDER/ALPHABET/characterNN/CCCC_DD.png, with CCCC the number of the character, DD that of the drawer from
01, and black ink in images of 105 x 105.
"""

import io
import pathlib
import re
import zipfile

import numpy as np
from PIL import Image

ORIGINAL = 105
SIZE = 28
LEVELS = 15  # above none
DRAWERS = 20
PARTS = (("images_background", 0), ("images_evaluation", 2))  # archive, split

NAME = re.compile(r"(?P<part>[^/]+)/(?P<alphabet>[^/]+)/character\d+/(?P<character>\d+)_(?P<drawer>\d+)\.png")


class Malformed(Exception):
    """The archives are not what they should be."""


def overlaps() -> np.ndarray:
    """[SIZE, ORIGINAL]: how much of each pixel lies in each cell, in units of 1 / SIZE pixels; 105 to a cell."""
    cells = np.arange(SIZE)[:, None] * ORIGINAL
    pixels = np.arange(ORIGINAL)[None] * SIZE
    return np.clip(np.minimum(cells + ORIGINAL, pixels + SIZE) - np.maximum(cells, pixels), 0, None)


OVERLAPS = overlaps()


def shrink(ink: np.ndarray) -> np.ndarray:
    """Ink [ORIGINAL, ORIGINAL] of 0 and 1 averaged onto [SIZE, SIZE], 0..LEVELS, to nearest; whole numbers throughout."""
    covered = OVERLAPS @ ink.astype(np.int64) @ OVERLAPS.T
    whole = ORIGINAL * ORIGINAL
    return ((2 * LEVELS * covered + whole) // (2 * whole)).astype(np.uint8)


def read_image(content: bytes, name: str) -> np.ndarray:
    """Ink, 0 and 1."""
    try:
        with Image.open(io.BytesIO(content)) as image:
            pixels = np.array(image.convert("L"))
    except (OSError, ValueError, SyntaxError) as error:
        raise Malformed(f"{name}: is no image: {error}") from error
    if pixels.shape != (ORIGINAL, ORIGINAL):
        raise Malformed(f"{name}: is {pixels.shape[1]} x {pixels.shape[0]}, wanted {ORIGINAL} x {ORIGINAL}")
    return (pixels < 128).astype(np.uint8)


def list_drawings(archive: zipfile.ZipFile, part: str) -> list:
    """[(alphabet, character, drawer from 0, entry)], sorted; every character by every drawer."""
    drawings = []
    for entry in archive.namelist():
        match = NAME.fullmatch(entry)
        if match and match["part"] == part:
            drawings.append((match["alphabet"], match["character"], int(match["drawer"]) - 1, entry))
    if not drawings:
        raise Malformed(f"{archive.filename}: holds no {part}/ALPHABET/characterNN/CCCC_DD.png")
    drawings.sort()
    for i, (alphabet, character, drawer, entry) in enumerate(drawings):
        first = drawings[i - i % DRAWERS]
        if (alphabet, character, drawer) != (first[0], first[1], i % DRAWERS):
            raise Malformed(f"{archive.filename}: {entry}: wanted drawing {i % DRAWERS + 1:02} of {first[0]}/{first[1]}")
    if len(drawings) % DRAWERS != 0:
        raise Malformed(f"{archive.filename}: {drawings[-1][3]} is the last, wanted {DRAWERS} drawings of each character")
    return drawings


def convert(folder: pathlib.Path) -> tuple:
    """Arrays by name and the description, from the archives in `folder`."""
    images, alphabets, splits, names = [], [], [], []
    known = {}
    for part, split in PARTS:
        path = folder / f"{part}.zip"
        try:
            with zipfile.ZipFile(path) as archive:
                for alphabet, character, drawer, entry in list_drawings(archive, part):
                    images.append(shrink(read_image(archive.read(entry), entry)))
                    alphabets.append(known.setdefault((part, alphabet), len(known)))
                    splits.append(split)
                    if drawer == 0:
                        names.append(f"{alphabet}/{character}")
        except zipfile.BadZipFile as error:
            raise Malformed(f"{path.name}: {error}") from error
    records = np.arange(len(images))
    alphabet = np.array(alphabets, dtype="<u2")
    arrays = {
        "x": np.stack(images),
        "class": (records // DRAWERS).astype("<u2"),
        "client": (alphabet * DRAWERS + records % DRAWERS).astype("<u2"),
        "split": np.array(splits, dtype=np.uint8),
        "alphabet": alphabet,
    }
    description = {
        "name": "omniglot",
        "records": len(images),
        "shape": [SIZE, SIZE],
        "classes": len(names),
        "clients": len(known) * DRAWERS,
        "scale": 1 / LEVELS,
        "offset": 0.0,
        "class_names": names,
        "client_is": "(alphabet, drawer)",
        "split": {"0": "background (meta-train)", "2": "evaluation (meta-test)"},
        "licence": "MIT",
        "source": "github.com/brendenlake/omniglot",
    }
    return arrays, description
