#!/usr/bin/env python3
"""scripts/get-data with a repository made here, of the layout of the real one: what is fetched, converted, refused, left."""

import errno
import gzip
import io
import os
import pathlib
import struct
import subprocess
import sys
import tempfile
import zipfile

try:
    import numpy as np
    from PIL import Image
except ImportError as missing:
    print(f"SKIPPED: conversion of public data sets: {missing}")
    sys.exit(0)

ROOT = pathlib.Path(os.environ["SKINK_SOURCE_DIR"])
sys.path.insert(0, str(ROOT / "scripts/lib"))
sys.dont_write_bytecode = True
import get_data  # noqa: E402
import idx  # noqa: E402
import omniglot  # noqa: E402


def expect(condition: bool, message: str) -> None:
    if not condition:
        sys.exit(f"FAILED: {message}")


def png(ink: np.ndarray) -> bytes:
    """As the originals: one bit a pixel, ink is black."""
    file = io.BytesIO()
    Image.fromarray((255 - 255 * ink).astype(np.uint8)).convert("1").save(file, "PNG")
    return file.getvalue()


def drawing(random: np.random.RandomState) -> np.ndarray:
    return (random.random_sample((omniglot.ORIGINAL, omniglot.ORIGINAL)) < 0.3).astype(np.uint8)


def make_archives(folder: pathlib.Path, drawers: int = omniglot.DRAWERS) -> dict:
    """Alphabets of one and two characters in each archive. @returns the ink by (alphabet, character, drawer)."""
    random = np.random.RandomState(1)
    inks, number = {}, 1
    for part, alphabets in (("images_background", ("Beta", "Alpha")), ("images_evaluation", ("Alef",))):
        with zipfile.ZipFile(folder / f"{part}.zip", "w") as archive:
            archive.writestr(f"{part}/", "")
            for alphabet in alphabets:
                for character in range(1 + (alphabet == "Alpha")):
                    for drawer in range(drawers):
                        ink = drawing(random)
                        inks[alphabet, f"{number:04}", drawer] = ink
                        archive.writestr(
                            f"{part}/{alphabet}/character{character + 1:02}/{number:04}_{drawer + 1:02}.png", png(ink))
                    number += 1
    return inks


def make_repository(folder: pathlib.Path, **options) -> str:
    """@returns its commit."""
    (folder / "python").mkdir(parents=True)
    make_archives(folder / "python", **options)
    identity = ["-c", "user.name=test", "-c", "user.email=test@invalid", "-c", "commit.gpgsign=false"]
    for command in (["init", "-q"], ["add", "."], [*identity, "commit", "-q", "-m", "data"],
                    ["config", "uploadpack.allowFilter", "true"], ["config", "uploadpack.allowAnySHA1InWant", "true"]):
        subprocess.run(["git", "-C", folder, *command], check=True)
    return subprocess.run(["git", "-C", folder, "rev-parse", "HEAD"], check=True, capture_output=True,
                          text=True).stdout.strip()


def run(*arguments: str) -> tuple:
    """@returns the exit code and all that was printed."""
    program = ("import sys, get_data, json; changes = json.loads(sys.argv.pop(1)); "
               "source = get_data.SOURCES['omniglot']; [setattr(source, k, v) for k, v in changes.items()]; "
               "sys.exit(get_data.main(sys.argv[1:]))")
    done = subprocess.run([sys.executable, "-B", "-c", program, *arguments], capture_output=True, text=True,
                          cwd=ROOT / "scripts/lib")
    return done.returncode, done.stdout + done.stderr


def check_shrink() -> None:
    """Each cell is the mean of what it covers; the slow way, in fractions of a quarter pixel."""
    ink = drawing(np.random.RandomState(2))
    fine = np.kron(ink, np.ones((4, 4), dtype=int)).reshape(28, 15, 28, 15).sum(axis=(1, 3))
    expect((omniglot.shrink(ink) == np.floor(fine / 15 + 0.5)).all(), "the mean of a cell is another")
    expect((omniglot.shrink(np.ones_like(ink)) == 15).all(), "full ink is not 15")
    expect((omniglot.shrink(np.zeros_like(ink)) == 0).all(), "no ink is not 0")


