#!/usr/bin/env python3
"""The test vectors of docs/vectors, computed with tests/golden/reference.py, tests/golden/codec.py and
scripts/lib/conformance/wire.py, which were written from the documents alone.

    make_vectors.py --check FOLDER     compares the files of the folder with what is computed
    make_vectors.py --write FOLDER     writes them

docs/vectors/README.md says what each field is.
"""

import json
import pathlib
import struct
import sys
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/golden"), str(ROOT / "scripts/lib/conformance")]

import numpy as np  # noqa: E402

import codec as codecs  # noqa: E402
import reference  # noqa: E402
import wire  # noqa: E402
from reference import F, Bits  # noqa: E402

SEED = 20240229
BITS = Bits(SEED)
EXPERIMENT = ROOT / "tests/conformance/vectors.toml"


def bits_of(numbers):
    """Floats as their bit patterns; a zero has no sign."""
    values = reference.without_minus_zero(np.atleast_1d(np.asarray(numbers, F)))
    return " ".join(f"{pattern:08x}" for pattern in values.view(np.uint32))


def words(values):
    return " ".join(f"{value:08x}" for value in values)


def numbers(device, count, power=1):
    """Between -0.1 and 0.1, towards 0 with a higher power; purpose 0 is used by nothing else."""
    u = np.array([reference.uniform(BITS.word(0, power, device, e)) for e in range(count)], F)
    x, result = (u + u) - F(1), np.full(count, F(0.1))
    for _ in range(power):
        result = result * x
    return result


# -------------------------------------------------------------------------------- protocol.md: keys, codes, messages

MASTER = bytes(range(32))
FLEET, DEVICE = "demo", "device-007"


def example_messages():
    digest = bytes(range(0x40, 0x60))
    key = {"run": 1714564800000, "round": 300, "attempt": 1}
    asked = {"versions": wire.versions(), **key, "model_sha256": digest, "model_bytes": 4740, "seed": SEED,
             "inner_learning_rate": float(F(0.02)), "passes": 2, "time_left_ms": 30000, "model_slot": 1}
    yield "state", "a birth", wire.new(
        "State", versions=wire.versions(), online=True, firmware="example 1.0", arena_bytes=65536, battery_percent=255,
        reset_reason=1, free_bytes=12000, stack_used_bytes=900)
    yield "state", "the answer to a challenge", wire.new(
        "State", versions=wire.versions(), online=True, firmware="example 1.0", arena_bytes=65536, battery_percent=80,
        model=wire.prefix(digest), challenge=0x0123456789ABCDEF)
    yield "state", "of a device that keeps a release and refuses another", wire.new(
        "State", versions=wire.versions(), online=True, firmware="example 1.0", arena_bytes=65536, battery_percent=255,
        takes_releases=True, release=7, release_model=wire.prefix(digest), release_refused=6,
        release_reason=wire.REFUSAL["OLDER_RELEASE"], release_use=wire.USE["ADAPTED"])
    yield "task", "a challenge", wire.new("Task", kind=wire.KIND["PRESENCE"], challenge=0x0123456789ABCDEF)
    yield "task", "adapt", wire.new("Task", **asked, kind=wire.KIND["ADAPT"], device_index=7, batch_size=1,
                                    uplink="topk:0.05+ternary+ef", chunk_bytes=1024, accepted_round=299)
    yield "task", "adapt, the model by a chain of patches", wire.new(
        "Task", **asked, kind=wire.KIND["ADAPT"], device_index=7, batch_size=5, uplink="float32", patch_base=2 ** 63 + 1,
        patch_bytes=777)
    yield "task", "adapt, pulled towards the received parameters", wire.new(
        "Task", **asked, kind=wire.KIND["ADAPT"], device_index=7, batch_size=1, uplink="float32", proximal=float(F(0.1)))
    yield "task", "adapt, for a step along the gradient of the query set", wire.new(
        "Task", **asked, kind=wire.KIND["ADAPT"], device_index=7, batch_size=1, uplink="float32", change=1)
    yield "task", "evaluate", wire.new("Task", **asked, kind=wire.KIND["EVALUATE"], batch_size=1, first_task=40,
                                       task_count=8)
    yield "update", "the second of three chunks of a change", wire.new(
        "Update", **key, outcome=wire.OUTCOME["ADAPTED"], chunk=1, chunk_count=3, offset=16, total_bytes=40,
        uplink="topk:0.05+ternary+ef", support_samples=32, payload=bytes(range(16)), residual_round=299,
        repeated_model_bytes=4104)
    yield "update", "an evaluation", wire.new(
        "Update", **key, outcome=wire.OUTCOME["EVALUATED"], chunk_count=1, support_samples=32, evaluation=wire.new(
            "Evaluation", tasks=8, query_samples=800, loss_before=2 ** 40 + 5, loss_after=12345, diverged_tasks=1))
    yield "update", "a refusal", wire.new("Update", **key, outcome=wire.OUTCOME["REFUSED"], chunk_count=1,
                                          refusal=wire.REFUSAL["DOES_NOT_FIT"], needed_bytes=300000, available_bytes=65536)
    yield "release", "to be adapted and judged", wire.new(
        "Release", header=bytes(range(144)), model_sha256=digest, slot=1, seed=SEED, passes=3, batch_size=1,
        inner_learning_rate=float(F(0.02)), first_task=7)
    yield "release", "by a chain of patches, to be used as released", wire.new(
        "Release", header=bytes(range(144)), model_sha256=digest, patch_base=2 ** 63 + 1, patch_bytes=777, seed=SEED)
    yield "reply", "taken", wire.new("Reply", **key, verdict=wire.VERDICT["ACCEPTED"])
    yield "reply", "send again from the second chunk on", wire.new("Reply", **key, verdict=wire.VERDICT["RESEND"], chunk=1)
    yield "reply", "refused", wire.new("Reply", **key, verdict=wire.VERDICT["REFUSED"], reason=wire.REFUSAL["LATE"])


