"""The tool as the fleet of a coordinator: devices that do what a check says, and what the models must be."""

import struct
import time

import wire
from learner import Model, left_out, reference
from link import Link
from report import Failed, equal, expect
from wire import KIND, OUTCOME, REFUSAL, VERDICT

CHUNK_BYTES = 200                                                       # the devices' own limit: an update has some chunks


class Played:
    """One device. It answers challenges by itself once it is_there; everything else is left to the checks."""

    def __init__(self, fleet, index, device_id):
        self.fleet, self.index, self.id = fleet, index, device_id
        self.key = wire.device_key(fleet.master, fleet.options.fleet, device_id)
        self.is_there, self.challenges, self.link = False, [], None     # challenges: (when, number)
        self.model, self.had = None, set()                              # had: the triples of its tasks
        self.residual, self.residual_round, self.left = None, 0, None    # left: (round, residual) of the last change

    def topic(self, name):
        return f"{wire.root(self.fleet.options.fleet)}dev/{self.id}/{name}"

    def connect(self):
        topics = [self.topic(name) for name in ("task", "reply", "patch")]
        broker = self.fleet.broker
        tls = broker.tls(f"devices/{self.id}")
        self.link = Link("127.0.0.1", broker.own_port, tls, self.id, topics, will=self.topic("state"))
        self.link.filter = self.take_challenge
        self.link.open()

    def cut(self):
        self.link.close(politely=False)

    def take_challenge(self, message):
        """Challenges with a wrong code are left, so that a check finds them."""
        if message.topic != self.topic("task"):
            return False
        try:
            task = wire.parse("Task", wire.opened(self.key, "task", self.id, message.payload))
        except (wire.WrongCode, wire.Malformed):
            return False
        if task.kind != KIND["PRESENCE"]:
            return False
        self.challenges.append((message.at, task.challenge))
        if self.is_there:
            self.publish_birth(task.challenge)
        return True

    def publish_birth(self, challenge=0, key=None, versions=None):
        model = wire.prefix(self.model.digest) if self.model else 0
        state = wire.new("State", versions=versions or wire.versions(), online=True, firmware="conformance", model=model,
                         arena_bytes=1 << 20, battery_percent=255, challenge=challenge)
        data = wire.sealed(key or self.key, "state", self.id, wire.serialize(state))
        return self.link.publish(self.topic("state"), data, retain=True)

    def appear(self):
        self.is_there = True
        if self.challenges:
            self.publish_birth(self.challenges[-1][1])
        else:
            self.publish_birth()

    # ---- what the coordinator says

    def opened(self, kind, message):
        expect(len(message.payload) < 256, f"a {kind} has {len(message.payload)} bytes")
        try:
            return wire.parse(kind.capitalize(), wire.opened(self.key, kind, self.id, message.payload))
        except wire.WrongCode as error:
            raise Failed(f"a {kind} for {self.id} has a wrong code") from error
        except wire.Malformed as error:
            raise Failed(f"a {kind} for {self.id} is not a message: {error}") from error

    def take_task(self, seconds=None):
        """The next task that it has not had yet, and that is no challenge."""
        while True:
            task = self.take("task", "a task", seconds)
            if wire.triple(task) not in self.had:
                self.had.add(wire.triple(task))
                return task

    def take_repeat(self, task, seconds=None):
        """The same task again."""
        again = self.take("task", "the same task", seconds)
        equal("(run, round, attempt) of the repeated task", wire.triple(again), wire.triple(task))
        return again

    def take_reply(self, task, verdict, reason=("NONE",), chunk=0):
        reply = self.take("reply", f"a reply ({verdict})")
        equal("(run, round, attempt) of the reply", wire.triple(reply), wire.triple(task))
        equal("verdict", wire.name_of(VERDICT, reply.verdict), verdict)
        got = wire.name_of(REFUSAL, reply.reason)
        expect(got in reason, f"reason is {got}, must be {' or '.join(reason)}")
        equal("chunk of the reply", reply.chunk, chunk)

    def take(self, kind, what, seconds=None, or_none=False):
        seconds = self.fleet.options.patience if seconds is None else seconds
        message = self.link.take(lambda m: m.topic == self.topic(kind), min(3, seconds))
        if message is None and seconds > 3:
            self.fleet.note(f"waits for {what} for {self.id}, {seconds:.0f} s at most")
            message = self.link.take(lambda m: m.topic == self.topic(kind), seconds - 3)
        if message is None:
            expect(or_none, f"{what} for {self.id} did not come within {seconds:.0f} s")
            return None
        return self.opened(kind, message)

    def expect_silence(self, kind="reply", seconds=1):
        message = self.take(kind, f"a {kind}", seconds, or_none=True)
        expect(message is None, f"a {kind} came for {self.id}, where none may come: {message}")

    # ---- what it sends

    def send(self, task, key=None, **fields):
        update = wire.new("Update", **{"run": task.run, "round": task.round, "attempt": task.attempt, "chunk_count": 1,
                                       **fields})
        self.link.publish(self.topic("update"), wire.sealed(key or self.key, "update", self.id, wire.serialize(update)))

    def send_bytes(self, data):
        """With a right code."""
        self.link.publish(self.topic("update"), wire.sealed(self.key, "update", self.id, data))

    def work(self, task):
        """The fields of all chunks of what the task asks for; what is decoded of it is kept for taken()."""
        support, query = self.fleet.learner.samples(task.round, task.device_index)
        if self.left and self.left[0] + 1 == task.accepted_round:
            self.residual, self.residual_round = self.left[1], task.accepted_round
        x, residual_round = self.fleet.learner.adapted(self.fleet.model.phi, task, support, query), 0
        if task.accepted_round and task.accepted_round == self.residual_round:
            x, residual_round = x + self.residual, task.accepted_round
        data = self.fleet.learner.encode(task.uplink, x, task.round, task.device_index, left_out(task))
        self.decoded = self.fleet.learner.decode(task.uplink, data, task.round, task.device_index, left_out(task))
        self.left = task.round, x - self.decoded
        return cut(task, data, support_samples=len(support), residual_round=residual_round)

    def do(self, task, **others):
        """All of it, and the reply."""
        for chunk in self.work(task):
            self.send(task, **{**chunk, **others})
        self.take_reply(task, "ACCEPTED")
        self.taken(task)

    def taken(self, task):
        self.model = self.fleet.model
        self.fleet.changes.append(self.decoded)
        self.fleet.accepted[self.index] = task.round + 1


