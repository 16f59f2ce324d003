"""What a device must compute, and what it does when its connection is lost."""

import time

import numpy as np

import wire
from learner import Model, Refused
from report import NotChecked, check_list, equal, expect

CHECKS, check = check_list()
UPLINKS = ("float32", "int8", "int8:nearest+range", "int8:block", "int4", "int4:block:nearest+range", "ternary",
           "ternary:block", "ternary+range", "sign", "sign:block", "eden:1", "eden:2", "eden:3", "eden:4",
           "topk:0.05+float32", "topk:0.25+int8", "topk:0.1+int8+range", "topk:0.1+int4:nearest", "topk:0.05+ternary",
           "topk:0.02+ternary+range", "topk:1+ternary")
DOWNLINK = "topk:0.25+int8+ef"


# ------------------------------------------------------------------------------------------------------ Encodings

def uplink_check(name):
    @check(f"uplink {name}", "codec.md 1", "A codec's\n**name** is written in this order without anything else",
           needs="model_again")
    def uplink(lead):
        task = lead.task(uplink=name, passes=1)
        lead.send(task)
        answer = lead.take_answer(task)
        lead.adapted(task, answer)
        lead.reply(task)
        return f"{len(answer.payload)} bytes" + (", decoded, not compared" if lead.options.own_samples else "")


for uplink_name in UPLINKS:
    uplink_check(uplink_name)


@check("proximal", "arithmetic.md 7", "After each step of SGD", needs="model_again")
def proximal(lead):
    for batch_size in (1, 4):
        task = lead.task(uplink="float32", batch_size=batch_size, proximal=2.0)
        lead.send(task)
        lead.adapted(task, lead.take_answer(task))
        lead.reply(task)
    return lead.bits_note()


@check("query_gradient", "arithmetic.md 7", "Then `w = phi - (a / float(Q)) * G`", needs="model_again")
def query_gradient(lead):
    task = lead.task(uplink="float32", change=1)
    lead.send(task)
    answer = lead.take_answer(task)
    if answer.update.refusal == wire.REFUSAL["NO_DATA"]:
        lead.reply(task)
        raise NotChecked("the device has no query samples in a round")
    lead.adapted(task, answer)
    lead.reply(task)
    return lead.bits_note()


HEAD, BIASES = "head", "bias"


def frozen_by(lead, scope):
    """The mask of a scope of docs/arithmetic.md, section 7, which must leave something out."""
    network = lead.learner.network
    moved = set(network.narrowed(scope).trainable)
    frozen = 0
    tensors = [tensor.ravel() for part in network.tensors(np.arange(network.parameters)) for tensor in part]
    for t, indices in enumerate(tensors):
        frozen |= (indices[0] not in moved) << t
    if len(moved) == len(network.trainable):
        raise NotChecked("the model has one layer that learns")
    return frozen


@check("scope", "protocol.md 3.5", "the steps on the support set leave it\n   as it is", needs="model_again")
def scope(lead):
    lengths = []
    for scope_name in (HEAD, BIASES):
        for uplink in ("float32", "int8"):
            task = lead.task(uplink=uplink, frozen=frozen_by(lead, scope_name))
            lead.send(task)
            answer = lead.take_answer(task)
            lead.adapted(task, answer)
            lead.reply(task)
            lengths.append(str(len(answer.payload)))
    return f"{', '.join(lengths)} bytes; {lead.bits_note()}"


@check("scope_gradient", "protocol.md 3.5", "the change is that of a query gradient", needs="model_again")
def scope_gradient(lead):
    task = lead.task(uplink="float32", change=1, frozen=frozen_by(lead, HEAD))
    lead.send(task)
    answer = lead.take_answer(task)
    if answer.update.refusal == wire.REFUSAL["NO_DATA"]:
        lead.reply(task)
        raise NotChecked("the device has no query samples in a round")
    equal("total_bytes", answer.update.total_bytes, 4 * len(lead.learner.network.trainable))
    lead.adapted(task, answer)
    lead.reply(task)
    return lead.bits_note()


def fed_back(lead, name, accepted_round, residual):
    task = lead.task(uplink=name, accepted_round=accepted_round, passes=1)
    lead.send(task)
    answer = lead.take_answer(task)
    equal("residual_round", answer.update.residual_round, accepted_round)
    return task, lead.adapted(task, answer, residual=residual)


