"""The work of scripts/get-data: fetch at a pinned commit, convert, compare, put in place."""

import argparse
import dataclasses
import errno
import hashlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import typing

import numpy as np

import idx
import omniglot

EXIT_USAGE = 2  # as docs/exit-codes.md
EXIT_DATA = 4
EXIT_UNREACHABLE = 6
EXIT_STORE = 8
DISK_FULL = "the disk is full; nothing was left"


@dataclasses.dataclass
class Source:
    url: str
    commit: str  # git verifies all that it fetches against it
    files: tuple  # of the repository
    convert: typing.Callable
    sums: dict  # SHA-256 of the converted files that docs/results.md was measured with


SOURCES = {
    "omniglot": Source(
        url="https://github.com/brendenlake/omniglot",
        commit="057f034baf2ecb8530bc5710e5a23584d2a519cc",
        files=("python/images_background.zip", "python/images_evaluation.zip"),
        convert=omniglot.convert,
        sums={
            "alphabet.npy": "ce10cbd0f0515604bd0523c013920bec70b921938dd2839032d234ee5a9cc686",
            "class.npy": "3afab95ef45f24147f099c153cf7914f7b548b61afe36e1bdd4ec72670d18bb2",
            "client.npy": "ce44e7cad596f94c3f2b037e1db77c188940ed6ff1002d599c18ada262071bdc",
            "dataset.json": "64f579d96b803ffb9678efefe47f38bbee045a2cf31d818afc1fdf5591766071",
            "split.npy": "8ad011f0a758e498ab6aba90829370cf0e19b488704f149244c02b51ce07efca",
            "x.npy": "11f05303b4ab902a091ae6bfe34fe7ad2cf2800378cdff258bc297f993f8be9c",
        }),
}


# Of a Debian package, which apt has verified; nothing is fetched.
FASHION_MNIST = "fashion-mnist"
FASHION_FOLDER = "/usr/share/datasets/fashion-mnist"
FASHION_SUMS = {
    "class.npy": "4c97f67205b9b0024fc761721bfd6cfc562268c884f287e592eea7a67c5dd4f3",
    "client.npy": "719d8cd49625b1c761fb092d17fa7e08640337909c65304982a6a8324f0f23c9",
    "dataset.json": "3a013b71240d0bde406d0f9a1541a7b733eb411885a54b2cbdcf639b655d36ee",
    "split.npy": "991c8e68f05ef9d9b678190c94a031d1a69d8a2e52f6c26c22e9343ad42af28c",
    "x.npy": "2dab991a2061b345cf0dd827d566abc6328807faa576f3cb2fa2d71cccca79db",
}
NAMES = (*SOURCES, FASHION_MNIST)


class Failure(Exception):
    def __init__(self, code: int, message: str):
        super().__init__(message)
        self.code = code


def git(folder: pathlib.Path, *arguments: str, **options) -> subprocess.CompletedProcess:
    environment = dict(os.environ, GIT_TERMINAL_PROMPT="0", LC_ALL="C")
    return subprocess.run(["git", "-C", str(folder), *arguments], env=environment, stderr=subprocess.PIPE, **options)


def failure_of(result: subprocess.CompletedProcess, message: str, advice: str = "") -> Failure:
    lines = [line for line in result.stderr.decode(errors="replace").splitlines() if line.strip()]
    text = "\n".join(lines[-3:]) or f"git ended with {result.returncode}"
    if os.strerror(errno.ENOSPC) in text:
        return Failure(EXIT_STORE, DISK_FULL)
    return Failure(EXIT_UNREACHABLE, f"{message}:\n{text}{advice}")


def fetch(source: Source, place: str, folder: pathlib.Path) -> None:
    """Puts the source's files into `folder`. Only they are transferred, where the server can do that."""
    clone = folder / "clone"
    clone.mkdir()
    for arguments in (["init", "-q"], ["remote", "add", "origin", place],
                      ["config", "remote.origin.promisor", "true"],
                      ["config", "remote.origin.partialclonefilter", "blob:none"]):
        result = git(clone, *arguments)
        if result.returncode != 0:
            raise failure_of(result, f"{clone}: cannot be made")
    result = git(clone, "fetch", "-q", "--depth", "1", "--filter=blob:none", "origin", source.commit)
    if result.returncode != 0:
        raise failure_of(result, f"{place} at commit {source.commit} cannot be fetched",
                         "\nWithout a network: clone it elsewhere, and use --from CLONE.")
    for name in source.files:
        with open(folder / pathlib.Path(name).name, "wb") as file:
            result = git(clone, "cat-file", "blob", f"{source.commit}:{name}", stdout=file)
        if result.returncode != 0:
            raise failure_of(result, f"{place}: {name} cannot be fetched")


