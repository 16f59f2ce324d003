#!/usr/bin/env python3
"""Announces a release file of `skinkctl release sign` to one device, and waits until its birth says what is expected.

    announce_release.py --port N --pki DIR --id ID [--release FILE [--flip BYTE] [--passes N] [--rate X]] --expect FIELD=VALUE...

Takes the coordinator's certificate of the folder. Without --release nothing is published, only the birth is looked at. --flip
changes a bit of the header. What it published it leaves at the broker, as a coordinator does. VALUE is a number or the name of a
reason or a use.
"""

import argparse
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts/lib/conformance"))

import signing  # noqa: E402
import wire  # noqa: E402
from link import Link  # noqa: E402

NAMES = {"release_reason": wire.REFUSAL, "release_use": wire.USE}


def announcement(options):
    """The message, and the content in chunks."""
    data = pathlib.Path(options.release).read_bytes()
    header, file = bytearray(data[:signing.HEADER_BYTES]), data[signing.HEADER_BYTES:]
    if options.flip is not None:
        header[options.flip] ^= 1
    message = wire.new("Release", header=bytes(header), model_sha256=file[-32:], slot=0, seed=options.seed,
                       inner_learning_rate=options.rate, passes=options.passes, batch_size=1)
    return message, wire.model_chunks(file)


def is_expected(state, wanted):
    return all(getattr(state, name) == value for name, value in wanted.items())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--pki", type=pathlib.Path, required=True)
    parser.add_argument("--fleet", default="demo")
    parser.add_argument("--id", required=True)
    parser.add_argument("--release")
    parser.add_argument("--flip", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--passes", type=int, default=0)
    parser.add_argument("--rate", type=float, default=0.01)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--expect", nargs="+", default=[])
    options = parser.parse_args()
    wanted = {}
    for pair in options.expect:
        name, value = pair.split("=")
        wanted[name] = NAMES[name][value] if name in NAMES else int(value)
    root = wire.root(options.fleet)
    key = wire.device_key(bytes.fromhex((options.pki / "master.key").read_text().strip()), options.fleet, options.id)
    own = options.pki / "coordinator"
    link = Link("127.0.0.1", options.port, (str(options.pki / "ca.pem"), str(own / "cert.pem"), str(own / "key.pem")),
                "coordinator", [f"{root}dev/{options.id}/state"]).open()
    if options.release:
        message, chunks = announcement(options)
        for k, chunk in enumerate(chunks):
            link.publish(f"{root}release/0/{k}", chunk, retain=True)
        link.publish(f"{root}dev/{options.id}/release",
                     wire.sealed(key, "release", options.id, wire.serialize(message)), retain=True)
    end, state = time.monotonic() + options.seconds, None
    while time.monotonic() < end and (state is None or not is_expected(state, wanted)):
        came = link.take(lambda m: m.payload, 0.25)
        if came:
            state = wire.parse("State", wire.opened(key, "state", options.id, came.payload))
    link.flush(2)
    link.close()
    shown = {name: wire.name_of(NAMES[name], getattr(state, name)) if name in NAMES else getattr(state, name)
             for name in ("release", "release_refused", "release_reason", "release_use")} if state else "no birth came"
    print(f"{options.id}: {shown}")
    return 0 if state and is_expected(state, wanted) else 1


if __name__ == "__main__":
    sys.exit(main())