@check("error_feedback", "codec.md 8", "It becomes r when the coordinator has taken the update,\nand is forgotten otherwise",
       needs="model_again")
def error_feedback(lead):
    if lead.options.own_samples:
        raise NotChecked("the device's samples are its own, so what it leaves out is not known")
    for name in ("topk:0.05+ternary+ef", "eden:1+ef"):
        first, left = fed_back(lead, name, 0, None)
        lead.reply(first)
        second, _ = fed_back(lead, name, first.round + 1, left)
        lead.reply(second, "REFUSED", "LATE")                           # so the residual stays as it was
        third, left = fed_back(lead, name, first.round + 1, left)
        lead.reply(third)
        fourth, _ = fed_back(lead, name, third.round + 1, left)
        lead.reply(fourth)


# ------------------------------------------------------------------------------------------------ A chain of patches

def stepped(lead, rounds, frozen=0):
    """Steps from the model that the device has: the chain, and the model that it leads to."""
    learner, phi, patches = lead.learner, lead.model.phi, []
    first = lead.round + 1
    for t in range(first, first + rounds):
        samples = learner.support(t, lead.options.device_index)
        x = learner.adapted(phi, lead.task(run=lead.run, round=t, frozen=frozen), samples)
        patch, phi = learner.stepped(phi, t, DOWNLINK, x, frozen)
        patches.append(patch)
    lead.round += rounds
    return wire.patch_chain(DOWNLINK, first, patches, frozen), Model(learner.network, phi, slot=1 - lead.model.slot)


def patch_task(lead, chain, model):
    return lead.task(model, patch_base=wire.prefix(lead.model.digest), patch_bytes=len(chain))


@check("patch_chain", "protocol.md 3.3", "Patches are added to the parameters in the order of the rounds",
       needs="model_again")
def patch_chain(lead):
    """Parts of another chain, parts that were there, and a part behind a gap come in between; no chunk is published."""
    chain, model = stepped(lead, 2)
    task = patch_task(lead, chain, model)
    parts = wire.patch_parts(model.digest, chain, 200)
    lead.send(task)
    lead.publish_patch(wire.patch_parts(bytes(32), b"\xff" * 50))
    lead.publish_patch([parts[0], parts[0], parts[2], *parts[1:]])
    lead.adapted(task, lead.take_answer(task), model)
    lead.reply(task)
    lead.model = model
    return f"2 patches, {len(chain)} bytes instead of {len(model.file)}"


@check("patch_chain_scope", "codec.md 9", "the mask of the tensors that no step of it changes", needs="model_again")
def patch_chain_scope(lead):
    chain, model = stepped(lead, 2, frozen_by(lead, HEAD))
    task = patch_task(lead, chain, model)
    lead.send(task)
    lead.publish_patch(wire.patch_parts(model.digest, chain, 200))
    lead.adapted(task, lead.take_answer(task), model)
    lead.reply(task)
    lead.model = model
    return f"2 patches, {len(chain)} bytes instead of {len(model.file)}"


def damaged(lead, chain, decodes):
    """The chain with one bit changed, so that it leads to another model, or to none."""
    for place in range(len(chain) - 1, 0, -1):
        other = chain[:place] + bytes([chain[place] ^ 4]) + chain[place + 1:]
        try:
            lead.learner.follow_chain(lead.model.phi, other)
        except (Refused, wire.Malformed):
            if not decodes:
                return other
        else:
            if decodes:
                return other
    raise NotChecked("no bit of the chain does it")


@check("patch_damaged", "protocol.md 3.3", "the model is fetched as a whole", needs="patch_chain")
def patch_damaged(lead):
    for decodes in (True, False):
        chain, model = stepped(lead, 1)
        task = patch_task(lead, chain, model)
        lead.publish_model(model)
        lead.send(task)
        lead.publish_patch(wire.patch_parts(model.digest, damaged(lead, chain, decodes)))
        lead.adapted(task, lead.take_answer(task), model)
        lead.remove_models()
        lead.reply(task)
        lead.model = model


@check("patch_missing", "protocol.md 3.3",
       "if nothing\n     comes during a pause (section 6), the model is fetched as a whole",
       needs="patch_chain")
