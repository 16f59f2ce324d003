"""What a device that takes releases must do: docs/protocol.md, section 7."""

import time

import signing
import wire
from learner import Model
from report import NotChecked, check_list, equal, expect
from wire import REFUSAL, USE

CHECKS, check = check_list()
WRONG_KEY = bytes(32)


# ---------------------------------------------------------------------------------------------------- The tool's side

def message_of(lead, number, model, content=None, **fields):
    """The announcement of a release of this model; `content`: what is signed, if not the model's file."""
    header = lead.release_key.header(number, model.file if content is None else content)
    return wire.new("Release", **{
        "header": header, "model_sha256": model.digest, "slot": model.slot, "seed": lead.learner.bits.seed,
        "inner_learning_rate": lead.learner.rate, "passes": lead.learner.meta["passes"],
        "batch_size": lead.learner.batch_size, **fields})


def announce(lead, message, key=None):
    lead.link.drop(lambda m: m.topic == lead.topic("state"))
    data = wire.sealed(key or lead.key, "release", lead.id, wire.serialize(message))
    lead.link.publish(lead.topic("release"), data, retain=True)
    lead.retained.add(lead.topic("release"))


def take_birth_with(lead, what, is_it):
    """The first birth that says so; the device may publish others before it."""
    end = time.monotonic() + lead.options.patience
    while True:
        state = lead.take_birth(what, max(0.1, end - time.monotonic()))
        if is_it(state):
            return state


def take_refusal(lead, number, reason):
    state = take_birth_with(lead, f"a birth that refuses release {number}", lambda state: state.release_refused == number)
    equal("release_reason", wire.name_of(REFUSAL, state.release_reason), reason)
    return state


def take_kept(lead, number, model):
    state = take_birth_with(lead, f"a birth that confirms release {number}", lambda state: state.release == number)
    equal("release_model", state.release_model, wire.prefix(model.digest))
    equal("release_refused", state.release_refused, 0)
    lead.release, lead.released = number, model
    return state


def changed_model(lead, by):
    """One that the device does not have."""
    phi = lead.learner.first_model().phi.copy()
    phi[0] += by
    return Model(lead.learner.network, phi, slot=1)


def publish_chunks(lead, model):
    for k, chunk in enumerate(wire.model_chunks(model.file)):
        topic = f"{wire.root(lead.fleet)}release/{model.slot}/{k}"
        lead.retained.add(topic)
        lead.link.publish(topic, chunk, retain=True)


def bring(lead, message, number, model):
    publish_chunks(lead, model)
    announce(lead, message)
    state = take_kept(lead, number, model)
    lead.remove_models()
    return state


# ------------------------------------------------------------------------------------------------------------- Checks

@check("takes_releases", "protocol.md 7", "A device that has both says `takes_releases` in every birth", needs="presence")
def takes_releases(lead):
    state = lead.confirm_presence()
    if not state.takes_releases:
        expect(state.release == state.release_model == state.release_refused == state.release_use == 0,
               "a device that takes no releases says something of them")
        raise NotChecked("the device's birth says that it takes no releases")
    if lead.release_key is None:
        raise NotChecked("no release.key in the folder of keys (--pki)")
    lead.release = state.release


@check("release_wrong_code", "protocol.md 7", "Code wrong, or no message of this kind after a right code: ignore, count.",
       needs="takes_releases")
def release_wrong_code(lead):
    announce(lead, message_of(lead, lead.release + 9, changed_model(lead, 1)), WRONG_KEY)
    lead.remove_models()
    state = lead.confirm_presence()
    equal("release_refused", state.release_refused, 0)


@check("release_signature", "protocol.md 7", "WRONG_SIGNATURE: the header is refused as release.md says",
       needs="takes_releases")
def release_signature(lead):
    """A bit of the number, of the content's hash, of the signature."""
    for place in (8, 20, 100):
        message = message_of(lead, lead.release + 6, changed_model(lead, 1))
        message.header = message.header[:place] + bytes([message.header[place] ^ 1]) + message.header[place + 1:]
        announce(lead, message)
        take_refusal(lead, signing.read_manifest(message.header)[1], "WRONG_SIGNATURE")
        lead.remove_models()
        take_birth_with(lead, "a birth without the refusal", lambda state: state.release_reason == 0)


@check("release_refused", "protocol.md 7", "DOES_NOT_FIT: the file is longer than the device has room for",
       needs="takes_releases")
def release_refused(lead):
    """Firmware, a file that is too long, settings out of range."""
    number, model = lead.release + 1, changed_model(lead, 1)
    firmware = message_of(lead, number, model)
    firmware.header = lead.release_key.header(number, model.file, kind=signing.FIRMWARE)
    cases = [(firmware, "UNUSABLE_MODEL"), (message_of(lead, number, model, content=bytes(5_000_000)), "DOES_NOT_FIT"),
             (message_of(lead, number, model, passes=1025), "INVALID_TASK"),
             (message_of(lead, number, model, batch_size=0), "INVALID_TASK"),
             (message_of(lead, number, model, inner_learning_rate=-1.0), "INVALID_TASK")]
    for message, reason in cases:
        announce(lead, message)
        take_refusal(lead, number, reason)
        lead.remove_models()
        take_birth_with(lead, "a birth without the refusal", lambda state: state.release_reason == 0)


