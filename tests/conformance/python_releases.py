"""The releases of python_device.py, written from docs/protocol.md, section 7: what is announced, what is kept."""

import os
import pathlib

import signing
import wire
from learner import Model, codecs
from wire import REFUSAL, USE

MOST_BYTES = 1_000_000


class Releases:
    def __init__(self, device, pki, fault):
        self.device, self.fault = device, fault
        self.key = signing.ReleaseKey(pki)
        work = os.environ.get("CONFORMANCE_WORK")                        # without it nothing outlives the process
        self.store = pathlib.Path(work) / f"{device.id}.release" if work else None
        self.number, self.model = 0, None
        if self.store and self.store.exists() and fault != "forgets_release":
            data = self.store.read_bytes()
            self.number, self.model = int.from_bytes(data[:4], "little"), self.model_of(data[4:])
        self.announced, self.wanted, self.chunks = None, None, None      # wanted: number, length, SHA-256
        self.refused, self.use = (0, "NONE"), "UNKNOWN"

    def is_taken(self):
        return self.key.public.exists()

    def fields(self):
        """What a birth says."""
        if not self.is_taken():
            return {}
        return {"takes_releases": True, "release": self.number, "release_model": wire.prefix(self.model.digest) if self.model else 0,
                "release_refused": self.refused[0], "release_reason": REFUSAL[self.refused[1]], "release_use": USE[self.use]}

    def model_of(self, file):
        """None: not a model of this network."""
        network = self.device.learner.network
        if len(file) < 32 + 4 * network.parameters:
            return None
        model = Model(network, codecs.np.frombuffer(file[-32 - 4 * network.parameters:-32], "<f4").astype(codecs.F))
        return model if model.file == file else None

    # ---- the announcement

    def receive(self, payload):
        before = self.fields()
        if payload:
            try:
                data = wire.opened(self.device.key, "release", self.device.id, payload)
                self.announce(wire.parse("Release", data))
            except (wire.WrongCode, wire.Malformed):
                return
        else:
            self.stop()
            self.announced, self.wanted, self.refused = None, None, (0, "NONE")
        self.say(before)
        self.pursue()

    def announce(self, message):
        _, number, length, digest = signing.read_manifest(message.header)
        reason = self.refusal(message)
        self.refused = (number, reason) if reason else (0, "NONE")
        wanted = (number, length, digest)
        if not reason and self.announced and (self.wanted, self.announced.slot) == (wanted, message.slot):
            return
        self.stop()
        is_kept = number == self.number and self.model and self.model.digest == message.model_sha256
        self.announced, self.wanted = (None if reason else message), (None if reason or is_kept else wanted)

    def refusal(self, message):
        kind, number, length, _ = signing.read_manifest(message.header)
        try:
            self.key.check(message.header)
        except signing.WrongSignature:
            if self.fault != "any_signature":
                return "WRONG_SIGNATURE"
        if kind != signing.MODEL:
            return "UNUSABLE_MODEL"
        is_kept = number == self.number and self.model and self.model.digest == message.model_sha256
        if (number == 0 or number <= self.number) and not is_kept and self.fault != "older_releases":
            return "OLDER_RELEASE"
        if length > MOST_BYTES:
            return "DOES_NOT_FIT"
        is_sound = message.passes == 0 or (0 < message.inner_learning_rate < float("inf") and message.passes <= 1024
                                           and 1 <= message.batch_size <= 1024)
        return "" if is_sound and message.slot < 2 and wire.is_chunk_size(wire.chunk_size(message)) else "INVALID_TASK"

    def say(self, before):
        """A birth, if it says something else than before."""
        if self.fields() != before:
            self.device.publish_birth()

    # ---- the model

    def topic(self):
        return f"{self.device.root}release/{self.announced.slot}/+"

    def pursue(self):
        """When there is no task."""
        if self.wanted is None or self.chunks is not None or not self.device.is_idle():
            return
        held = self.device.model
        if held and held.digest == self.announced.model_sha256:
            self.take(held.file)
            return
        self.chunks = {}
        self.device.link.client.subscribe(self.topic(), 1)

    def stop(self):
        if self.chunks is not None:
            self.device.link.client.unsubscribe(self.topic())
            self.chunks = None

    def connected(self):
        if self.chunks is not None:
            self.device.link.client.subscribe(self.topic(), 1)

    def receive_chunk(self, k, payload):
        if self.chunks is None or payload[:8] != self.announced.model_sha256[:8]:
            return
        length, size = self.wanted[1], wire.chunk_size(self.announced)
        count = -(-length // size)
        if k < count and len(payload) == 8 + min(size, length - size * k):
            self.chunks[k] = payload[8:]
        if len(self.chunks) == count:
            file = b"".join(self.chunks[k] for k in range(count))
            self.stop()
            self.take(file)

    def take(self, file):
        before, (number, _, digest), self.wanted = self.fields(), self.wanted, None
        model = self.model_of(file)
        if wire.hashlib.sha256(file[:-32]).digest() != self.announced.model_sha256 or (
                wire.hashlib.sha256(file).digest() != digest):
            self.refused = number, "WRONG_MODEL_HASH"
        elif model is None:
            self.refused = number, "UNUSABLE_MODEL"
        else:
            if self.store:
                part = self.store.with_suffix(".part")
                part.write_bytes(number.to_bytes(4, "little") + file)
                part.rename(self.store)
            self.number, self.model, self.use = number, model, "UNKNOWN"
            self.say(before)
            before = self.fields()
            self.judge()
        self.say(before)

    def judge(self):
        asked = self.announced
        if asked.passes == 0:
            self.use = "RELEASED"
            return
        task = wire.new("Task", first_task=asked.first_task, task_count=1, passes=asked.passes, batch_size=asked.batch_size,
                        inner_learning_rate=asked.inner_learning_rate)
        sums = self.device.learner.evaluation(self.model.phi, task)
        is_better = sums.loss_after < sums.loss_before or self.fault == "blind_judgement"
        self.use = "DIVERGED" if sums.diverged_tasks and self.fault != "blind_judgement" else "ADAPTED" if is_better else "WORSE"