def fields_of(message):
    """What is not a default, as JSON; 64-bit numbers too, floats as bits."""
    result = {}
    for name, type_ in wire.MESSAGES[message.kind_of_message].values():
        value = getattr(message, name)
        if value is None or value in (0, "", b"", False) and type_ not in wire.MESSAGES:
            continue
        result[name] = (fields_of(value) if type_ in wire.MESSAGES else value.hex() if type_ == "bytes"
                        else f"{struct.pack('>f', value).hex()}" if type_ == "float" else value)
    return result


def messages():
    keys = [{"fleet": fleet, "device_id": device, "device_key": wire.device_key(MASTER, fleet, device).hex()}
            for fleet, device in ((FLEET, DEVICE), (FLEET, "a"), ("other-fleet", DEVICE), ("x" * 64, "y" * 64))]
    key = wire.device_key(MASTER, FLEET, DEVICE)
    entries = []
    for kind, title, message in example_messages():
        data = wire.serialize(message)
        entries.append({"topic": f"{wire.root(FLEET)}dev/{DEVICE}/{kind}", "label": f"skink/1/{kind}", "title": title,
                        "message": message.kind_of_message, "fields": fields_of(message), "bytes": data.hex(),
                        "code": wire.code(key, kind, DEVICE, data).hex()})
    return {"master_key": MASTER.hex(), "keys": keys, "device_id": DEVICE, "device_key": key.hex(), "messages": entries}


# ------------------------------------------------------------------------------ arithmetic.md: 3, 4, 5, 7, 10 and 9

def random():
    addresses = [(0, 0, 0, 0), (4, 12, 3, 5), (6, 2 ** 32 - 1, 7, 1), (11, 500, 2 ** 32 - 1, 2)]
    blocks = [{"seed": seed, "purpose": purpose, "round": t, "device": k, "block": b,
               "words": words(Bits(seed).block(purpose, t, k, b))}
              for seed in (0, SEED, 2 ** 63 - 1) for purpose, t, k, b in addresses]
    K = BITS.block(6, 9, 2, 0)
    permutations = [{"n": n, "K": words(K), "elements": [reference.permute(i, n, K) for i in range(n)]}
                    for n in (1, 2, 3, 8, 20, 33)]
    orders = [{"seed": SEED, "round": 3, "device": 5, "pass": p, "samples": 10,
               "order": [reference.permute(i, 10, BITS.block(reference.ORDER, 3, 5, p)) for i in range(10)]}
              for p in range(3)]
    uniform = [{"word": f"{w:08x}", "u": bits_of(reference.uniform(w)),
                "between -5 and 5": bits_of(reference.between(w, F(-5), F(5)))}
               for w in (0, 255, 256, 0x80000000, 0xFFFFFFFF, 0x12345678)]
    return {"philox": blocks, "uniform": uniform, "permute": permutations, "sample_order": orders}