def check_conversion(work: pathlib.Path) -> None:
    folder = work / "archives"
    folder.mkdir()
    inks = make_archives(folder)
    arrays, description = omniglot.convert(folder)
    expect(description["class_names"] == ["Alpha/0002", "Alpha/0003", "Beta/0001", "Alef/0004"],
           f"the order of classes: {description['class_names']}")
    expect([(name, a.shape, a.dtype.str) for name, a in arrays.items()] ==
           [("x", (80, 28, 28), "|u1"), ("class", (80,), "<u2"), ("client", (80,), "<u2"), ("split", (80,), "|u1"),
            ("alphabet", (80,), "<u2")], "shapes or types")
    for record in (0, 21, 40, 79):
        alphabet, character = description["class_names"][record // 20].split("/")
        expect((arrays["x"][record] == omniglot.shrink(inks[alphabet, character, record % 20])).all(),
               f"record {record} is another drawing")
    expect(list(arrays["split"][[0, 59, 60, 79]]) == [0, 0, 2, 2], "splits")
    expect(list(arrays["client"][[0, 20, 21, 40, 79]]) == [0, 0, 1, 20, 59], "clients")
    expect(description["clients"] == 60 and description["classes"] == 4, "counts")


def check_malformed(work: pathlib.Path) -> None:
    folder = work / "malformed"
    folder.mkdir()

    def refuse(text: str) -> None:
        try:
            omniglot.convert(folder)
        except omniglot.Malformed as error:
            expect(text in str(error), f"wanted {text!r}: {error}")
            return
        sys.exit(f"FAILED: {text}: was accepted")

    background = folder / "images_background.zip"
    background.write_bytes(b"no archive")
    refuse("images_background.zip: File is not a zip file")
    with zipfile.ZipFile(background, "w") as archive:
        archive.writestr("readme.txt", "nothing")
    refuse("holds no images_background/ALPHABET")
    make_archives(folder, drawers=19)
    refuse("wanted drawing 20 of Alpha/0002")
    for content, text in ((b"no image", "is no image"), (png(np.zeros((28, 28))), "is 28 x 28, wanted 105 x 105")):
        with zipfile.ZipFile(background, "w") as archive:
            for drawer in range(20):
                archive.writestr(f"images_background/A/character01/0001_{drawer + 1:02}.png", content)
        refuse(text)
    make_archives(folder)
    background.write_bytes(background.read_bytes()[:-3000])
    refuse("images_background.zip: ")


def check_program(work: pathlib.Path) -> None:
    import json
    repository = work / "repository"
    commit = make_repository(repository)
    pinned = json.dumps({"url": repository.as_uri(), "commit": commit})
    place = work / "place"
    out = place / "omniglot"

    def left() -> list:
        return sorted(path.name for path in place.iterdir()) if place.exists() else []

    code, text = run(pinned, "omniglot", "--out", str(out))
    expect(code == 0, f"ended with {code}: {text}")
    expect("WARNING: converted data differ from the ones docs/results.md was measured with: alphabet.npy" in text, text)
    expect(left() == ["omniglot"], f"{left()} is there")
    subprocess.run(["sha256sum", "--quiet", "-c", "sha256sums"], cwd=out, check=True)
    sums = dict(reversed(line.split()) for line in (out / "sha256sums").read_text().splitlines())

    code, text = run(pinned, "omniglot", "--out", str(out))
    expect(code == 8 and "is there already; --force replaces it" in text, text)
    (out / "mine").write_text("kept until the new one is complete")
    known = json.dumps({"commit": commit, "sums": sums, "url": "https://unused.invalid"})
    code, text = run(known, "omniglot", "--out", str(out), "--force", "--from", str(repository))
    expect(code == 0 and "The files are those that docs/results.md was measured with." in text, text)
    expect(left() == ["omniglot"] and not (out / "mine").exists(), "--force left something")

    # Nothing is changed, and nothing is left, when it fails.
    other = json.dumps({"url": repository.as_uri(), "commit": "0" * 39 + "1"})
    code, text = run(other, "omniglot", "--out", str(out), "--force")
    expect(code == 6 and "cannot be fetched" in text and "--from CLONE" in text, f"{code}: {text}")
    nowhere = json.dumps({"url": "https://nowhere.invalid/omniglot", "commit": commit})
    code, text = run(nowhere, "omniglot", "--out", str(place / "second"))
    expect(code == 6 and "nowhere.invalid" in text and "--from CLONE" in text, f"{code}: {text}")
    short = work / "short"
    less = json.dumps({"url": short.as_uri(), "commit": make_repository(short, drawers=3)})
    code, text = run(less, "omniglot", "--out", str(out), "--force")
    expect(code == 4 and "wanted" in text, f"{code}: {text}")
    expect(left() == ["omniglot"], f"{left()} is left")
    expect(sums == dict(reversed(line.split()) for line in (out / "sha256sums").read_text().splitlines()), "changed")
    code, text = run(pinned, "omnigloth")
    expect(code == 2 and "there is no data set 'omnigloth', known are: omniglot" in text, f"{code}: {text}")


def check_full_disk(work: pathlib.Path) -> None:
    source = get_data.SOURCES["omniglot"]
    kept = source.url, source.commit, np.save
    source.url, source.commit = (work / "repository").as_uri(), subprocess.run(
        ["git", "-C", work / "repository", "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()

    def full(*_arguments):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    np.save = full
    code = get_data.main(["omniglot", "--out", str(work / "full/omniglot")])
    source.url, source.commit, np.save = kept
    expect(code == 8 and not list((work / "full").iterdir()), "a full disk leaves something")


def write_idx(path: pathlib.Path, array: np.ndarray, cut: int = 0) -> None:
    content = bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()
    content = content[:len(content) - cut]
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


def check_idx(work: pathlib.Path) -> None:
    """Four files of the layout of MNIST, two of them gzipped, become a data set; what is damaged is refused by name."""
    folder, out = work / "idx", work / "digits"
    folder.mkdir()
    random = np.random.RandomState(3)
    images = {name: random.randint(0, 256, (count, 6, 5)).astype(np.uint8) for name, count in (("train", 9), ("t10k", 4))}
    labels = {name: random.randint(0, 3, len(those)).astype(np.uint8) for name, those in images.items()}
    labels["train"][0] = 2
    for name, suffix in (("train", ".gz"), ("t10k", "")):
        write_idx(folder / f"{name}-images-idx3-ubyte{suffix}", images[name])
        write_idx(folder / f"{name}-labels-idx1-ubyte{suffix}", labels[name])
    code, text = run("{}", "fashion-mnist", "--from", str(folder), "--out", str(out))
    expect(code == 0 and "WARNING: converted data differ" in text, text)
    x, label, split = (np.load(out / f"{name}.npy") for name in ("x", "class", "split"))
    expect((x == np.concatenate((images["train"], images["t10k"]))).all(), "images")
    expect((label == np.concatenate((labels["train"], labels["t10k"]))).all(), "labels")
    expect(list(split) == 9 * [0] + 4 * [2], "splits")

    def refused(text: str) -> None:
        code, printed = run("{}", "fashion-mnist", "--from", str(folder), "--out", str(work / "none"))
        expect(code == 4 and text in printed, f"wanted {text!r}: {code} {printed}")
        expect(not (work / "none").exists(), "a data set was left")

    write_idx(folder / "t10k-labels-idx1-ubyte", labels["t10k"], cut=1)
    refused("t10k-labels-idx1-ubyte: is shorter than its header says")
    write_idx(folder / "t10k-labels-idx1-ubyte", labels["t10k"][:3])
    refused("4 t10k images, but 3 labels")
    (folder / "t10k-labels-idx1-ubyte").write_bytes(b"\0\0\x0d\1\0\0\0\0")
    refused("is not an IDX file of unsigned bytes with 1 extents")
    (folder / "t10k-labels-idx1-ubyte").unlink()
    refused("is not there. Install Debian's package dataset-fashion-mnist")
    packed = folder / "train-images-idx3-ubyte.gz"
    packed.write_bytes(packed.read_bytes()[:-20])
    refused("train-images-idx3-ubyte.gz: ")
    (folder / "train-images-idx3-ubyte").write_bytes(bytes((0, 0, 8, 3)) + struct.pack(">3I", 1 << 20, 1 << 20, 1 << 20))
    refused("says that it holds")


def check_features(work: pathlib.Path) -> None:
    """scripts/window-features: statistics of known windows, scaled by the training split."""
    folder, out = work / "windows", work / "features"
    folder.mkdir()
    seconds = np.arange(16) / 16
    x = np.stack([np.stack([a * np.sin(2 * np.pi * f * seconds) + c, seconds * a], axis=1)
                  for a, f, c in ((1, 2, 0), (2, 3, 5), (4, 1, -3), (1, 4, 1))]).astype(np.float32)
    for name, array in (("x", x), ("class", np.arange(4, dtype=np.uint16)), ("client", np.zeros(4, np.uint16)),
                        ("split", np.array([0, 0, 0, 2], np.uint8))):
        np.save(folder / f"{name}.npy", array)
    (folder / "dataset.json").write_text('{"class_names": ["a", "b", "c", "d"]}')
    subprocess.run([sys.executable, ROOT / "scripts/window-features", folder, out], check=True)
    made = np.load(out / "x.npy")
    expect(made.shape == (4, 16) and made.dtype == np.float32, f"shape {made.shape}")
    expect(np.allclose(made[:3].mean(axis=0), 0, atol=1e-6), "a training mean is not 0")
    mean = x[:, :, 0].mean(axis=1)
    expect(np.allclose(made[:, 0], (mean - mean[:3].mean()) / mean[:3].std(), atol=1e-5), "the mean is another")
    frequency = np.array([2, 3, 1, 4])
    expect(np.allclose(made[:, 14], (frequency - 2) / frequency[:3].std(), atol=1e-5), "the frequency is another")
    flat = subprocess.run([sys.executable, ROOT / "scripts/window-features", out, work / "again"], capture_output=True, text=True)
    expect(flat.returncode == 1 and "wanted windows [N, n, channels]" in flat.stderr, flat.stderr)


with tempfile.TemporaryDirectory() as temporary:
    check_idx(pathlib.Path(temporary))
    check_features(pathlib.Path(temporary))
    check_shrink()
    check_conversion(pathlib.Path(temporary))
    check_malformed(pathlib.Path(temporary))
    check_program(pathlib.Path(temporary))
    check_full_disk(pathlib.Path(temporary))
print("get-data: passed")