def write(folder: pathlib.Path, arrays: dict, description: dict) -> dict:
    """Writes the data set. @returns the SHA-256 of each file."""
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)
    (folder / "dataset.json").write_text(json.dumps(description, indent=1))
    sums = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}
    (folder / "sha256sums").write_text("".join(f"{digest}  {name}\n" for name, digest in sums.items()))
    return sums


def compare(sums: dict, wanted: dict) -> None:
    different = sorted(name for name in sums.keys() | wanted.keys() if sums.get(name) != wanted.get(name))
    if not different:
        print("The files are those that docs/results.md was measured with.")
        return
    print(f"WARNING: converted data differ from the ones docs/results.md was measured with: {', '.join(different)}.\n"
          "Results will not be equal to the documented ones, and neither will the hashes of runs; of the pinned originals,\n"
          "which git has checked, they will be close.")


def put_in_place(made: pathlib.Path, out: pathlib.Path) -> None:
    """Renames; what was there is removed only after that."""
    old = made.parent / "old"
    if out.exists():
        out.rename(old)
    try:
        made.rename(out)
    except OSError:
        if old.exists():
            old.rename(out)
        raise


def convert_source(name: str, place: str, work: pathlib.Path) -> tuple:
    """@returns arrays, description, and the sums of what docs/results.md was measured with."""
    if name == FASHION_MNIST:
        folder = pathlib.Path(place or FASHION_FOLDER)
        print(f"Converting {folder}", flush=True)
        try:
            return *idx.convert(folder), FASHION_SUMS
        except FileNotFoundError as error:
            raise Failure(EXIT_DATA, f"{error.filename}: is not there. Install Debian's package dataset-fashion-mnist, or "
                                     "give --from a folder with its four IDX files") from error
    source = SOURCES[name]
    print(f"Fetching {place or source.url} at {source.commit}", flush=True)
    fetch(source, place or source.url, work)
    print("Converting", flush=True)
    return *source.convert(work), source.sums


def get(name: str, out: pathlib.Path, place: str, force: bool) -> None:
    if out.exists() and not force and not (out.is_dir() and not any(out.iterdir())):
        raise Failure(EXIT_STORE, f"{out} is there already; --force replaces it")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}.part-", dir=out.parent) as work:
        folder = pathlib.Path(work)
        try:
            arrays, description, wanted = convert_source(name, place, folder)
        except (omniglot.Malformed, idx.Malformed) as error:
            raise Failure(EXIT_DATA, str(error)) from error
        made = folder / "made"
        made.mkdir()
        sums = write(made, arrays, description)
        put_in_place(made, out)
    print(f"{out}: {description['records']} records, {description['classes']} classes, {description['clients']} clients")
    compare(sums, wanted)
    print(f"Experiments find it with --data {out.parent}, or SKINK_DATA={out.parent.resolve()}.")


def main(arguments: list) -> int:
    parser = argparse.ArgumentParser(prog="get-data")
    parser.add_argument("name", metavar="NAME", help=f"which data set: {', '.join(NAMES)}")
    parser.add_argument("--out", type=pathlib.Path, help="its folder (default: data/NAME, with _ for -)")
    parser.add_argument("--from", dest="place", default="", help="a clone instead of the network; of fashion-mnist a folder with its IDX files")
    parser.add_argument("--force", action="store_true", help="replace what is there")
    options = parser.parse_args(arguments)
    if options.name not in NAMES:
        parser.error(f"there is no data set {options.name!r}, known are: {', '.join(NAMES)}")
    # Relative to where the script was called, not to the temporary clone.
    place = str(pathlib.Path(options.place).resolve()) if options.place else ""
    try:
        get(options.name, options.out or pathlib.Path("data") / options.name.replace("-", "_"), place, options.force)
    except Failure as failure:
        print(f"get-data: {failure}", file=sys.stderr)
        return failure.code
    except OSError as error:
        print(f"get-data: {DISK_FULL if error.errno in (errno.ENOSPC, errno.EDQUOT) else error}", file=sys.stderr)
        return EXIT_STORE
    return 0


def stop(_signal, _frame) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, stop)
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit("get-data: interrupted; nothing was left")
