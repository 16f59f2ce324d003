"""What a device must do: presence, refusals, the model, uploads. What it computes: device_learning.py."""

import struct

import wire
from learner import Model
from report import NotChecked, check_list, equal, expect
from wire import KIND, OUTCOME, REFUSAL

CHECKS, check = check_list()
WRONG_KEY = bytes(32)


# ------------------------------------------------------------------------------------------------------- Presence

@check("birth", "protocol.md 3.1", "Publish the birth")
def birth(lead):
    lead.note(f"waits for the birth of {lead.id} on {lead.topic('state')}, {lead.options.wait:.0f} s at most")
    message = lead.receive("the birth", lambda m: m.topic == lead.topic("state") and m.payload, lead.options.wait)
    state = lead.opened("state", message)
    expect(len(message.payload) < 256, f"the birth has {len(message.payload)} bytes")
    expect(wire.same_versions(state.versions), f"versions are {state.versions}")
    expect(state.online, "online is false")
    expect(len(state.firmware.encode()) <= 32, "firmware has more than 32 bytes")
    expect(state.battery_percent <= 100 or state.battery_percent == 255, f"battery_percent is {state.battery_percent}")
    expect(state.reset_reason <= 4, f"reset_reason is {state.reset_reason}")
    if lead.broker:
        equal("challenge of the first birth", state.challenge, 0)
    lead.birth = state
    return f"'{state.firmware}', arena of {state.arena_bytes} bytes"


@check("birth_retained", "protocol.md 1", "`State`, code; the last will: no bytes", needs="birth")
def birth_retained(lead):
    lead.link.drop(lambda m: m.topic == lead.topic("state"))
    lead.link.resubscribe(lead.topic("state"))
    message = lead.receive("the retained birth", lambda m: m.topic == lead.topic("state") and m.retained, 5)
    lead.opened("state", message)


@check("presence", "protocol.md 2", "a birth that carries the same number", needs="birth")
def presence(lead):
    for _ in range(2):
        lead.confirm_presence()


@check("presence_wrong_code", "protocol.md 2", "a message with a wrong code is counted and otherwise ignored",
       needs="presence")
def presence_wrong_code(lead):
    number = lead.challenge(WRONG_KEY)
    right = lead.challenge()
    state = lead.take_birth("an answer")
    expect(state.challenge != number, "a challenge with a wrong code was answered")
    equal("challenge", state.challenge, right)


# ------------------------------------------------------------------------------------- Tasks that change nothing

@check("task_wrong_code", "protocol.md 3.2", "code wrong: ignore, count", needs="presence")
def task_wrong_code(lead):
    far = lead.task(round=4_000_000_000)
    other = lead.task(round=4_000_000_001, versions=wire.versions(protocol=99))
    for task in (far, other):
        lead.send(task, WRONG_KEY)
    lead.confirm_presence()
    message = lead.link.take(lambda m: m.topic == lead.topic("update"), 1)
    expect(message is None, "a task with a wrong code was answered")


@check("version_mismatch", "protocol.md 2", "a device refuses the task with VERSION_MISMATCH", needs="presence")
def version_mismatch(lead):
    for name in ("protocol", "arithmetic", "codec"):
        current = getattr(wire.versions(), name)
        for number in (current + 1, current - 1):
            lead.refused(lead.task(versions=wire.versions(**{name: number})), "VERSION_MISMATCH")


@check("unknown_codec", "codec.md 1", "A device that is given another text refuses the task with UNKNOWN_CODEC",
       needs="presence")
def unknown_codec(lead):
    names = ("int8+ef+range", "INT8", "topk:0.10+int8", "eden:5", "float32+ef", "topk:0.1+sign", "x" * 39)
    for name in names:
        lead.refused(lead.task(uplink=name), "UNKNOWN_CODEC")
    return f"{len(names)} names"


@check("invalid_task", "protocol.md 3.2", "unknown kind, or `model_bytes` of 0: INVALID_TASK", needs="presence")
def invalid_task(lead):
    lead.refused(lead.task(kind=9), "INVALID_TASK")
    lead.refused(lead.task(model_sha256=b"", model_bytes=0), "INVALID_TASK")
    lead.refused(lead.task(change=2), "INVALID_TASK")


