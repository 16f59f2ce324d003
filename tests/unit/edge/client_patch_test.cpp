/// @file
/// Models from patches: however the chain is cut, the model is the coordinator's, and whatever is wrong with it, the
/// model is fetched whole.

#include "fakes/client_bench.hpp"
#include "skink/common/little_endian.hpp"
#include "skink/rounds/downlink.hpp"

using namespace skink;
using namespace skink::test;
using edge::ActionKind;
using edge::ClientState;
using wire::TopicKind;

namespace {

constexpr std::uint64_t kSeed = 77;  // of ClientBench's tasks

/// A device that has a model, and a coordinator that goes on from there.
struct Scene {
  explicit Scene(const std::string& codec = "eden:1+ef", const BenchOptions& options = {}, std::uint32_t left = 0)
      : bench(options),
        network(narrowed(bench.model.model.network, left)),
        downlink(codec, network, kSeed),
        book(codec, left, bench.model.file.size()),
        base(bench.model.digest) {
    wire::Task task = bench.task(0);
    (void)bench.run_task(task);
    bench.reply(task, wire::Verdict::kAccepted);
    (void)bench.pump();
    REQUIRE(bench.client->has_model());
  }

  static nn::Network narrowed(nn::Network network, std::uint32_t frozen) {
    REQUIRE(network.freeze(frozen) == Status::kOk);
    return network;
  }

  /// A round's step; bench.model becomes the new model.
  void step(std::uint32_t round, bool changes = true) {
    FakeModel& model = bench.model;
    const std::vector<float> before = model.parameters;
    rounds::Patch patch{round, model.digest, {}};
    if (changes) {
      NetLottery lottery(round + 100);
      for (const nn::Tensor& tensor : network.tensors()) {
        for (std::size_t e = tensor.offset; tensor.trainable && e < tensor.offset + tensor.count; ++e) {
          model.parameters[e] += static_cast<float>(lottery.real(-0.05, 0.05));
        }
      }
      patch.bytes = downlink.pass(round, before, model.parameters);
    }
    book.add(std::move(patch));
    const Span<const float> parameters{model.parameters.data(), model.parameters.size()};
    REQUIRE(model::encode(model.model, parameters, {model.file.data(), model.file.size()}, model.digest) ==
            Status::kOk);
  }

  /// The task of the round after `round`, with the way from the device's model.
  wire::Task task(std::uint32_t round) {
    chain = book.chain_from(base);
    REQUIRE_FALSE(chain.empty());
    wire::Task task = bench.task(round + 1);
    task.patch_base = crypto::prefix_of(base);
    task.patch_bytes = static_cast<std::uint32_t>(chain.size());
    return task;
  }

  /// Bytes [from, to) of the chain, in pieces.
  void give(std::size_t from, std::size_t to, std::size_t piece = 4096) {
    Message message(wire::kPatchHeadBytes + to - from);
    store_u64(message.data(), crypto::prefix_of(bench.model.digest));
    store_u32(message.data() + 8, static_cast<std::uint32_t>(from));
    std::copy(chain.begin() + static_cast<std::ptrdiff_t>(from), chain.begin() + static_cast<std::ptrdiff_t>(to),
              message.begin() + wire::kPatchHeadBytes);
    for (std::size_t offset = 0; offset < message.size(); offset += piece) {
      const std::size_t count = std::min(piece, message.size() - offset);
      bench.client->on_patch_bytes({static_cast<std::uint32_t>(offset), {message.data() + offset, count}}, bench.now);
    }
  }
  void give_all(std::size_t piece = 4096) { give(0, chain.size(), piece); }

  bool is_working() {
    (void)bench.pump();
    return bench.client->has_work() && bench.client->model().digest == bench.model.digest &&
           std::equal(bench.model.file.begin(), bench.model.file.end(), bench.slot.bytes.begin());
  }

  /// Does the client ask for the whole model, and do its work with it?
  bool fetches_whole(const std::vector<Sent>& sent) {
    const bool asks = std::any_of(sent.begin(), sent.end(), [&](const Sent& one) {
      return one.kind == ActionKind::kSubscribe && one.topic == TopicKind::kModel &&
             one.slot == bench.task().model_slot;
    });
    if (!asks || bench.client->counters().patches_failed != 1) return false;
    bench.give_model();
    return is_working();
  }

  ClientBench bench;
  nn::Network network;  // of the steps
  rounds::Downlink downlink;
  rounds::PatchBook book;
  crypto::Digest base;
  std::vector<std::uint8_t> chain;
};

bool asks_for_chunks(const std::vector<Sent>& sent) {
  return std::any_of(sent.begin(), sent.end(), [](const Sent& one) {
    return one.kind == ActionKind::kSubscribe && one.topic == TopicKind::kModel;
  });
}

}  // namespace

