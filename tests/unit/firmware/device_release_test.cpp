/// @file
/// Releases from a connection to flash: what is kept over a reset, wherever the power goes.

#include "fakes/device_bench.hpp"
#include "fakes/release_signer.hpp"

using namespace skink;
using namespace skink::test;
using wire::Refusal;

namespace {

/// A device that takes releases, and who announces them.
struct Scene {
  Scene() : bench(signer.key()) {}

  void announce(std::uint32_t number, const FakeModel& model) {
    wire::Release message{};
    const auto header = signer.header(number, view(model.file));
    std::memcpy(message.header, header.data(), header.size());
    std::memcpy(message.model_sha256, model.digest.bytes, crypto::kDigestBytes);
    message.slot = 1;
    Message out(wire::kMaxReleaseMessageBytes);
    std::size_t written = 0;
    REQUIRE(wire::encode_release(message, bench.coordinator.identity, {out.data(), out.size()}, written) ==
            Status::kOk);
    out.resize(written);
    bench.publish("skink/1/f/dev/bench-1/release", out);
  }

  void bring(std::uint32_t number, const FakeModel& model) {
    announce(number, model);
    bench.coordinator.model = model;  // of which give_model() takes the hash
    bench.give_model(model.file, wire::TopicKind::kReleaseModel);
  }

  /// Rounds with this model, so that the slot has it.
  void play_round(std::uint32_t attempt, const FakeModel& model) {
    bench.coordinator.model = model;
    bench.give_task(attempt);
    bench.give_model(model.file);
    while (bench.device->has_work()) bench.device->work(0);
    Message reply(wire::kMaxControlBytes);
    wire::Reply said{};
    said.run = bench.coordinator.task(0, attempt).run;
    said.attempt = attempt;
    said.verdict = skink_wire_Verdict_VERDICT_ACCEPTED;
    std::size_t written = 0;
    REQUIRE(wire::encode_reply(said, bench.coordinator.identity, {reply.data(), reply.size()}, written) == Status::kOk);
    reply.resize(written);
    bench.drain();
    bench.publish("skink/1/f/dev/bench-1/reply", reply);
  }

  bool keeps(std::uint32_t number, const FakeModel& model) {
    std::vector<std::uint8_t> file(model.file.size());
    return bench.device->client().has_release() && bench.releases.number() == number &&
           bench.releases.digest() == model.digest &&
           bench.releases.read_whole(0, {file.data(), file.size()}) == Status::kOk && file == model.file;
  }

  ReleaseSigner signer;
  DeviceBench bench;
};

}  // namespace

TEST_CASE("device: a release is kept in flash, and an older one refused after a reset", "[firmware][device][release]") {
  Scene scene;
  const FakeModel first(sine_net(), 1);
  const FakeModel second(sine_net(), 2);
  scene.bring(5, first);
  REQUIRE(scene.keeps(5, first));
  CHECK_FALSE(scene.bench.models.has_model());
  scene.bench.start();
  CHECK(scene.keeps(5, first));
  const float stored[1] = {0.3F};
  float output[1] = {0.0F};
  REQUIRE(scene.bench.device->predict(stored, output) == Status::kOk);
  std::vector<float> sample(first.model.network.sample_count());
  sample[0] = stored[0] * first.model.input.scale + first.model.input.offset;
  const auto expected = nn::predict(first.model.network, {first.parameters.data(), first.parameters.size()},
                                    Span<float>(sample.data(), sample.size()));
  CHECK(output[0] == expected[0]);

  scene.bring(4, second);
  CHECK(scene.bench.refused(Refusal::kOlderRelease) == 1);
  CHECK(scene.keeps(5, first));
  scene.bring(6, second);
  CHECK(scene.keeps(6, second));
  scene.bench.start();
  CHECK(scene.keeps(6, second));
}

TEST_CASE("device: without a release key it hears of no release", "[firmware][device][release]") {
  const std::string topic = "dev/bench-1/release";
  Scene with;
  DeviceBench without;
  CHECK(std::search(with.bench.sent.begin(), with.bench.sent.end(), topic.begin(), topic.end()) !=
        with.bench.sent.end());
  CHECK(std::search(without.sent.begin(), without.sent.end(), topic.begin(), topic.end()) == without.sent.end());
}

