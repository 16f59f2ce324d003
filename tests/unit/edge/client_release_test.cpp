/// @file
/// Releases on the device: which are taken, by which way they come, what is kept over a reset, what births say.

#include "fakes/release_bench.hpp"
#include "skink/common/little_endian.hpp"
#include "skink/rounds/downlink.hpp"

using namespace skink;
using namespace skink::test;
using edge::ActionKind;
using edge::ClientState;
using wire::Refusal;
using wire::TopicKind;

namespace {

/// Everything after this concerns a device that has a release, number 5, and nothing to do.
void keep_five(ReleaseBench& scene) {
  scene.bench.connect();
  (void)scene.bench.pump();
  (void)scene.bring(scene.release(5));
  REQUIRE(scene.keeps(scene.bench.model));
}

std::uint32_t reason_of(const wire::State& state) { return static_cast<std::uint32_t>(state.release_reason); }

/// Refused in the next birth, and nothing else happens.
void check_refused(ReleaseBench& scene, const wire::Release& message, Refusal reason, std::uint32_t number) {
  const std::uint32_t before = scene.refused(reason);
  scene.announce(message);
  const std::vector<Sent> sent = scene.bench.pump();
  const wire::State state = scene.birth(sent);
  CHECK(reason_of(state) == static_cast<std::uint32_t>(reason));
  CHECK(state.release_refused == number);
  CHECK(count_of(sent, ActionKind::kSubscribe, TopicKind::kReleaseModel) == 0);
  CHECK(scene.refused(reason) == before + 1);
  CHECK_FALSE(scene.bench.client->has_work());
  scene.announce(message);  // the same again: the birth has said it
  CHECK(scene.births(scene.bench.pump()).empty());
}

}  // namespace

TEST_CASE("release: a device without store or key takes none, and its birth says nothing of releases",
          "[edge][client][release]") {
  const ReleaseSigner signer;
  const bool has_key = GENERATE(true, false);
  ClientBench bench({sine_net(), 65536, 32768, 0, 0, has_key ? std::size_t{0} : std::size_t{32768},
                     has_key ? signer.key() : Bytes()});
  bench.connect();
  const std::vector<Sent> sent = bench.pump();
  CHECK(count_of(sent, ActionKind::kSubscribe, TopicKind::kRelease) == 0);
  CHECK(sent.size() == 4);
  wire::State state{};
  REQUIRE(wire::decode_state(view(sent.back().payload), bench.identity, state) == Status::kOk);
  CHECK_FALSE(state.takes_releases);
  const Message anything(200, 7);
  bench.client->on_release(view(anything), bench.now);
  CHECK(bench.client->counters().wrong_authentication == 0);
  CHECK(bench.pump().empty());
}

TEST_CASE("release: it is fetched in chunks, kept, and confirmed", "[edge][client][release]") {
  ReleaseBench scene({GENERATE(sine_net(), conv_net())});
  scene.bench.connect();
  std::vector<Sent> sent = scene.bench.pump();
  CHECK(count_of(sent, ActionKind::kSubscribe, TopicKind::kRelease) == 1);
  CHECK(sent.back().topic == TopicKind::kState);
  wire::State state = scene.birth(sent);
  CHECK(state.takes_releases);
  CHECK((state.release == 0 && state.release_model == 0 && state.release_refused == 0));

  scene.announce(scene.release(5));
  sent = scene.bench.pump();
  REQUIRE(sent.size() == 1);
  CHECK((sent[0].kind == ActionKind::kSubscribe && sent[0].topic == TopicKind::kReleaseModel));
  CHECK((sent[0].slot == 1 && sent[0].chunk == wire::kAllChunks));
  for (std::uint32_t chunk = 0; chunk < scene.bench.model_chunks(); ++chunk) REQUIRE(scene.bench.give_chunk(chunk));
  CHECK_FALSE(scene.bench.client->has_release());  // not before the port has kept it
  sent = scene.bench.pump();
  CHECK(count_of(sent, ActionKind::kUnsubscribe, TopicKind::kReleaseModel) == 1);
  CHECK(count_of(sent, ActionKind::kKeepRelease, TopicKind::kState) == 1);
  CHECK(scene.keeps(scene.bench.model));
  CHECK((scene.bench.releases.number == 5 && scene.bench.releases.copies == 0));
  state = scene.birth(sent);
  CHECK(state.release == 5);
  CHECK(state.release_model == crypto::prefix_of(scene.bench.model.digest));
  CHECK(state.model == 0);  // the model slot is the rounds'
  CHECK(scene.bench.client->counters().releases == 1);
  CHECK(scene.bench.client->state() == ClientState::kIdle);
  CHECK(scene.bench.client->next_wake_ms() == edge::Client::kNever);
}