def cut(task, data, **fields):
    size = min(task.chunk_bytes or CHUNK_BYTES, CHUNK_BYTES)
    count = -(-len(data) // size)
    return [{"outcome": OUTCOME["ADAPTED"], "chunk": k, "chunk_count": count, "offset": k * size, "total_bytes": len(data),
             "uplink": task.uplink, "payload": data[k * size:(k + 1) * size], **fields} for k in range(count)]


class Fleet:
    def __init__(self, broker, learner, report, options):
        self.broker, self.learner, self.report, self.options, self.program = broker, learner, report, options, None
        self.master = bytes.fromhex((broker.pki / "master.key").read_text().strip())
        table = learner.experiment["fleet"]
        self.settings, count = table, table["devices"]
        ids = sorted(f"device-{i:03}" for i in range(count))
        self.devices = [Played(self, index, device_id) for index, device_id in enumerate(ids)]
        self.training = reference.training_devices(learner.bits, count, table.get("held_out", 0))
        self.held_out = [k for k in range(count) if k not in self.training]
        self.observer = Played(self, count, f"device-{count:03}")       # has a certificate, and is not in the roster
        self.rounds = learner.meta["rounds"]
        self.run, self.round, self.model = None, 0, learner.first_model()
        self.changes, self.accepted, self.order = [], {}, self.order_of(0)   # accepted: by device, its round + 1
        self.asked, self.open = self.learner.meta["cohort"], {}          # asked: so many of the order; open tasks by slot
        for device in [*self.devices, self.observer]:
            device.connect()

    def note(self, text):
        self.report.say(f"{'':11} {text}")

    def order_of(self, t):
        """Who is asked in round t: the cohort, then who replaces, in turn."""
        block, n = self.learner.bits.block(reference.COHORT, t, 0, 0), len(self.training)
        return [self.devices[self.training[reference.permute(j, n, block)]] for j in range(n)]

    def take_tasks(self):
        """Of the cohort: (device, task) by slot."""
        self.asked = self.learner.meta["cohort"]
        self.open = {slot: (device, self.take_task(device)) for slot, device in enumerate(self.order[:self.asked])}
        return self.open

    def replaced(self, slot, seconds=None):
        """The task of who must get the slot now."""
        device, self.asked = self.order[self.asked], self.asked + 1
        self.open[slot] = device, self.take_task(device, self.open[slot][1].attempt + 1, seconds)
        return self.open[slot]

    def finish(self, slot):
        device, task = self.open.pop(slot)
        device.do(task)

    def finish_round(self):
        """Everybody who is asked answers; then comes the next round."""
        for slot in list(self.open):
            self.finish(slot)
        self.next_round()

    def next_round(self):
        """The model after the round, as the document has it."""
        before, t = self.model.phi, self.round
        phi = self.learner.run.stepped(before, [(x, 1) for x in self.changes], t)
        self.round, self.changes = t + 1, []
        self.model = Model(self.learner.network, phi, slot=(t + 1) % 2)
        self.order = self.order_of(t + 1)

    def retained_model(self, slot, seconds=5):
        """The chunks that the broker keeps: {k: bytes}."""
        topic, count = f"{wire.root(self.options.fleet)}model/{slot}/", len(wire.model_chunks(self.model.file, self.chunk_bytes))
        self.observer.link.drop(lambda m: m.topic.startswith(topic))
        self.observer.link.resubscribe(topic + "+")
        found, end = {}, time.monotonic() + seconds
        while len(found) < count and time.monotonic() < end:
            message = self.observer.link.take(lambda m: m.topic.startswith(topic) and m.payload, 0.2)
            if message:
                expect(message.retained, f"{message.topic} came, and is not retained")
                found[int(message.topic[len(topic):])] = message.payload
        self.observer.link.client.unsubscribe(topic + "+")
        return found

    def check_task(self, device, task, attempt=0):
        """What every ADAPT task of the round must say."""
        self.run = self.run or task.run
        expect(wire.same_versions(task.versions), f"versions are {task.versions}")
        for name, wanted in (("run", self.run), ("round", self.round), ("attempt", attempt), ("kind", KIND["ADAPT"]),
                             ("device_index", device.index), ("model_sha256", self.model.digest),
                             ("model_bytes", len(self.model.file)), ("model_slot", self.model.slot),
                             ("seed", self.learner.bits.seed), ("passes", self.learner.meta["passes"]),
                             ("batch_size", self.learner.batch_size), ("uplink", self.learner.uplink),
                             ("inner_learning_rate", self.learner.rate),
                             ("accepted_round", self.accepted.get(device.index, 0))):
            equal(f"{name} of the task for {device.id}", getattr(task, name), wanted)
        self.chunk_bytes = wire.chunk_size(task)
        expect(wire.is_chunk_size(self.chunk_bytes), f"model_chunk_bytes is {task.model_chunk_bytes}")
        expect(0 < task.time_left_ms <= self.settings["deadline_ms"], f"time_left_ms is {task.time_left_ms}")

    def take_task(self, device, attempt=0, seconds=None):
        """One that is new to the device, with the right fields."""
        task = device.take_task(seconds)
        self.check_task(device, task, attempt)
        return task

    def take_chain(self, device, task):
        """The chain of patches that follows a task, and the parameters that it leads to."""
        chain = b""
        while len(chain) < task.patch_bytes:
            part = device.link.take(lambda m: m.topic == device.topic("patch"), self.options.patience)
            expect(part is not None, f"the chain for {device.id} ended after {len(chain)} of {task.patch_bytes} bytes")
            expect(len(part.payload) <= 4096, f"a part of {len(part.payload)} bytes")
            equal("head of a part", part.payload[:8], task.model_sha256[:8])
            equal("place of a part", struct.unpack("<I", part.payload[8:12])[0], len(chain))
            chain += part.payload[12:]
        equal("length of the chain", len(chain), task.patch_bytes)
        return self.learner.follow_chain(device.model.phi, chain)

    def others(self):
        """Who is not asked in this round."""
        return [device for device in self.devices if device not in self.order[:self.asked]]

    def close(self):
        for device in [*self.devices, self.observer]:
            if device.link:
                device.link.close()