def elementary():
    around = [-2 ** 20, -100, -88.5, -87, -12.25, -3, -1, -0.625, -0.5, -1e-3, -1e-30, 0, 1e-42, 1e-38, 1e-30, 1e-3, 0.1,
              0.5, 0.624, 0.625, 0.70710677, 0.75, 1, 1.5707964, 2, 3.1415927, 10, 87.5, 88, 100, 8192, 8193, 3e38]
    x = np.array(around, F)
    return {"x": bits_of(x), **{name: bits_of(getattr(reference, name)(x)) for name in ("exp", "log", "tanh", "sin", "cos")}}


def learning():
    """A device's work for one task, and the model after all rounds of the experiment."""
    experiment = tomllib.loads(EXPERIMENT.read_text())
    run = reference.Run(experiment, None)
    phi = reference.initialize(run.network, run.model["layers"], run.bits)
    t, k, hashes = 0, 1, []
    support, _ = run.samples(t, k)
    w = reference.adapt(run.network, phi, support, run.bits, reference.ORDER, t, k, run.meta["passes"],
                        run.meta["batch_size"], F(run.meta["inner_learning_rate"]))
    final = run.train(lambda _, digest: hashes.append(digest))
    file = run.network.model_file(phi)
    model = {"file": file.hex(), "bytes": len(file), "model_sha256": file[-32:].hex(), "parameters": bits_of(phi),
             "parameter_count": run.network.parameters,
             "layers": [file[32 + 12 * i:44 + 12 * i].hex() for i in range(len(run.network.layers))]}
    return {"experiment": EXPERIMENT.read_text(), "initial_model": model,
            "task": {"round": t, "device_index": k, "support_inputs": bits_of([s[0].ravel()[0] for s in support]),
                     "support_targets": bits_of([s[1][0] for s in support])},
            "adapted": bits_of(w), "change": bits_of((w - phi)[run.network.trainable]),
            "model_sha256_after_rounds": hashes, "evaluation": run.evaluate(final)}


# ------------------------------------------------------------------------------------------ codec.md: codecs, chains

SMALL, LARGE = "5 7:3,3:1", "16 13:3,4:3"                               # inputs, then units:trained of dense layers
SIZES = {SMALL: [35, 7, 21], LARGE: [208, 13, 52, 4]}


def level_names(block):
    return [quantizer + block + nearest + range_ for quantizer in ("int8", "int4", "ternary")
            for nearest in ("", ":nearest") for range_ in ("", "+range")]


SPARSE = ["topk:0.1+float32", "topk:0.5+float32", "topk:1+ternary", "topk:0.05+ternary+range", "topk:0.25+ternary"]
SPARSE += [f"topk:0.25+{name}" for name in level_names("") if name.startswith("int")]
BLOCKS = [name for name in level_names(":block") if "range" not in name or "nearest" in name]
EDEN = ["eden:1", "eden:2", "eden:3", "eden:4", "eden:1+ef", "eden:2+ef"]
CODECS = [*((name, SMALL) for name in ["float32", "sign", *level_names(""), *SPARSE]),
          *((name, LARGE) for name in ["sign:block", *BLOCKS, *EDEN])]


