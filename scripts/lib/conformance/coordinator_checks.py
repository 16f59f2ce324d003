"""What a coordinator must do: presence, tasks, models, replies. The checks are one run, in this order."""

import time

import numpy as np

import wire
from report import NotChecked, check_list, equal, expect
from wire import KIND, OUTCOME

CHECKS, check = check_list()
WRONG_KEY = bytes(32)


# ------------------------------------------------------------------------------------------------------- Presence

@check("challenge", "protocol.md 2", "a task of kind PRESENCE whose `challenge` was never used before")
def challenge(fleet):
    first = fleet.devices[-1]
    first.publish_birth()
    fleet.note(f"waits for a challenge to {first.id}, {fleet.options.wait:.0f} s at most")
    came = first.link.wait(lambda: first.challenges or first.link.inbox, fleet.options.wait)
    expect(came, f"no challenge came for {first.id}, which has published a birth")
    expect(first.challenges, f"the first message for {first.id} is no challenge with a right code")
    expect(first.challenges[0][1] != 0, "the challenge is 0")


@check("birth_wrong_code", "protocol.md 4.1", "A birth with a wrong code is counted", needs="challenge")
def birth_wrong_code(fleet):
    forged, old = fleet.devices[0], fleet.devices[1]
    forged.publish_birth(key=WRONG_KEY)
    old.publish_birth(versions=wire.versions(protocol=wire.PROTOCOL - 1))
    time.sleep(1.5)
    expect(not forged.challenges, "a birth with a wrong code was answered")
    expect(not old.challenges, "a birth of another protocol version was answered")


@check("challenge_repeated", "protocol.md 6", "a challenge stays unanswered | 5 s", needs="challenge")
def challenge_repeated(fleet):
    first = fleet.devices[-1]
    begin = first.challenges[0][0]
    expect(first.link.wait(lambda: len(first.challenges) > 1, begin + 8 - time.monotonic()),
           "no second challenge within 8 s")
    waited = first.challenges[1][0] - begin
    expect(waited > 4, f"it came after {waited:.1f} s")
    return f"after {waited:.1f} s"


@check("challenge_answered", "protocol.md 2",
       "a coordinator takes a device to be there\nonly after it has answered a challenge",
       needs="challenge_repeated")
def challenge_answered(fleet):
    first = fleet.devices[-1]
    for device in fleet.devices[:-1]:
        device.appear()
    for device in fleet.devices[:-1]:
        expect(device.link.wait(lambda device=device: device.challenges, fleet.options.patience),
               f"no challenge came for {device.id}")
    first.publish_birth(first.challenges[-1][1] ^ 1)
    time.sleep(1.5)
    for device in fleet.devices:
        expect(not device.link.inbox, f"a task for {device.id}, though {first.id} has not answered its challenge")
    numbers = [{number for _, number in device.challenges} for device in fleet.devices]
    equal("numbers that two devices got", sum(map(len, numbers)) - len(set().union(*numbers)), 0)
    first.appear()


# ----------------------------------------------------------------------------------------- Evaluation, first round

def take_evaluation(fleet):
    device = fleet.devices[fleet.held_out[0]]
    task = device.take_task()
    fleet.run = fleet.run or task.run
    table = fleet.learner.experiment["evaluation"]
    for name, wanted in (("run", fleet.run), ("round", fleet.round), ("kind", KIND["EVALUATE"]), ("first_task", 0),
                         ("task_count", table["final_tasks" if fleet.round else "tasks"]),
                         ("model_sha256", fleet.model.digest), ("passes", table.get("passes", fleet.learner.meta["passes"])),
                         ("seed", fleet.learner.bits.seed), ("batch_size", table.get("batch_size", 1))):
        equal(f"{name} of the evaluation's task", getattr(task, name), wanted)
    return device, task


@check("evaluation_malformed", "protocol.md 4.6",
       "sends a report that its task cannot give (REFUSED,\n   MALFORMED)", needs="challenge_answered")
def evaluation_malformed(fleet):
    """The evaluation before the first round; more tasks are said to have diverged than there are."""
    device, task = take_evaluation(fleet)
    sums = fleet.learner.evaluation(fleet.model.phi, task)
    sums.diverged_tasks = task.task_count + 1
    device.send(task, outcome=OUTCOME["EVALUATED"], evaluation=sums)
    device.take_reply(task, "REFUSED", ["MALFORMED"])