@check("too_large", "protocol.md 3.3", "when the file is larger than the\n   slot", needs="presence")
def too_large(lead):
    task = lead.task(model_bytes=2 ** 31 - 1)
    update = lead.refused(task, "DOES_NOT_FIT")
    lead.reply(task)
    expect(update.needed_bytes >= task.model_bytes, f"needed_bytes is {update.needed_bytes}")
    expect(0 < update.available_bytes < update.needed_bytes, f"available_bytes is {update.available_bytes}")
    return f"needs {update.needed_bytes}, has {update.available_bytes}"


# -------------------------------------------------------------------------------------------- The model, and bits

@check("whole_model", "protocol.md 3.3", "store what follows the head of chunk k at c k", needs="presence")
def whole_model(lead):
    """The first task: a device that took the ones with a wrong code refuses it, for it is a lower round."""
    task = lead.task()
    answer = lead.offer(task, lead.model)
    expect(answer.update.refusal != REFUSAL["DOES_NOT_FIT"], f"the experiment's model does not fit: needs "
           f"{answer.update.needed_bytes} bytes, has {answer.update.available_bytes}; give a smaller --experiment")
    lead.adapted(task, answer)
    lead.reply(task)
    return f"{len(lead.model.file)} bytes; the change {lead.bits_note()}"


@check("model_kept", "protocol.md 3.3", "If the slot holds `model_sha256`, go to step 4", needs="whole_model")
def model_kept(lead):
    task = lead.task(passes=3)
    lead.send(task)                                                     # nothing of the model is at the broker
    lead.adapted(task, lead.take_answer(task))
    lead.reply(task)


@check("foreign_chunks", "protocol.md 3.3", "ignore chunks of another model, and of another length than they must have",
       needs="whole_model")
def foreign_chunks(lead):
    phi = lead.model.phi.copy()
    phi[0] += 1
    model = Model(lead.learner.network, phi, slot=1)
    task, chunks = lead.task(model), wire.model_chunks(model.file)
    lead.publish_model(model, [b"\x55" * 8 + chunks[0][8:], chunks[1] + b"\0"])
    lead.send(task)
    lead.confirm_presence()
    expect(lead.link.take(lambda m: m.topic == lead.topic("update"), 1) is None, "an answer without a model")
    lead.publish_model(model, [chunks[0][:-1], chunks[1]])
    lead.publish_model(model, chunks)
    lead.adapted(task, lead.take_answer(task), model)
    lead.remove_models()
    lead.reply(task)
    lead.model = model


@check("small_chunks", "protocol.md 3.3", "c is the `model_chunk_bytes` of the task", needs="whole_model")
def small_chunks(lead):
    """Of a size that is none first: such a task is refused."""
    phi = lead.model.phi.copy()
    phi[1] += 1
    model = Model(lead.learner.network, phi, slot=1)
    for size in (224, 1000, 4128):
        task = lead.task(model, model_chunk_bytes=size)
        lead.refused(task, "INVALID_TASK")
    task = lead.task(model, model_chunk_bytes=256)
    lead.publish_model(model, wire.model_chunks(model.file, 256))
    lead.send(task)
    answer = lead.take_answer(task)
    if answer.update.refusal == REFUSAL["DOES_NOT_FIT"]:
        return "it has no room for so many chunks"
    lead.adapted(task, answer, model)
    lead.remove_models()
    lead.reply(task)
    lead.model = model
    return f"{len(wire.model_chunks(model.file, 256))} chunks"


@check("wrong_model_hash", "protocol.md 5", "the downloaded bytes are not the model that the task names",
       needs="whole_model")
def wrong_model_hash(lead):
    digest = bytes([lead.model.digest[0] ^ 1]) + lead.model.digest[1:]
    lead.refused_model(lead.model.file[:-32] + digest, digest, "WRONG_MODEL_HASH")