def changes():
    small = sum(SIZES[SMALL])
    sparse = numbers(3, small, 1)
    sparse[np.arange(small) % 9 != 4] = F(0)
    pairs = numbers(4, small)
    pairs[np.arange(small) % 4 % 3 != 0] *= F(2.0 ** -10)               # places 0, 3, 4, 7, 8, ...: shorter as a bitmap
    cluster = numbers(5, sum(SIZES[LARGE]))
    cluster[np.arange(len(cluster)) // 30 != 4] = F(0)
    return {"even": (SMALL, numbers(1, small)), "pairs": (SMALL, pairs), "sparse": (SMALL, sparse),
            "zero": (SMALL, np.zeros(small, F)),
            "long": (LARGE, numbers(2, sum(SIZES[LARGE]), 3)), "cluster": (LARGE, cluster)}


def codec_cases():
    for name, network in CODECS:
        kinds = ["long"] if network == LARGE else ["even"]
        if "+range" in name and network == SMALL:
            kinds.append("sparse")
        if name in ("int8", "sign", "topk:0.25+ternary", "ternary+range"):
            kinds.append("zero")
        yield from ((name, kind) for kind in kinds)
    for name in ("topk:0.48+ternary", "topk:0.48+int4:nearest", "topk:0.48+ternary+range", "topk:0.48+float32"):
        yield name, "pairs"
    yield "topk:0.1+ternary+range", "cluster"
    yield "topk:0.1+int4+range", "cluster"


def encodings():
    available, key = changes(), {"seed": SEED, "round": 3, "device_index": 5}
    entries = []
    for name, kind in codec_cases():
        network, x = available[kind]
        chosen, random_ = codecs.parse(name), codecs.Random(BITS, key["round"], key["device_index"])
        data = codecs.encode(chosen, x, SIZES[network], random_)
        y = codecs.decode(chosen, data, SIZES[network], random_)
        entries.append({"codec": name, "change": kind, "encoded": data.hex(), "decoded": bits_of(y)})
    names = ["int8+ef+range", "INT8", "int8 ", "eden:5", "topk:0.10+int8", "topk:0+int8", "topk:0.1+sign", "float32+ef",
             "topk:0.1+int8:block", "", "int2"]
    return {**key, "tensor_sizes": {kind: SIZES[network] for kind, (network, _) in available.items()},
            "changes": {kind: bits_of(x) for kind, (_, x) in available.items()}, "encodings": entries,
            "no_codec_names": names}


def chain():
    """Two patches with error feedback, from the initial model of learning()."""
    run = reference.Run(tomllib.loads(EXPERIMENT.read_text()), None)
    phi = reference.initialize(run.network, run.model["layers"], run.bits)
    base, name, first, patches, models = phi, "topk:0.25+int8+ef", 4, [], []
    residual = np.zeros(len(run.network.trainable), F)
    for t in (first, first + 1):
        x = numbers(10 + t, len(residual)) + residual
        random_ = codecs.Random(run.bits, t, 0xFFFFFFFF)
        patches.append(codecs.encode(codecs.parse(name), x, run.network.trainable_sizes, random_))
        y = codecs.decode(codecs.parse(name), patches[-1], run.network.trainable_sizes, random_)
        residual, phi = x - y, phi.copy()
        phi[run.network.trainable] = phi[run.network.trainable] + y
        phi = reference.without_minus_zero(phi)
        models.append({"round": t, "step": bits_of(x), "patch": patches[-1].hex(), "parameters": bits_of(phi),
                       "model_sha256": run.network.model_hash(phi)})
    data = wire.patch_chain(name, first, patches)
    digest = bytes.fromhex(models[-1]["model_sha256"])
    return {"seed": run.bits.seed, "codec": name, "base_model_sha256": run.network.model_hash(base), "rounds": models,
            "chain": data.hex(), "parts_of_100_bytes": [part.hex() for part in wire.patch_parts(digest, data, 100)]}


FILES = {"messages.json": messages, "random.json": random, "elementary.json": elementary, "learning.json": learning,
         "codecs.json": encodings, "chain.json": chain}


def main():
    if len(sys.argv) != 3 or sys.argv[1] not in ("--check", "--write"):
        sys.exit(__doc__)
    folder, different = pathlib.Path(sys.argv[2]), []
    for name, make in FILES.items():
        text = json.dumps(make(), indent=1, ensure_ascii=True) + "\n"
        if sys.argv[1] == "--write":
            (folder / name).write_text(text)
        elif (folder / name).read_text() != text:
            different.append(name)
    for name in different:
        print(f"FAILED: {name} is not what {sys.argv[0]} makes")
    print(f"{len(FILES) - len(different)} of {len(FILES)} files of vectors")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
