"""The tool as the coordinator of one device."""

import secrets
import time

import wire
from learner import Refused, left_out
from report import Failed, NotChecked, equal, expect
from wire import KIND, OUTCOME, REFUSAL, VERDICT

QUIET_BEFORE_SAYING = 3                                                 # seconds


class Answer:
    """A whole update: the fields of its first message, its payload, the bytes of every message."""

    def __init__(self, update, payload, messages):
        self.update, self.payload, self.messages = update, payload, messages


class Lead:
    def __init__(self, link, fleet, device_id, key, learner, report, options):
        self.link, self.fleet, self.id, self.key = link, fleet, device_id, key
        self.learner, self.report, self.options = learner, report, options
        self.broker, self.program = None, None                          # the tool's own, if they are that
        self.run, self.round = options.run or int(time.time() * 1000), 0
        self.asked, self.closed = set(), {}                             # triples; when they were over
        self.model = learner.first_model() if learner else None         # the one that the device should have
        self.birth = None                                               # the last one
        self.retained = set()                                           # topics of what the broker keeps
        self.release_key, self.release, self.released = None, 0, None   # who signs; number and model that are kept

    def topic(self, name):
        return f"{wire.root(self.fleet)}dev/{self.id}/{name}"

    def note(self, text):
        self.report.say(f"{'':11} {text}")

    # ---- what the device says

    def receive(self, what, match, seconds=None, or_none=False):
        """The next message that matches. Says what it waits for, once, when that takes long."""
        seconds = self.options.patience if seconds is None else seconds
        message = self.link.take(match, min(seconds, QUIET_BEFORE_SAYING))
        if message is None and seconds > QUIET_BEFORE_SAYING:
            if not or_none:
                self.note(f"waits for {what}, {seconds:.0f} s at most")
            message = self.link.take(match, seconds - QUIET_BEFORE_SAYING)
        if message is None and not or_none:
            raise Failed(f"{what} did not come within {seconds:.0f} s")
        return message

    def opened(self, kind, message):
        try:
            return wire.parse(kind.capitalize(), wire.opened(self.key, kind, self.id, message.payload))
        except wire.WrongCode as error:
            raise Failed(f"a message on {kind} has a wrong code") from error
        except wire.Malformed as error:
            raise Failed(f"a message on {kind} is not a {kind.capitalize()}: {error}") from error

    def take_birth(self, what="the birth", seconds=None, challenge=None):
        end = time.monotonic() + (self.options.patience if seconds is None else seconds)
        while True:
            message = self.receive(what, lambda m: m.topic == self.topic("state") and m.payload,
                                   max(0.1, end - time.monotonic()))
            state = self.opened("state", message)
            self.birth = state
            if challenge is None or state.challenge == challenge:
                return state

    def take_last_will(self, cut):
        """Calls `cut`, and waits for the broker to notice it. What the device said of itself before is dropped."""
        self.link.drop(lambda m: m.topic == self.topic("state"))
        cut()
        self.receive("the last will", lambda m: m.topic == self.topic("state") and not m.payload)
        self.link.drop(lambda m: m.topic == self.topic("state"))

    def challenge(self, key=None):
        """Sends one; gives its number."""
        number = secrets.randbits(64) or 1
        self.send(wire.new("Task", kind=KIND["PRESENCE"], challenge=number), key)
        return number

    def confirm_presence(self):
        """What was sent before is read when this returns: messages of a topic arrive in order."""
        return self.take_birth("an answer to a challenge", challenge=self.challenge())

    def take_update(self, triple, what="an update", seconds=None, or_none=False, match=lambda update: True):
        """The next update message of the triple, and its size; updates of others stay."""
        found = []

        def is_it(message):
            if message.topic != self.topic("update"):
                return False
            update = self.opened("update", message)
            if wire.triple(update) != triple or not match(update):
                return False
            found.append(update)
            return True

        message = self.receive(f"{what} for (run, round, attempt) = {triple}", is_it, seconds, or_none)
        return (found[-1], len(message.payload)) if message else (None, 0)

    def take_answer(self, task, seconds=None):
        """All chunks, in order."""
        triple, messages, payload, count, first = wire.triple(task), [], b"", 1, None
        while len(messages) < count:
            update, size = self.take_update(triple, f"chunk {len(messages)} of an update", seconds)
            if first is None:
                first, count = update, update.chunk_count
            equal("chunk", update.chunk, len(messages))
            equal("offset", update.offset, len(payload))
            for name in ("outcome", "chunk_count", "total_bytes", "uplink", "support_samples", "residual_round"):
                equal(f"{name} of chunk {update.chunk}", getattr(update, name), getattr(first, name))
            payload += update.payload
            limit = min(task.chunk_bytes or wire.CHUNK_BYTES, wire.CHUNK_BYTES)
            expect(len(update.payload) <= limit, f"a chunk has {len(update.payload)} bytes, the task allows {limit}")
            expect(size <= len(update.payload) + 192, f"a message of {size} bytes, {len(update.payload)} of them payload")
            messages.append(wire.serialize(update))
        equal("total_bytes", first.total_bytes, len(payload))
        return Answer(first, payload, messages)

    # ---- what the tool says

    def send(self, task, key=None):
        if key is None:
            self.asked.add(wire.triple(task))
        self.link.publish(self.topic("task"), wire.sealed(key or self.key, "task", self.id, wire.serialize(task)))

    def reply(self, task, verdict="ACCEPTED", reason="NONE", chunk=0, key=None):
        run, round_, attempt = wire.triple(task)
        reply = wire.new("Reply", run=run, round=round_, attempt=attempt, verdict=VERDICT[verdict],
                         reason=REFUSAL[reason], chunk=chunk)
        self.link.publish(self.topic("reply"), wire.sealed(key or self.key, "reply", self.id, wire.serialize(reply)))
        if verdict != "RESEND" and key is None:
            self.closed[wire.triple(task)] = time.monotonic()

    def task(self, model=None, **others):
        """One for a new round, and the model that the device should have, unless others are given."""
        model = model or self.model
        if "round" not in others and "run" not in others:
            self.round += 1
        learner = self.learner
        return wire.new("Task", **{
            "versions": wire.versions(), "run": self.run, "round": self.round, "kind": KIND["ADAPT"],
            "device_index": self.options.device_index, "model_sha256": model.digest, "model_bytes": len(model.file),
            "model_slot": model.slot, "seed": learner.bits.seed, "inner_learning_rate": learner.rate,
            "passes": learner.meta["passes"], "batch_size": learner.batch_size, "uplink": "float32",
            "time_left_ms": 60000, **others})

    def publish_chunks(self, slot, chunks):
        for k, chunk in enumerate(chunks):
            self.retained.add(f"{wire.root(self.fleet)}model/{slot}/{k}")
            self.link.publish(f"{wire.root(self.fleet)}model/{slot}/{k}", chunk, retain=True)

    def publish_model(self, model, chunks=None):
        self.publish_chunks(model.slot, wire.model_chunks(model.file) if chunks is None else chunks)

    def remove_models(self):
        for topic in self.retained:
            self.link.publish(topic, b"", retain=True)
        self.retained = set()

    def close(self):
        """Nothing of the check stays at a broker."""
        if self.link.is_connected:
            self.remove_models()
            self.link.flush(0.5)

    def offer(self, task, model):
        """Publishes the model, sends the task, and gives the answer; the model is then the device's."""
        self.publish_model(model)
        self.send(task)
        answer = self.take_answer(task)
        self.remove_models()
        self.model = model
        return answer

    def publish_patch(self, parts):
        for part in parts:
            self.link.publish(self.topic("patch"), part)

    # ---- what both should agree on

    def adapted(self, task, answer, model=None, residual=None):
        """Checks an answer to ADAPT; gives what was left. Says what was not checked."""
        update = answer.update
        if update.outcome == OUTCOME["REFUSED"]:
            self.reply(task)
            if update.refusal == REFUSAL["DOES_NOT_FIT"]:               # a device may be too small for a codec
                raise NotChecked(f"does not fit: needs {update.needed_bytes} bytes, has {update.available_bytes}")
            raise Failed(f"refused: {wire.name_of(REFUSAL, update.refusal)}")
        equal("outcome", wire.name_of(OUTCOME, update.outcome), "ADAPTED")
        equal("uplink", update.uplink, task.uplink)
        expect(update.support_samples > 0, "support_samples is 0")
        if self.options.own_samples:
            try:
                self.learner.decode(task.uplink, answer.payload, task.round, task.device_index, left_out(task))
            except Refused as reason:
                raise Failed(f"the change does not decode: {reason}") from reason
            return None
        equal("support_samples", update.support_samples, len(self.learner.support(task.round, task.device_index)))
        wanted, left = self.learner.change((model or self.model).phi, task, residual)
        if answer.payload != wanted:
            at = next((i for i, (a, b) in enumerate(zip(answer.payload, wanted)) if a != b), len(wanted))
            raise Failed(f"the encoded change ({len(answer.payload)} bytes) is not that of the reference "
                         f"({len(wanted)} bytes): they differ from byte {at} on")
        return left

    def bits_note(self):
        return "decodes; bits not checked: the device's samples are its own" if self.options.own_samples else \
            "equal to the reference, bit for bit"

    def refused(self, task, reason, key=None):
        """Sends a task that must be refused for this reason."""
        self.send(task, key)
        update, _ = self.take_update(wire.triple(task), f"a refusal ({reason})")
        equal("outcome", wire.name_of(OUTCOME, update.outcome), "REFUSED")
        equal("refusal", wire.name_of(REFUSAL, update.refusal), reason)
        return update

    def refused_model(self, file, digest, reason):
        """Offers a file under a hash; the device must refuse it for this reason."""
        task = self.task(model_sha256=digest, model_bytes=len(file), model_slot=0)
        chunks = [digest[:8] + file[at:at + wire.CHUNK_BYTES] for at in range(0, len(file), wire.CHUNK_BYTES)]
        self.publish_chunks(0, chunks)
        self.refused(task, reason)
        self.remove_models()
        self.reply(task)

    def unasked(self):
        """Triples of updates that nobody asked for, or that came more than a second after the reply."""
        strays = []
        for message in self.link.drop(lambda m: m.topic == self.topic("update")):
            triple = wire.triple(self.opened("update", message))
            late = triple in self.closed and message.at > self.closed[triple] + 1
            if late or triple not in self.asked:
                strays.append(triple)
        return strays

    def need_relay(self):
        if self.broker is None:
            raise NotChecked("the broker is not the tool's own, so it cannot cut the device's connection")