@check("unusable_model", "protocol.md 5", "a sound file, but not a network for this firmware", needs="whole_model")
def unusable_model(lead):
    file = bytearray(lead.model.file[:-32])
    file[32] = 99                                                       # the kind of the first layer
    digest = wire.hashlib.sha256(file).digest()
    lead.refused_model(bytes(file) + digest, digest, "UNUSABLE_MODEL")


@check("model_again", "protocol.md 3.3", "With all chunks, check the file as\n   model-file.md says", needs="whole_model")
def model_again(lead):
    """After refusals of models: the device takes a sound one."""
    lead.model.slot = 0
    task = lead.task()
    lead.adapted(task, lead.offer(task, lead.model))
    lead.reply(task)


@check("settings_out_of_range", "protocol.md 3.4", "INVALID_TASK for rates, passes or batch sizes out of range",
       needs="model_again")
def settings_out_of_range(lead):
    settings = [{"passes": 1025}, {"batch_size": 0}, {"batch_size": 1025}, {"inner_learning_rate": 0.0},
                {"inner_learning_rate": -0.5}, {"inner_learning_rate": float("inf")},
                {"inner_learning_rate": float("nan")}, {"proximal": -0.5}, {"proximal": 1e9}, {"proximal": float("nan")}, {"kind": KIND["EVALUATE"], "task_count": 0, "uplink": ""},
             {"frozen": 0xffffffff}]
    for setting in settings:
        task = lead.task(**setting)
        lead.refused(task, "INVALID_TASK")
        lead.reply(task)
    return f"{len(settings)} settings"


@check("passes_0", "arithmetic.md 7", "For each pass p = 0..passes-1", needs="model_again")
def passes_0(lead):
    """Nothing is learned, whatever the samples are: every number of the change is 0."""
    task = lead.task(passes=0)
    lead.send(task)
    answer = lead.take_answer(task)
    lead.adapted(task, answer)
    lead.reply(task)
    expect(not any(answer.payload), "a change though there was no pass")


# ----------------------------------------------------------------------------------------------------- The upload