@check("tasks", "protocol.md 4.2", "publish the model's chunks, then a task for each slot", needs="evaluation_malformed")
def tasks(fleet):
    """Of the right devices, with every field as the experiment has it."""
    fleet.take_tasks()
    for device in fleet.others():
        device.expect_silence("task", 0.2)
    return ", ".join(device.id for device, _ in fleet.open.values())


def check_chunks(fleet):
    wanted = dict(enumerate(wire.model_chunks(fleet.model.file, fleet.chunk_bytes)))
    got = fleet.retained_model(fleet.model.slot)
    equal("chunks that the broker keeps", sorted(got), sorted(wanted))
    for k, chunk in wanted.items():
        expect(got[k] == chunk, f"chunk {k} of the model in slot {fleet.model.slot} has other bytes than the reference's")


@check("model_chunks", "protocol.md 1", "the first 8 bytes of the hash of a model, then bytes", needs="tasks")
def model_chunks(fleet):
    check_chunks(fleet)
    return f"{len(wire.model_chunks(fleet.model.file, fleet.chunk_bytes))} chunks of {fleet.chunk_bytes} bytes, retained"


@check("update_wrong_code", "protocol.md 4.3", "Revoked device, unknown device or wrong code: count", needs="tasks")
def update_wrong_code(fleet):
    device, task = fleet.open[0]
    for chunk in device.work(task):
        device.send(task, key=WRONG_KEY, **chunk)
        fleet.observer.send(task, **chunk)
    device.expect_silence()
    fleet.observer.expect_silence(seconds=0.2)


@check("resend", "protocol.md 4.3", "a gap is answered\n   with one RESEND from the first missing chunk", needs="tasks")
def resend(fleet):
    device, task = fleet.open[0]
    chunks = device.work(task)
    device.send(task, **chunks[0])
    device.send(task, **chunks[2])
    device.take_reply(task, "RESEND", chunk=1)
    device.send(task, **chunks[3])
    device.expect_silence()
    device.send(task, **chunks[2])                                      # it came before, behind this gap
    device.take_reply(task, "RESEND", chunk=1)
    device.send(task, **chunks[1])
    device.send(task, **chunks[1])                                      # taken already: ignored
    device.expect_silence(seconds=0.5)
    for chunk in chunks[2:]:
        device.send(task, **chunk)
    device.take_reply(task, "ACCEPTED")
    device.taken(task)
    fleet.last_chunk = chunks[-1]


@check("duplicate", "protocol.md 4.3", "if it is the last one taken from this device\n   ACCEPTED (reason DUPLICATE)",
       needs="resend")
def duplicate(fleet):
    device, task = fleet.open.pop(0)
    device.send(task, **fleet.last_chunk)
    device.take_reply(task, "ACCEPTED", ["DUPLICATE"])


@check("not_expected", "protocol.md 4.3", "otherwise REFUSED with LATE or NOT_EXPECTED", needs="tasks")
def not_expected(fleet):
    device, (_, task) = fleet.order[-1], fleet.open[1]
    device.send(task, outcome=OUTCOME["DIVERGED"])
    device.take_reply(task, "REFUSED", ["LATE", "NOT_EXPECTED"])
    other = wire.new("Task", run=task.run, round=task.round + 3)
    device.send(other, outcome=OUTCOME["DIVERGED"])
    device.take_reply(other, "REFUSED", ["NOT_EXPECTED"])


@check("born_again", "protocol.md 4.2", "and when the device is born again", needs="tasks")
def born_again(fleet):
    device, task = fleet.open[1]
    device.cut()
    device.challenges.clear()
    device.connect()
    device.publish_birth()
    device.take_repeat(task)


@check("round_done", "arithmetic.md", "the SHA-256 of the model after N rounds", needs=("duplicate", "born_again"))
def round_done(fleet):
    """The next tasks name the model that the reference computes."""
    fleet.finish_round()
    fleet.take_tasks()
    return fleet.model.digest.hex()


@check("next_chunks", "protocol.md 4.9", "the chunks of the old model are removed", needs="round_done")
def next_chunks(fleet):
    check_chunks(fleet)
    equal("chunks of the old model", fleet.retained_model(1 - fleet.model.slot, 1), {})