TEST_CASE("release: a model that the last round brought is not fetched again", "[edge][client][release]") {
  ReleaseBench scene;
  const wire::Task task = scene.bench.task();
  (void)scene.bench.run_task(task);
  scene.bench.reply(task, wire::Verdict::kAccepted);
  (void)scene.bench.pump();
  scene.announce(scene.release(5));
  const std::vector<Sent> sent = scene.bench.pump();
  CHECK(count_of(sent, ActionKind::kSubscribe, TopicKind::kReleaseModel) == 0);
  CHECK(scene.bench.releases.copies == 1);
  CHECK(scene.keeps(scene.bench.model));
}

TEST_CASE("release: patches make it from the last round's model, or from the release that is kept",
          "[edge][client][release][patch]") {
  const bool is_from_kept = GENERATE(true, false);
  ReleaseBench scene;
  if (is_from_kept) {
    keep_five(scene);
  } else {
    const wire::Task task = scene.bench.task();
    (void)scene.bench.run_task(task);
    scene.bench.reply(task, wire::Verdict::kAccepted);
    (void)scene.bench.pump();
  }
  FakeModel& model = scene.bench.model;
  const crypto::Digest base = model.digest;
  const std::string codec = "eden:1+ef";
  rounds::Downlink downlink(codec, model.model.network, scene.bench.task().seed);
  rounds::PatchBook book(codec, 0, model.file.size());
  const std::vector<float> before = model.parameters;
  for (float& value : model.parameters) value += 0.01F;
  rounds::Patch patch{0, base, downlink.pass(0, before, model.parameters)};
  book.add(std::move(patch));
  REQUIRE(model::encode(model.model, {model.parameters.data(), model.parameters.size()},
                        {model.file.data(), model.file.size()}, model.digest) == Status::kOk);
  const std::vector<std::uint8_t> chain = book.chain_from(base);
  REQUIRE_FALSE(chain.empty());

  wire::Release message = scene.release(6);
  message.patch_base = crypto::prefix_of(base);
  message.patch_bytes = static_cast<std::uint32_t>(chain.size());
  scene.announce(message);
  CHECK(count_of(scene.bench.pump(), ActionKind::kSubscribe, TopicKind::kReleaseModel) == 0);
  Message part(wire::kPatchHeadBytes);
  store_u64(part.data(), crypto::prefix_of(model.digest));
  part.insert(part.end(), chain.begin(), chain.end());
  scene.bench.client->on_patch_bytes({0, view(part)}, scene.bench.now);
  (void)scene.bench.run();
  CHECK(scene.bench.client->counters().patched == 1);
  CHECK(scene.keeps(model));
  CHECK(scene.bench.releases.number == 6);
}

TEST_CASE("release: patches that do not come give way to chunks", "[edge][client][release][patch]") {
  ReleaseBench scene;
  keep_five(scene);
  const std::uint64_t base = crypto::prefix_of(scene.bench.model.digest);
  scene.bench.model = FakeModel(sine_net(), 2);
  wire::Release message = scene.release(6);
  message.patch_base = base;
  message.patch_bytes = 100;
  scene.announce(message);
  CHECK(scene.bench.pump().empty());
  CHECK(count_of(scene.bench.wake(), ActionKind::kSubscribe, TopicKind::kReleaseModel) == 1);
  scene.bench.give_model();
  (void)scene.bench.run();
  CHECK(scene.keeps(scene.bench.model));
}

TEST_CASE("release: what the release key did not sign is refused", "[edge][client][release]") {
  ReleaseBench scene;
  scene.bench.connect();
  (void)scene.bench.pump();
  wire::Release message = scene.release(5);
  SECTION("a changed manifest") { message.header[GENERATE(4, 6, 8, 12, 16, 47, 48)] ^= 1; }
  SECTION("a changed signature") { message.header[GENERATE(80, 143)] ^= 1; }
  SECTION("another key") {
    const auto header = ReleaseSigner().header(5, view(scene.bench.model.file));
    std::memcpy(message.header, header.data(), header.size());
  }
  SECTION("no header") { std::memset(message.header, 0, sizeof message.header); }
  const std::uint32_t claimed = load_u32(message.header + 8);
  check_refused(scene, message, Refusal::kWrongSignature, claimed);
  CHECK(scene.bench.releases.number == 0);
}

TEST_CASE("release: firmware, settings out of range and too large a model are refused", "[edge][client][release]") {
  ReleaseBench scene;
  scene.bench.connect();
  (void)scene.bench.pump();
  wire::Release message = scene.release(5);
  SECTION("firmware") {
    const auto header = scene.signer.header(5, view(scene.bench.model.file), provisioning::ReleaseKind::kFirmware);
    std::memcpy(message.header, header.data(), header.size());
    check_refused(scene, message, Refusal::kUnusableModel, 5);
  }
  SECTION("settings") {
    SECTION("rate") { message.inner_learning_rate = GENERATE(0.0F, -1.0F, 1e30F * 1e30F); }
    SECTION("passes") { message.passes = 1025; }
    SECTION("batch size") { message.batch_size = GENERATE(0U, 1025U); }
    SECTION("slot") { message.slot = 2; }
    check_refused(scene, message, Refusal::kInvalidTask, 5);
  }
  SECTION("too large") {
    const Message large(40000, 1);
    const auto header = scene.signer.header(5, view(large));
    std::memcpy(message.header, header.data(), header.size());
    check_refused(scene, message, Refusal::kDoesNotFit, 5);
  }
  SECTION("of those that are not used, settings are not looked at") {
    message.passes = 0;
    message.inner_learning_rate = 0.0F;
    message.batch_size = 0;
    (void)scene.bring(message);
    CHECK(scene.keeps(scene.bench.model));
    CHECK(scene.bench.client->release_use() == wire::ReleaseUse::kReleased);
  }
}

