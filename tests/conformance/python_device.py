#!/usr/bin/env python3
"""A device in Python, written from docs/protocol.md, that scripts/conformance starts: without a fault it must pass every
check, with one the right check must fail (faults_test.py).

    python_device.py [FAULT]           CONFORMANCE_... variables say who and where it is
"""

import os
import pathlib
import random
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts/lib/conformance"))

import wire  # noqa: E402
from learner import F, Learner, Model, Refused, codecs, left_out  # noqa: E402
from link import Link  # noqa: E402
from python_releases import Releases  # noqa: E402
from wire import KIND, OUTCOME, REFUSAL, VERDICT  # noqa: E402

FAULTS = ("wrong_code", "not_retained", "stale_challenge", "believes_all", "no_versions", "any_codec", "wrong_bits",
          "adapts_again", "resends_all", "forgets_result", "asks_never", "talks_on", "no_residual", "keeps_residual",
          "no_fallback", "any_model", "no_will", "no_kept_model", "no_task_in_birth", "lower_rounds", "any_signature", "older_releases",
          "forgets_release", "blind_judgement", "no_scope")
SLOT_BYTES, CHUNK_BYTES = 100_000, 1024


class Device:
    def __init__(self, fault=""):
        self.fault = fault
        value = {name: os.environ[f"CONFORMANCE_{name}"] for name in ("HOST", "PORT", "PKI", "FLEET", "ID", "EXPERIMENT")}
        self.id, self.root = value["ID"], wire.root(value["FLEET"])
        folder = pathlib.Path(value["PKI"]) / "devices" / self.id
        self.key = bytes.fromhex((folder / "hmac.key").read_text())
        self.learner = Learner(value["EXPERIMENT"])
        will = None if fault == "no_will" else self.topic("state")
        tls = str(pathlib.Path(value["PKI"]) / "ca.pem"), str(folder / "cert.pem"), str(folder / "key.pem")
        self.link = Link(value["HOST"], int(value["PORT"]), tls, self.id,
                         [self.topic(name) for name in ("task", "reply", "patch", "release")], will)
        self.link.client.max_inflight_messages_set(1)                   # one chunk is in flight
        self.task, self.model, self.challenge = None, None, 0
        self.chunks, self.sent, self.is_over, self.pause, self.wake = [], 0, False, 4, None
        self.download, self.chain, self.deadline, self.repeated = None, None, 0, 0
        self.residual, self.residual_round, self.left = None, 0, None    # left: (run, round, residual) of the last change
        self.releases = Releases(self, value["PKI"], fault)

    def topic(self, name):
        return f"{self.root}dev/{self.id}/{name}"

    def run(self):
        self.link.open(30)
        connections = 0
        while True:
            message = self.link.take(lambda m: True, 0.05)
            if self.link.connections != connections:                    # the birth comes before what the message asks for
                connections = self.link.connections
                self.connected()
            if message:
                self.receive(message)
            if self.wake and time.monotonic() > self.wake:
                self.remind()
            self.releases.pursue()

    def is_idle(self):
        """No task is downloaded, worked on or sent."""
        return self.task is None or self.is_over or self.wake is None

    def connected(self):
        self.challenge = self.challenge if self.fault == "stale_challenge" else 0
        self.publish_birth()
        if self.download is not None:
            self.link.client.subscribe(f"{self.root}model/{self.task.model_slot}/+", 1)
        self.releases.connected()
        if self.chunks and not self.is_over:
            self.send_from(len(self.chunks) - 1)

    def publish_birth(self):
        state = wire.new("State", versions=wire.versions(), online=True, firmware="python device", arena_bytes=SLOT_BYTES,
                         battery_percent=255, model=wire.prefix(self.model.digest) if self.model else 0,
                         challenge=self.challenge, run=self.task.run if self.task else 0,
                         round=self.task.round if self.task and self.fault != "no_task_in_birth" else 0,
                         **self.releases.fields())
        key = bytes(32) if self.fault == "wrong_code" else self.key
        data = wire.sealed(key, "state", self.id, wire.serialize(state))
        self.link.publish(self.topic("state"), data, retain=self.fault != "not_retained")

    def receive(self, message):
        kind = message.topic.rsplit("/", 1)[1]
        if message.topic.startswith(f"{self.root}model/"):
            self.receive_chunk(int(kind), message.payload)
        elif message.topic.startswith(f"{self.root}release/"):
            self.releases.receive_chunk(int(kind), message.payload)
        elif kind == "release":
            self.releases.receive(message.payload)
        elif kind == "patch":
            self.receive_patch(message.payload)
        else:
            try:
                data = wire.opened(self.key, kind, self.id, message.payload)
            except wire.WrongCode:
                if self.fault != "believes_all":
                    return
                data = message.payload[:-wire.CODE_BYTES]
            (self.receive_task if kind == "task" else self.receive_reply)(wire.parse(kind.capitalize(), data))

    # ---- tasks

    def receive_task(self, task):
        if task.kind == KIND["PRESENCE"]:
            self.challenge = task.challenge
            self.publish_birth()
        elif self.task and wire.triple(task) == wire.triple(self.task) and (
                wire.chunk_size(task) == wire.chunk_size(self.task)):
            self.repeat(task)
        elif reason := self.refusal(task):
            self.publish_update(wire.triple(task), outcome="REFUSED", refusal=REFUSAL[reason], repeated_model_bytes=0)
        else:
            self.begin(task)

    def repeat(self, task):
        self.deadline = time.monotonic() + task.time_left_ms / 1000
        if self.fault == "adapts_again":
            self.begin(task)
        elif self.chunks and not (self.is_over and self.fault == "forgets_result"):
            self.is_over = False
            self.send_from(len(self.chunks) - 1)

    def refusal(self, task):
        if not wire.same_versions(task.versions) and self.fault != "no_versions":
            return "VERSION_MISMATCH"
        if self.task and task.run < self.task.run:
            return "ANOTHER_RUN"
        if self.task and wire.triple(task) < wire.triple(self.task) and self.fault != "lower_rounds":
            return "LOWER_ROUND"
        if task.kind == KIND["ADAPT"] and self.fault != "any_codec":
            try:
                codecs.parse(task.uplink)
            except Refused:
                return "UNKNOWN_CODEC"
        is_known = task.kind == KIND["EVALUATE"] or (task.kind == KIND["ADAPT"] and task.change in (0, 1))
        return "" if is_known and task.model_bytes and wire.is_chunk_size(wire.chunk_size(task)) else "INVALID_TASK"

    def begin(self, task):
        self.releases.stop()                                            # the task goes first
        if self.left and (self.left[0], self.left[1] + 1) == (task.run, task.accepted_round) or (
                self.left and self.fault == "keeps_residual"):
            self.residual, self.residual_round = self.left[2], task.accepted_round
        self.left = None
        self.task, self.chunks, self.is_over, self.pause, self.wake = task, [], False, 4, None
        self.download, self.chain, self.repeated = None, None, 0
        self.deadline = time.monotonic() + task.time_left_ms / 1000
        if self.model and self.model.digest == task.model_sha256 and self.fault != "no_kept_model":
            self.work()
        elif task.model_bytes > SLOT_BYTES:
            self.refuse("DOES_NOT_FIT", needed_bytes=task.model_bytes, available_bytes=SLOT_BYTES)
        elif task.patch_bytes and self.model and wire.prefix(self.model.digest) == task.patch_base:
            self.chain = b""
            self.arm()
        else:
            self.fetch()

    # ---- the model

    def fetch(self):
        self.chain, self.download = None, {}
        self.link.client.subscribe(f"{self.root}model/{self.task.model_slot}/+", 1)
        self.arm()

    def receive_chunk(self, k, payload):
        size = wire.chunk_size(self.task)
        count = -(-self.task.model_bytes // size)
        length = min(size, self.task.model_bytes - size * k)
        if k < count and payload[:8] == self.task.model_sha256[:8] and not self.chunks and (
                self.task.patch_bytes or self.download is None or k in self.download):
            self.repeated += len(payload)
        if self.download is None or payload[:8] != self.task.model_sha256[:8] or len(payload) != 8 + length or k >= count:
            return
        self.download[k] = payload[8:]
        if len(self.download) == count:
            file, self.download = b"".join(self.download[k] for k in range(count)), None
            self.link.client.unsubscribe(f"{self.root}model/{self.task.model_slot}/+")
            self.take_file(file)

    def take_file(self, file):
        digest = wire.hashlib.sha256(file[:-32]).digest()
        if digest != self.task.model_sha256 and self.fault != "any_model":
            self.refuse("WRONG_MODEL_HASH")
            return
        network = self.learner.network
        parameters = codecs.np.frombuffer(file[-32 - 4 * network.parameters:-32], "<f4").astype(codecs.F)
        model = Model(network, parameters)
        if model.file[:-32] != file[:-32]:
            self.refuse("UNUSABLE_MODEL")
            return
        self.model = model
        self.work()

    def receive_patch(self, part):
        if self.chain is None or part[:8] != self.task.model_sha256[:8]:
            return
        at = int.from_bytes(part[8:12], "little")
        if at > len(self.chain):
            return
        self.chain += part[12 + len(self.chain) - at:]
        self.arm()
        if len(self.chain) < self.task.patch_bytes:
            return
        chain, self.chain = self.chain, None
        try:
            model = Model(self.learner.network, self.learner.follow_chain(self.model.phi, chain))
        except (wire.Malformed, Refused):
            model = None
        if model and (model.digest == self.task.model_sha256 or self.fault == "no_fallback"):
            self.model = model
            self.work()
        else:
            self.fetch()

    # ---- work

    def work(self):
        task, self.wake = self.task, None
        if self.fault == "no_scope" and task.change == 0 and task.frozen != 0xffffffff:
            task.frozen = 0
        if not (0 < task.inner_learning_rate < float("inf") and task.passes <= 1024 and 1 <= task.batch_size <= 1024
                and (task.kind == KIND["ADAPT"] or task.task_count) and self.is_pull(task)
                and self.learner.network.without(task.frozen)):
            self.refuse("INVALID_TASK")
        elif task.kind == KIND["EVALUATE"]:
            self.finish("EVALUATED", evaluation=self.learner.evaluation(self.model.phi, task))
        else:
            self.adapt(task)

    @staticmethod
    def is_pull(task):
        return task.kind == KIND["EVALUATE"] or (task.proximal >= 0 and F(task.inner_learning_rate) * F(task.proximal) < 1)

    def adapt(self, task):
        support, query = self.learner.samples(task.round, task.device_index)
        x, residual_round = self.learner.adapted(self.model.phi, task, support, query), 0
        if x is None:
            self.finish("DIVERGED")
            return
        ef = codecs.parse(task.uplink).ef
        if ef and task.accepted_round and task.accepted_round == self.residual_round and self.fault != "no_residual":
            x, residual_round = x + self.residual, task.accepted_round
        data = bytearray(self.learner.encode(task.uplink, x, task.round, task.device_index, left_out(task)))
        if ef:
            decoded = self.learner.decode(task.uplink, bytes(data), task.round, task.device_index, left_out(task))
            self.left = task.run, task.round, x - decoded
        if self.fault == "wrong_bits":
            data[len(data) // 2] ^= 1
        size = min(task.chunk_bytes or CHUNK_BYTES, CHUNK_BYTES)
        count = -(-len(data) // size)
        self.chunks = [dict(outcome="ADAPTED", chunk=k, chunk_count=count, offset=k * size, total_bytes=len(data),
                            uplink=task.uplink, support_samples=len(support), residual_round=residual_round,
                            payload=bytes(data[k * size:(k + 1) * size])) for k in range(count)]
        self.send_from(0)

    def finish(self, outcome, **fields):
        self.chunks = [dict(outcome=outcome, chunk_count=1, **fields)]
        self.send_from(0)

    def refuse(self, reason, **fields):
        self.finish("REFUSED", refusal=REFUSAL[reason], **fields)

    # ---- the upload

    def publish_update(self, triple, outcome, **fields):
        update = wire.new("Update", **{"run": triple[0], "round": triple[1], "attempt": triple[2], "chunk_count": 1,
                                       "outcome": OUTCOME[outcome], "repeated_model_bytes": self.repeated,
                                       **fields})
        self.link.publish(self.topic("update"), wire.sealed(self.key, "update", self.id, wire.serialize(update)))

    def send_from(self, first):
        for chunk in self.chunks[first:]:
            self.publish_update(wire.triple(self.task), **chunk)
        self.arm()

    def receive_reply(self, reply):
        if not self.task or wire.triple(reply) != wire.triple(self.task) or not self.chunks:
            return
        if reply.verdict == VERDICT["RESEND"]:
            self.send_from(0 if self.fault == "resends_all" else reply.chunk)
        elif reply.verdict in (VERDICT["ACCEPTED"], VERDICT["REFUSED"]) and self.fault != "talks_on":
            self.is_over, self.wake = True, None

    def arm(self):
        self.wake = time.monotonic() + self.pause * random.uniform(1, 1.25)

    def remind(self):
        self.wake = None
        if time.monotonic() > self.deadline:
            return
        self.pause = min(2 * self.pause, 60)
        if self.chain is not None:
            self.fetch()
        elif self.download is not None:
            self.link.client.subscribe(f"{self.root}model/{self.task.model_slot}/+", 1)
            self.arm()
        elif self.chunks and self.fault != "asks_never":
            self.send_from(len(self.chunks) - 1)


if __name__ == "__main__":
    chosen = sys.argv[1] if len(sys.argv) > 1 else ""
    if chosen and chosen not in FAULTS:
        sys.exit(f"no such fault: {chosen}")
    Device(chosen).run()