@check("chain", "codec.md 9", "Several patches are sent as one **chain**", needs="round_done")
def chain(fleet):
    """Round 1: who answered in round 0 has that model, and is sent a chain. Nobody else is."""
    chains = 0
    for device, task in fleet.open.values():
        if device.model is None:
            equal(f"patch_bytes for {device.id}, which has no model", task.patch_bytes, 0)
        elif task.patch_bytes:
            equal("patch_base", task.patch_base, wire.prefix(device.model.digest))
            phi = fleet.take_chain(device, task)
            expect(fleet.learner.network.model_file(phi)[-32:] == fleet.model.digest, "the chain leads to another model")
            chains += 1
    if not chains:
        raise NotChecked("no device of this round had a model that patches could begin with")
    return f"{chains} of {len(fleet.open)} tasks"


# ------------------------------------------------------------------------------------ What is refused, and replaced

def refused(fleet, slot, reason, chunk, **others):
    """One chunk is refused, and somebody else gets the slot. So its repetition is late, or refused as it was."""
    device, task = fleet.open[slot]
    device.send(task, **{**chunk, **others})
    device.take_reply(task, "REFUSED", [reason])
    device.send(task, **{**chunk, **others, "chunk": chunk["chunk_count"] - 1})
    device.take_reply(task, "REFUSED", [reason, "LATE"])
    fleet.replaced(slot)


@check("unreadable", "protocol.md 4.3", "A right code before bytes that are not an update: MALFORMED", needs="round_done")
def unreadable(fleet):
    device, task = fleet.open[1]
    device.send_bytes(b"\xff" * 20)
    device.take_reply(task, "REFUSED", ["MALFORMED"])
    fleet.replaced(1)


@check("too_many_samples", "protocol.md 4.4",
       "`support_samples` of 0, or of more than a task of the experiment has, are MALFORMED", needs="unreadable")
def too_many_samples(fleet):
    device, task = fleet.open[1]
    data = b"".join(chunk["payload"] for chunk in device.work(task))
    whole = {**device.work(task)[0], "chunk_count": 1, "payload": data}
    refused(fleet, 1, "MALFORMED", whole, support_samples=fleet.learner.task["support_size"] + 1)
    fleet.finish(1)                                                     # before its deadline: slot 0 waits for that


@check("reminder", "protocol.md 4.2",
       "Such a reminder, unlike the task after a birth, names no chain", needs="too_many_samples")
def reminder(fleet):
    """Slot 0 says nothing: it is reminded after a third of the deadline (5 s at most)."""
    device, task = fleet.open[0]
    begin = time.monotonic()
    again = device.take_repeat(task)
    equal("patch_bytes of a reminder", again.patch_bytes, 0)
    return f"waited {time.monotonic() - begin:.1f} s"


@check("deadline", "protocol.md 4.7", "A slot whose device refuses, misses the deadline", needs="reminder")
def deadline(fleet):
    silent, task = fleet.open[0]
    fleet.replaced(0, fleet.settings["deadline_ms"] / 1000 + 5)
    silent.link.drop(lambda m: True)
    silent.send(task, **silent.work(task)[0])
    silent.take_reply(task, "REFUSED", ["LATE"])
    silent.cut()                                                        # or it would rest: it is asked again after a connection
    silent.challenges.clear()
    silent.connect()
    silent.publish_birth()


@check("refusing_device", "protocol.md 4.5",
       "is answered with ACCEPTED, its reason is counted, and the slot goes to\n   the next device", needs="deadline")
def refusing_device(fleet):
    device, task = fleet.open[0]
    device.send(task, outcome=OUTCOME["REFUSED"], refusal=wire.REFUSAL["DOES_NOT_FIT"], needed_bytes=9000, available_bytes=1)
    device.take_reply(task, "ACCEPTED")
    fleet.replaced(0)


@check("second_round_done", "arithmetic.md 8",
       "A straggler in a slot is replaced by positions c, c+1", needs="refusing_device")
def second_round_done(fleet):
    fleet.finish_round()
    fleet.take_tasks()
    return fleet.model.digest.hex()


@check("wrong_shape", "protocol.md 4.4", "WRONG_SHAPE (lengths contradict the codec)", needs="second_round_done")
def wrong_shape(fleet):
    device, task = fleet.open[0]
    chunk = device.work(task)[0]
    refused(fleet, 0, "WRONG_SHAPE", chunk, total_bytes=1 << 24, chunk_count=1 << 17)


@check("other_codec", "protocol.md 5", "no such codec, or not the one asked for", needs="wrong_shape")
def other_codec(fleet):
    device, task = fleet.open[0]
    refused(fleet, 0, "UNKNOWN_CODEC", device.work(task)[0], uplink="float32")