TEST_CASE("client: a chain of patches makes the coordinator's model, however it is cut", "[edge][client][patch]") {
  Scene scene(GENERATE("eden:1+ef", "topk:0.02+ternary+range+ef", "int4:nearest", "topk:0.1+float32"));
  scene.step(0);
  scene.step(1, false);
  scene.step(2);
  scene.step(3);
  const std::size_t piece = GENERATE(1U, 7U, 4096U);
  scene.bench.give(scene.task(3));
  CHECK_FALSE(asks_for_chunks(scene.bench.pump()));
  scene.give_all(piece);
  CHECK(scene.is_working());
  CHECK(scene.bench.client->counters().patched == 1);
}

TEST_CASE("client: a chain of steps that leave tensors as they are", "[edge][client][patch][scope]") {
  const std::uint32_t left = GENERATE(0b001111U, 0b010101U, 0b101011U);  // the head; biases; one layer's weights
  Scene scene(GENERATE("eden:1+ef", "topk:0.1+ternary+range+ef", "int4:nearest"), {}, left);
  scene.step(0);
  scene.step(1);
  const wire::Task task = scene.task(1);
  CHECK(scene.chain[1 + scene.chain[0]] == left);
  scene.bench.give(task);
  (void)scene.bench.pump();
  const bool is_possible = GENERATE(true, false);
  if (!is_possible) scene.chain[1 + scene.chain[0]] = 0x3f;  // nothing would move
  scene.give_all();
  if (is_possible) {
    CHECK(scene.is_working());
    CHECK(scene.bench.client->counters().patched == 1);
  } else {
    CHECK(scene.fetches_whole(scene.bench.pump()));
  }
}

TEST_CASE("client: a chain comes in several messages, some of them twice", "[edge][client][patch]") {
  Scene scene;
  for (std::uint32_t round = 0; round < 6; ++round) scene.step(round);
  scene.bench.give(scene.task(5));
  const std::size_t size = scene.chain.size();
  scene.give(0, 100);
  scene.give(0, 100);
  scene.give(50, 300, 9);
  scene.give(100, 200);
  scene.give(300, size);
  CHECK(scene.is_working());
}

TEST_CASE("client: the change after a patch is the one after a whole download", "[edge][client][patch]") {
  Scene scene;
  scene.step(0);
  const wire::Task task = scene.task(0);
  scene.bench.give(task);
  scene.give_all();
  const Message patched = scene.bench.change(ClientBench::updates(scene.bench.run()));
  ClientBench whole;
  whole.model = scene.bench.model;
  CHECK(whole.change(whole.run_task(whole.task(1))) == patched);
}

TEST_CASE("client: a device without the base fetches the whole model at once", "[edge][client][patch]") {
  Scene scene;
  scene.step(0);
  wire::Task task = scene.task(0);
  const int trouble = GENERATE(0, 1, 2);
  if (trouble == 0) task.patch_base ^= 1;
  if (trouble == 1) task.patch_bytes = 0;
  if (trouble == 2) scene.bench.restart();  // and its model is not restored
  if (trouble == 2) scene.bench.connect();
  scene.bench.give(task);
  CHECK(asks_for_chunks(scene.bench.pump()));
  scene.give_all();  // nobody waits for it
  scene.bench.give_model();
  CHECK(scene.is_working());
  CHECK(scene.bench.client->counters().patches_failed == 0);
}

TEST_CASE("client: a chain that does not come is not waited for", "[edge][client][patch]") {
  Scene scene;
  scene.step(0);
  scene.bench.give(scene.task(0));
  (void)scene.bench.pump();
  if (GENERATE(false, true)) {
    scene.give(0, 20);
    scene.give(40, scene.chain.size());  // what lies between is lost
  }
  CHECK(scene.bench.client->state() == ClientState::kDownloading);
  CHECK(scene.fetches_whole(scene.bench.wake()));
}

TEST_CASE("client: a chain that is damaged anywhere ends with the whole model", "[edge][client][patch]") {
  Scene scene(GENERATE("eden:2", "topk:0.05+ternary+ef"));
  scene.step(0);
  scene.step(1);
  scene.bench.give(scene.task(1));
  (void)scene.bench.pump();
  const std::size_t at = GENERATE(0U, 1U, 5U, 8U, 12U, 30U, 60U);
  REQUIRE(at < scene.chain.size());
  scene.chain[at] ^= 0x10;
  scene.give_all();
  std::vector<Sent> sent = scene.bench.pump();
  if (!asks_for_chunks(sent)) sent = scene.bench.wake();  // it waits for the rest of a patch
  CHECK(scene.fetches_whole(sent));
}

TEST_CASE("client: a chain that ends early or goes on too long ends with the whole model", "[edge][client][patch]") {
  Scene scene;
  scene.step(0);
  wire::Task task = scene.task(0);
  const bool is_short = GENERATE(true, false);
  task.patch_bytes = task.patch_bytes + (is_short ? -1U : 1U);
  scene.bench.give(task);
  (void)scene.bench.pump();
  scene.chain.push_back(0xff);
  scene.give_all();
  CHECK(scene.fetches_whole(scene.bench.pump()));
}