def patch_missing(lead):
    chain, model = stepped(lead, 1)
    task = patch_task(lead, chain, model)
    lead.publish_model(model)
    lead.send(task)
    lead.adapted(task, lead.take_answer(task), model)
    lead.remove_models()
    lead.reply(task)
    lead.model = model


@check("model_in_birth", "protocol.md 3.1", "`model` the first 8 bytes of the hash of the model in its slot",
       needs="model_again")
def model_in_birth(lead):
    equal("model in a birth", lead.confirm_presence().model, wire.prefix(lead.model.digest))


@check("task_in_birth", "protocol.md 3.1", "`run` and `round` of the last task that it took", needs="model_again")
def task_in_birth(lead):
    birth = lead.confirm_presence()
    equal("run and round in a birth", (birth.run, birth.round), (lead.run, lead.round))


# ------------------------------------------------------------------------------------------------- Lost connections

@check("last_will", "protocol.md 3.1", "register the last will", needs="presence")
def last_will(lead):
    lead.need_relay()
    lead.confirm_presence()
    time.sleep(0.3)                                                     # for the broker's acknowledgement to the device
    lead.take_last_will(lead.broker.relay.cut)


@check("birth_again", "protocol.md 3.8", "Connected again, do step 1", needs="last_will")
def birth_again(lead):
    """An MQTT library may repeat the last birth of the connection that was lost first: that one is passed over."""
    lead.take_birth("a birth with challenge 0 on the new connection", challenge=0)
    lead.confirm_presence()


@check("upload_goes_on", "protocol.md 3.8", "go on with the upload at the first chunk", needs=("birth_again", "model_again"))
def upload_goes_on(lead):
    """All is sent and nothing replied when the connection is lost."""
    task = lead.task(chunk_bytes=500)
    lead.send(task)
    answer = lead.take_answer(task)
    lead.adapted(task, answer)
    lead.broker.relay.cut()
    lead.take_birth("the birth after the connection was cut")
    last = len(answer.messages) - 1
    update, _ = lead.take_update(wire.triple(task), "the last chunk again", match=lambda update: update.chunk == last)
    expect(wire.serialize(update) == answer.messages[-1], "the last chunk has other bytes than before")
    lead.reply(task)


@check("broker_restarted", "protocol.md 3.8", "A lost connection** interrupts nothing but the sending",
       needs=("birth_again", "model_again"))
def broker_restarted(lead):
    lead.confirm_presence()
    lead.link.drop(lambda m: m.topic == lead.topic("state"))
    connections = lead.link.connections
    lead.broker.restart()
    expect(lead.link.wait(lambda: lead.link.connections > connections, lead.options.patience),
           "the tool itself did not get a connection again")
    lead.take_birth("the birth after the broker was restarted")
    lead.confirm_presence()
    task = lead.task(uplink="int8")
    lead.send(task)                                                     # the model is still in the slot
    lead.adapted(task, lead.take_answer(task))
    lead.reply(task)


@check("power_cut", "protocol.md 3.8", "the task comes\n   again, since the device is born again, and gives the same bytes",
       needs=("birth_again", "model_again"))
def power_cut(lead):
    """With a result that nobody has replied to. The model is offered again: not every device keeps it.
    The last will ends what the device said before, so that no earlier birth is taken for the one after the cut."""
    if lead.program is None:
        raise NotChecked("the device was not started by the tool (--start), so it cannot cut its power")
    task = lead.task(uplink="int8", chunk_bytes=300)
    lead.send(task)
    answer = lead.take_answer(task)
    lead.adapted(task, answer)
    lead.take_last_will(lead.program.kill)
    lead.program.start()
    lead.take_birth("the birth after the power was cut", lead.options.wait, challenge=0)
    lead.link.drop(lambda m: m.topic == lead.topic("update"))
    lead.publish_model(lead.model)
    lead.send(task)
    again = lead.take_answer(task)
    lead.remove_models()
    lead.reply(task)
    expect(again.messages == answer.messages, "the same task gave other bytes")


@check("nothing_unasked", "protocol.md 3.7", "ACCEPTED or REFUSED ends the matter", needs="whole_model")
def nothing_unasked(lead):
    """A moment longer than the first pause after the last reply."""
    lead.receive("an update that nobody asked for", lambda m: False, lead.options.quiet, or_none=True)
    strays = lead.unasked()
    expect(not strays, f"updates that nobody asked for, or after the reply: {strays[:3]}")