@check("other_residual", "protocol.md 4.4",
       "Any other that is not\n     the expected one is MALFORMED", needs="other_codec")
def other_residual(fleet):
    device, task = fleet.open[0]
    chunks = device.work(task)
    for chunk in chunks:
        device.send(task, **{**chunk, "residual_round": 77})
    device.take_reply(task, "REFUSED", ["MALFORMED"])
    fleet.replaced(0)


def leaves_empty(fleet, slot, reason, scale):
    """A change with an element that no coordinator may add: the slot stays empty, nobody takes it."""
    device, task = fleet.open.pop(slot)
    x = np.zeros(len(fleet.learner.network.trainable), np.float32)
    x[0] = 1
    data = fleet.learner.encode(task.uplink, x, task.round, task.device_index)
    data = scale.to_bytes(2, "little") + data[2:]                       # of the first tensor, whose first level is 127
    for chunk in device.work(task):
        at = chunk["offset"]
        device.send(task, **{**chunk, "payload": data[at:at + len(chunk["payload"])]})
    device.take_reply(task, "REFUSED", [reason])
    device.send(task, **chunk)                                          # the last one again: refused for good
    device.take_reply(task, "REFUSED", [reason])
    for other in fleet.order[fleet.asked:]:
        other.expect_silence("task", 0.2)


@check("too_large", "protocol.md 4.4", "TOO_LARGE (an element of 128 or more) leave the slot empty", needs="other_residual")
def too_large(fleet):
    leaves_empty(fleet, 1, "TOO_LARGE", 0x7F80)                         # 1.5
    fleet.finish_round()
    fleet.take_tasks()


@check("not_finite", "protocol.md 4.4", "NOT_FINITE and TOO_LARGE", needs="too_large")
def not_finite(fleet):
    leaves_empty(fleet, 0, "NOT_FINITE", 0xFEFF)                        # 127 times the largest scale
    fleet.finish_round()
    fleet.take_tasks()


@check("diverged", "protocol.md 4.4", "leave the slot empty, as DIVERGED does", needs="not_finite")
def diverged(fleet):
    device, task = fleet.open.pop(0)
    device.send(task, outcome=OUTCOME["DIVERGED"])
    device.take_reply(task, "ACCEPTED")
    for other in fleet.order[fleet.asked:]:
        other.expect_silence("task", 0.2)


@check("offline", "protocol.md 4.7", "stays offline for `offline_ms`", needs="diverged")
def offline(fleet):
    device, task = fleet.open[1]
    device.cut()
    device.challenges.clear()
    fleet.replaced(1, fleet.settings["offline_ms"] / 1000 + 5)
    device.connect()
    device.publish_birth()


# --------------------------------------------------------------------------------------------- Restart, and the end

@check("restarted", "protocol.md 4.8", "all open tasks are published again with the same triples",
       needs="offline")
def restarted(fleet):
    if fleet.program is None:
        raise NotChecked("the coordinator was not started by the tool (--start), so it cannot restart it")
    (slot, (device, task)), = fleet.open.items()
    fleet.program.restart()
    device.take_repeat(task, fleet.options.wait)


@check("last_rounds", "arithmetic.md", "the SHA-256 of the model after N rounds", needs="offline")
def last_rounds(fleet):
    fleet.finish_round()
    while fleet.round < fleet.rounds:
        fleet.take_tasks()
        fleet.finish_round()
    return fleet.model.digest.hex()


@check("final_model", "arithmetic.md", "the SHA-256 of the model after N rounds", needs="last_rounds")
def final_model(fleet):
    """The last evaluation's task names it."""
    device, task = take_evaluation(fleet)
    device.send(task, outcome=OUTCOME["EVALUATED"], evaluation=fleet.learner.evaluation(fleet.model.phi, task))
    device.take_reply(task, "ACCEPTED")
    return task.model_sha256.hex()


@check("nothing_retained", "protocol.md 4.9", "When the run is over, or the coordinator is stopped, all are removed",
       needs="final_model")
def nothing_retained(fleet):
    end = time.monotonic() + fleet.options.patience
    while any(fleet.retained_model(slot, 0.5) for slot in (0, 1)):
        expect(time.monotonic() < end, f"the broker still keeps chunks of the model after {fleet.options.patience:.0f} s")
    if fleet.program is None:
        return "the end of its program is not seen: the tool did not start it"
    expect(fleet.program.ends_within(fleet.options.patience), "the coordinator's program does not end")
    equal("exit code of the coordinator's program", fleet.program.process.returncode, 0)