TEST_CASE("client: a chain to another model is none of its business", "[edge][client][patch]") {
  Scene scene;
  scene.step(0);
  scene.bench.give(scene.task(0));
  scene.bench.model.digest.bytes[0] ^= 1;
  scene.give_all();
  scene.bench.model.digest.bytes[0] ^= 1;
  CHECK(scene.bench.client->state() == ClientState::kDownloading);
  scene.give_all();
  CHECK(scene.is_working());
}

TEST_CASE("client: an arena without room for a patch means the whole model", "[edge][client][patch]") {
  BenchOptions options;
  options.net = sine_net();
  const nn::Network network = build(options.net);
  nn::PlanRequest request;
  request.batch_size = 1;
  options.arena_bytes = nn::plan_memory(network, request).total;
  Scene scene("int8", options);
  REQUIRE(options.arena_bytes < 4 * network.parameter_count() + codec::patch_bytes({codec::Quantizer::kInt8}, network));
  scene.step(0);
  scene.bench.give(scene.task(0));
  (void)scene.bench.pump();
  scene.give_all();
  CHECK(scene.fetches_whole(scene.bench.pump()));
}

TEST_CASE("client: a lost connection in the middle of a chain begins it anew", "[edge][client][patch]") {
  Scene scene;
  scene.step(0);
  scene.step(1);
  const wire::Task task = scene.task(1);
  scene.bench.give(task);
  (void)scene.bench.pump();
  scene.give(0, scene.chain.size() / 2);
  scene.bench.client->on_disconnected();
  scene.bench.connect();
  scene.bench.give(task);  // the birth brings it again
  CHECK_FALSE(asks_for_chunks(scene.bench.pump()));
  scene.give_all();
  CHECK(scene.is_working());
}

TEST_CASE("client: a newer task takes the place of a chain that is under way", "[edge][client][patch]") {
  Scene scene;
  scene.step(0);
  scene.bench.give(scene.task(0));
  (void)scene.bench.pump();
  scene.give(0, scene.chain.size() / 2);
  scene.step(1);
  scene.bench.give(scene.task(1));  // from the same model, which is untouched in its slot
  scene.give_all();
  CHECK(scene.is_working());
}

TEST_CASE("client: a slot that cannot be written is a refusal", "[edge][client][patch]") {
  Scene scene;
  scene.step(0);
  scene.bench.give(scene.task(0));
  scene.give_all();
  edge::Action action;
  REQUIRE(scene.bench.client->next_action(action));
  REQUIRE(action.kind == ActionKind::kStoreModel);
  scene.bench.client->on_model_stored(action.write, Status::kUnavailable, scene.bench.now);
  CHECK(scene.bench.refusal(scene.bench.pump()).refusal == wire::Refusal::kStorageFailed);
}

TEST_CASE("client: nothing is predicted with a model that is half patched", "[edge][client][patch]") {
  Scene scene;
  const float input = 0.5F;
  float before = 0;
  REQUIRE(scene.bench.client->predict({&input, 1}, {&before, 1}) == Status::kOk);
  scene.step(0);
  scene.bench.give(scene.task(0));
  scene.give(0, scene.chain.size() - 1);
  float output = 0;
  CHECK(scene.bench.client->predict({&input, 1}, {&output, 1}) == Status::kUnavailable);
  scene.give(0, scene.chain.size());
  CHECK(scene.is_working());
}

TEST_CASE("client: a residual outlives a patch", "[edge][client][patch]") {
  const auto change_of = [](bool patches) {
    Scene scene;
    wire::Task first = scene.bench.task(5);
    std::strcpy(first.uplink, "topk:0.05+ternary+ef");
    (void)scene.bench.run_task(first);
    scene.bench.reply(first, wire::Verdict::kAccepted);
    scene.step(5);
    wire::Task second = scene.task(5);
    if (!patches) second.patch_bytes = 0;
    std::strcpy(second.uplink, "topk:0.05+ternary+ef");
    second.accepted_round = 6;
    scene.bench.give(second);
    (void)scene.bench.pump();
    patches ? scene.give_all() : scene.bench.give_model();
    const std::vector<Sent> sent = ClientBench::updates(scene.bench.run());
    CHECK(scene.bench.decoded(sent.at(0)).residual_round == 6);
    return scene.bench.change(sent);
  };
  CHECK(change_of(true) == change_of(false));
}

TEST_CASE("client: a birth names the model that the device has", "[edge][client][patch]") {
  Scene scene;
  scene.bench.client->on_disconnected();
  scene.bench.connect();
  for (const Sent& sent : scene.bench.pump()) {
    if (sent.topic != TopicKind::kState || sent.kind != ActionKind::kPublish) continue;
    wire::State state{};
    REQUIRE(wire::decode_state(view(sent.payload), scene.bench.identity, state) == Status::kOk);
    CHECK(state.model == crypto::prefix_of(scene.base));
  }
}