@check("chunks", "protocol.md 3.6", "An encoded change of n bytes is cut into chunks of c bytes", needs="model_again")
def chunks(lead):
    task = lead.task(chunk_bytes=500)
    lead.send(task)
    answer = lead.take_answer(task)
    lead.adapted(task, answer)
    equal("total_bytes", answer.update.total_bytes, 4 * len(lead.learner.network.trainable))
    expect(answer.update.chunk_count >= -(-answer.update.total_bytes // 500), "too few chunks")
    lead.upload = task, answer
    return f"{answer.update.chunk_count} chunks"


def same_chunks(lead, first):
    """The chunks from `first` on come again, the same bytes."""
    task, answer = lead.upload
    for k in range(first, len(answer.messages)):
        update, _ = lead.take_update(wire.triple(task), f"chunk {k} again")
        equal("chunk", update.chunk, k)
        expect(wire.serialize(update) == answer.messages[k], f"chunk {k} has other bytes than before")


@check("resend", "protocol.md 3.7", "RESEND: send\n   again from `chunk` on", needs="chunks")
def resend(lead):
    for first in (len(lead.upload[1].messages) - 2, 0):
        lead.reply(lead.upload[0], "RESEND", chunk=first)
        same_chunks(lead, first)


@check("repeated_task", "protocol.md 3.2", "without adapting again, go on with the work or the upload", needs="resend")
def repeated_task(lead):
    """The repeat has another inner learning rate: a device that adapts again makes another change."""
    task, answer = lead.upload
    repeat = wire.parse("Task", wire.serialize(task))
    repeat.inner_learning_rate, repeat.passes = task.inner_learning_rate * 2, task.passes + 1
    lead.send(repeat)
    same_chunks(lead, len(answer.messages) - 1)
    lead.reply(task, "RESEND", chunk=0)
    same_chunks(lead, 0)


@check("old_tasks", "protocol.md 3.2", "it does not disturb the\n   current task", needs="resend")
def old_tasks(lead):
    task, _ = lead.upload
    lead.refused(lead.task(run=task.run, round=task.round - 1, attempt=5), "LOWER_ROUND")
    lead.refused(lead.task(run=task.run - 1, round=task.round + 9), "ANOTHER_RUN")
    lead.refused(lead.task(run=task.run, round=task.round + 1, versions=wire.versions(protocol=9)), "VERSION_MISMATCH")
    lead.reply(task, "RESEND", chunk=0)
    same_chunks(lead, 0)


@check("reply_wrong_code", "protocol.md 2", "a message with a wrong code is counted and otherwise ignored", needs="resend")
def reply_wrong_code(lead):
    task, _ = lead.upload
    lead.reply(task, "RESEND", chunk=0, key=WRONG_KEY)
    lead.reply(task, "ACCEPTED", key=WRONG_KEY)
    lead.confirm_presence()
    update, _ = lead.take_update(wire.triple(task), seconds=0.5, or_none=True, match=lambda update: update.chunk == 0)
    expect(update is None, "RESEND with a wrong code was obeyed")


@check("asks_again", "protocol.md 3.7", "after the pause of section 6 send the last\n   chunk again",
       needs="reply_wrong_code")
def asks_again(lead):
    """A device that believed the ACCEPTED with a wrong code does not."""
    same_chunks(lead, len(lead.upload[1].messages) - 1)


@check("result_kept", "protocol.md 3.7", "the result is kept for a repeat", needs="resend")
def result_kept(lead):
    task, answer = lead.upload
    lead.reply(task)
    lead.confirm_presence()
    lead.link.drop(lambda m: m.topic == lead.topic("update"))
    lead.send(task)
    same_chunks(lead, len(answer.messages) - 1)
    lead.reply(task)


@check("higher_attempt", "protocol.md 3.2", "Any other task replaces the current one", needs="model_again")
def higher_attempt(lead):
    task = lead.task(uplink="int8")
    lead.send(task)
    lead.adapted(task, lead.take_answer(task))                          # not replied to
    second = wire.parse("Task", wire.serialize(task))
    second.attempt = 1
    lead.send(second)
    lead.adapted(second, lead.take_answer(second))
    lead.refused(task, "LOWER_ROUND")
    lead.reply(second)


@check("evaluate", "protocol.md 3.5", "EVALUATED with their sums", needs="model_again")
def evaluate(lead):
    task = lead.task(kind=KIND["EVALUATE"], first_task=1, task_count=3, uplink="")
    lead.send(task)
    update = lead.take_answer(task).update
    lead.reply(task)
    if update.refusal == REFUSAL["NO_DATA"]:
        raise NotChecked("the device has no samples for an evaluation (NO_DATA)")
    equal("outcome", wire.name_of(OUTCOME, update.outcome), "EVALUATED")
    expect(update.evaluation is not None, "no evaluation in the report")
    got = update.evaluation
    if not lead.options.own_samples:
        wanted = lead.learner.evaluation(lead.model.phi, task)
        for name, _ in wire.MESSAGES["Evaluation"].values():
            equal(name, getattr(got, name), getattr(wanted, name))
        return "sums equal to the reference"
    equal("tasks", got.tasks, task.task_count)
    for name in ("correct_before", "correct_after"):
        expect(getattr(got, name) <= got.query_samples, f"{name} is above query_samples")
    for name in ("loss_before", "loss_after"):
        expect(getattr(got, name) <= got.query_samples << 40, f"{name} is above 2^20 a sample")
    expect(got.diverged_tasks <= got.tasks, "more diverged tasks than tasks")
    return "sums within bounds; not compared: the device's samples are its own"


@check("diverged", "arithmetic.md 7", "a loss of the inner loop is not finite", needs="model_again")
def diverged(lead):
    rate = struct.unpack("<f", struct.pack("<f", 1e38))[0]
    task = lead.task(inner_learning_rate=rate, passes=4)
    lead.send(task)
    answer = lead.take_answer(task)
    lead.reply(task)
    equal("outcome", wire.name_of(OUTCOME, answer.update.outcome), "DIVERGED")
    equal("payload", answer.payload, b"")
    equal("chunk_count", answer.update.chunk_count, 1)