TEST_CASE("device: a release of the last round's model is copied from flash", "[firmware][device][release]") {
  Scene scene;
  const FakeModel model(sine_net(), 1);
  scene.play_round(0, model);
  REQUIRE(scene.bench.models.digest() == model.digest);
  scene.announce(5, model);
  CHECK(scene.keeps(5, model));
  CHECK(scene.bench.models.has_model());
}

TEST_CASE("device: wherever the power goes, the old release or the new one is whole", "[firmware][device][release]") {
  const bool copies = GENERATE(true, false);
  const FakeModel old_model(sine_net(), 1);
  const FakeModel new_model(sine_net(), 2);
  const auto prepared = [&](Scene& scene) {
    scene.bring(5, old_model);
    REQUIRE(scene.keeps(5, old_model));
    if (copies) scene.play_round(0, new_model);
  };
  const auto bring = [&](Scene& scene) {
    if (copies) {
      scene.announce(6, new_model);
    } else {
      scene.bring(6, new_model);
    }
  };
  Scene undisturbed;
  prepared(undisturbed);
  const std::uint64_t before = undisturbed.bench.flash.steps;
  bring(undisturbed);
  REQUIRE(undisturbed.keeps(6, new_model));
  const std::uint64_t steps = undisturbed.bench.flash.steps - before;
  REQUIRE(steps > 500);
  std::uint32_t kept_new = 0;
  for (std::uint64_t at = 0; at <= steps + 1; at += at + 53 < steps ? 41 : 1) {
    Scene scene;
    prepared(scene);
    scene.bench.flash.steps_left = at;
    bring(scene);
    scene.bench.flash.power_on();
    scene.bench.start();
    const bool is_new = scene.keeps(6, new_model);
    kept_new += is_new ? 1 : 0;
    INFO("power off after " << at << " of " << steps << " steps");
    if (is_new == scene.keeps(5, old_model)) FAIL("neither is whole");
    bring(scene);
    REQUIRE(scene.keeps(6, new_model));
  }
  CHECK(kept_new >= 1);
}

TEST_CASE("device: a release that cannot be read gives way to the one before, until it is fetched again",
          "[firmware][device][release]") {
  Scene scene;
  const FakeModel first(sine_net(), 1);
  const FakeModel second(sine_net(), 2);
  const FakeModel third(sine_net(), 3);
  const auto damage_last = [&scene] {
    std::vector<std::uint8_t> tail(64);  // of the file that is in use: its hash is in it
    const auto offset = static_cast<std::uint32_t>(scene.bench.releases.model_bytes() - tail.size());
    REQUIRE(scene.bench.releases.read_whole(offset, {tail.data(), tail.size()}) == Status::kOk);
    auto& bytes = scene.bench.flash.bytes;
    const auto at = std::search(bytes.begin(), bytes.end(), tail.begin(), tail.end());
    REQUIRE(at != bytes.end());
    *at = static_cast<std::uint8_t>(*at ^ 0x10);
  };
  scene.bring(5, first);
  SECTION("without one before nothing is there, and it is fetched again") {
    damage_last();
    scene.bench.start();
    CHECK_FALSE(scene.bench.device->client().has_release());
    scene.bring(5, first);
    CHECK(scene.keeps(5, first));
  }
  SECTION("with one before") {
    scene.bring(6, second);
    REQUIRE(scene.keeps(6, second));
    damage_last();
    scene.bench.start();
    CHECK(scene.keeps(6, first));  // release 6 counts, and predictions come from the model of release 5
    scene.bring(5, first);
    CHECK(scene.bench.refused(Refusal::kOlderRelease) == 1);
    CHECK(scene.keeps(6, first));
    SECTION("the same release is fetched again") {
      scene.bring(6, second);
      CHECK(scene.keeps(6, second));
      scene.bench.start();
      CHECK(scene.keeps(6, second));
    }
    SECTION("a later one is taken") {
      scene.bring(7, third);
      CHECK(scene.keeps(7, third));
      scene.bench.start();
      CHECK(scene.keeps(7, third));
    }
    SECTION("the one before is damaged too") {
      damage_last();
      scene.bench.start();
      CHECK_FALSE(scene.bench.device->client().has_release());
      scene.bring(6, second);
      CHECK(scene.keeps(6, second));
    }
  }
}