TEST_CASE("release: an older number, or the same with another model, is refused, also after a reset",
          "[edge][client][release]") {
  ReleaseBench scene;
  keep_five(scene);
  const wire::Release five = scene.release(5);
  if (GENERATE(true, false)) {
    REQUIRE(scene.reset() == Status::kOk);
    scene.bench.connect();
    const wire::State state = scene.birth(scene.bench.pump());
    CHECK(state.release == 5);
    CHECK(state.release_model == crypto::prefix_of(scene.bench.model.digest));
  }
  const FakeModel kept = scene.bench.model;
  scene.bench.model = FakeModel(sine_net(), 2);
  check_refused(scene, scene.release(4), Refusal::kOlderRelease, 4);
  check_refused(scene, scene.release(5), Refusal::kOlderRelease, 5);
  check_refused(scene, scene.release(0), Refusal::kOlderRelease, 0);
  CHECK(scene.keeps(kept));
  // The kept one again: nothing is fetched, and the refusal is over.
  scene.announce(five);
  const std::vector<Sent> sent = scene.bench.run();
  CHECK(count_of(sent, ActionKind::kSubscribe, TopicKind::kReleaseModel) == 0);
  CHECK(scene.birth(sent).release_refused == 0);
  // A higher one is taken.
  (void)scene.bring(scene.release(6));
  CHECK(scene.keeps(scene.bench.model));
  CHECK(scene.bench.releases.number == 6);
}

TEST_CASE("release: a kept model that cannot be read any more comes again, and nothing older",
          "[edge][client][release]") {
  ReleaseBench scene;
  keep_five(scene);
  scene.bench.releases.kept.bytes[100] ^= 1;
  CHECK(scene.reset() == Status::kDamaged);
  CHECK_FALSE(scene.bench.client->has_release());
  scene.bench.connect();
  const wire::State state = scene.birth(scene.bench.pump());
  CHECK((state.release == 5 && state.release_model == 0));
  check_refused(scene, scene.release(4), Refusal::kOlderRelease, 4);
  (void)scene.bring(scene.release(5));
  CHECK(scene.keeps(scene.bench.model));
}

TEST_CASE("release: messages with a wrong code, or that are none, are counted and change nothing",
          "[edge][client][release]") {
  ReleaseBench scene;
  scene.bench.connect();
  (void)scene.bench.pump();
  Message message = scene.encoded(scene.release(5));
  CHECK(message.size() < wire::kMaxReleaseMessageBytes);
  message[20] ^= 1;
  scene.bench.client->on_release(view(message), scene.bench.now);
  scene.bench.client->on_release(view(message).first(10), scene.bench.now);
  CHECK(scene.bench.client->counters().wrong_authentication == 2);
  CHECK(scene.bench.pump().empty());
}

TEST_CASE("release: one that is withdrawn is not fetched on, and one that is kept stays", "[edge][client][release]") {
  ReleaseBench scene;
  scene.bench.connect();
  (void)scene.bench.pump();
  scene.announce(scene.release(5));
  CHECK(count_of(scene.bench.pump(), ActionKind::kSubscribe, TopicKind::kReleaseModel) == 1);
  scene.withdraw();
  CHECK(count_of(scene.bench.pump(), ActionKind::kUnsubscribe, TopicKind::kReleaseModel) == 1);
  CHECK_FALSE(scene.bench.give_chunk(0));
  CHECK(scene.bench.client->next_wake_ms() == edge::Client::kNever);
  (void)scene.bring(scene.release(5));
  REQUIRE(scene.keeps(scene.bench.model));
  scene.withdraw();
  (void)scene.bench.run();
  CHECK(scene.keeps(scene.bench.model));
}

TEST_CASE("release: a birth carries the last challenge when releases change it", "[edge][client][release]") {
  ReleaseBench scene;
  scene.bench.connect();
  wire::Task challenge{};
  challenge.kind = skink_wire_TaskKind_TASK_KIND_PRESENCE;
  challenge.challenge = 77;
  scene.bench.give(challenge);
  (void)scene.bench.pump();
  const std::vector<Sent> sent = scene.bring(scene.release(5));
  REQUIRE(scene.births(sent).size() >= 2);  // kept, then judged
  for (const wire::State& state : scene.births(sent)) CHECK(state.challenge == 77);
  CHECK(scene.births(scene.bench.pump()).empty());
}