@check("release_kept", "protocol.md 7", "Keep it: number, model and hash", needs="takes_releases")
def release_kept(lead):
    model, number = changed_model(lead, 1), lead.release + 2
    bring(lead, message_of(lead, number, model, passes=0), number, model)
    return f"number {number}, {len(model.file)} bytes"


@check("release_use", "protocol.md 7", "it judges the release by its own samples", needs="release_kept")
def release_use(lead):
    state = take_birth_with(lead, "a birth with release_use", lambda state: state.release_use != 0) \
        if lead.birth.release_use == 0 else lead.birth
    equal("release_use of a release with 0 passes", wire.name_of(USE, state.release_use), "RELEASED")
    uses = []
    for by, rate in ((2, lead.learner.rate), (3, 1e30)):
        model, number = changed_model(lead, by), lead.release + 1
        message = message_of(lead, number, model, inner_learning_rate=rate)
        state = bring(lead, message, number, model)
        if state.release_use == 0:
            state = take_birth_with(lead, "a birth with release_use", lambda state: state.release_use != 0)
        uses.append(wire.name_of(USE, state.release_use))
        if lead.options.own_samples or uses[-1] == "NOT_JUDGED":
            continue
        task = lead.task(model, run=lead.run, first_task=0, task_count=1, inner_learning_rate=rate)
        sums = lead.learner.evaluation(model.phi, task)
        wanted = "DIVERGED" if sums.diverged_tasks else "ADAPTED" if sums.loss_after < sums.loss_before else "WORSE"
        equal("release_use", uses[-1], wanted)
    return ", ".join(uses)


@check("release_older", "protocol.md 7", "or the same while the model is another", needs="release_kept")
def release_older(lead):
    for number in (lead.release - 1, lead.release):
        announce(lead, message_of(lead, number, changed_model(lead, 7)))
        take_refusal(lead, number, "OLDER_RELEASE")
    announce(lead, message_of(lead, lead.release, lead.released))        # the kept one again
    take_birth_with(lead, "a birth without the refusal", lambda state: state.release_reason == 0)
    lead.remove_models()


@check("release_content", "protocol.md 7", "its SHA-256 against the manifest's", needs="release_kept")
def release_content(lead):
    """A sound model, which is not what was signed; then what was signed, damaged."""
    model, number = changed_model(lead, 11), lead.release + 1
    publish_chunks(lead, model)
    announce(lead, message_of(lead, number, model, content=bytes(len(model.file))))
    state = take_refusal(lead, number, "WRONG_MODEL_HASH")
    equal("release", state.release, lead.release)
    lead.remove_models()
    damaged = changed_model(lead, 12)
    message = message_of(lead, number, damaged)
    damaged.file = damaged.file[:90] + bytes([damaged.file[90] ^ 4]) + damaged.file[91:]
    publish_chunks(lead, damaged)
    announce(lead, message)
    take_refusal(lead, number, "WRONG_MODEL_HASH")
    lead.remove_models()
    model = changed_model(lead, 12)
    bring(lead, message_of(lead, number, model), number, model)


@check("release_of_round", "protocol.md 7", "A model that the slot of the rounds holds is copied from there",
       needs=("release_kept", "whole_model"))
def release_of_round(lead):
    """No chunk of it is at the broker."""
    task = lead.task()
    answer = lead.offer(task, lead.model)
    lead.adapted(task, answer)
    lead.reply(task)
    number = lead.release + 1
    announce(lead, message_of(lead, number, lead.model))
    take_kept(lead, number, lead.model)
    lead.remove_models()


@check("release_and_task", "protocol.md 7", "A task that comes meanwhile goes first", needs=("release_kept", "whole_model"))
def release_and_task(lead):
    """The release's chunks are not there yet; the task's bytes are those of a device without releases."""
    model, number = changed_model(lead, 21), lead.release + 1
    announce(lead, message_of(lead, number, model))
    task = lead.task(passes=3)
    answer = lead.offer(task, lead.model)
    lead.adapted(task, answer)
    announce(lead, message_of(lead, number, model))
    publish_chunks(lead, model)
    lead.reply(task)
    take_kept(lead, number, model)
    lead.remove_models()
    again = lead.task(uplink="int8")
    lead.send(again)                                                    # the model of the rounds is still there
    lead.adapted(again, lead.take_answer(again))
    lead.reply(again)


@check("release_power_cut", "protocol.md 7", "From\n   then on lower numbers are refused, also after a reset.",
       needs=("release_older", "birth_again"))
def release_power_cut(lead):
    if lead.program is None:
        raise NotChecked("the device was not started by the tool (--start), so it cannot cut its power")
    lead.take_last_will(lead.program.kill)
    lead.program.start()
    state = lead.take_birth("the birth after the power was cut", lead.options.wait, challenge=0)
    equal("release", state.release, lead.release)
    equal("release_model", state.release_model, wire.prefix(lead.released.digest))
    announce(lead, message_of(lead, lead.release - 1, changed_model(lead, 31)))
    take_refusal(lead, lead.release - 1, "OLDER_RELEASE")
    lead.remove_models()
