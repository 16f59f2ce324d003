#pragma once
/// @file
/// A client on the bench that takes releases, and the coordinator that announces them.

#include <algorithm>
#include <memory>

#include "fakes/client_bench.hpp"
#include "fakes/release_signer.hpp"

namespace skink::test {

class ReleaseBench {
 public:
  explicit ReleaseBench(const BenchOptions& options = {}) : bench(with_store(options, signer)) {}

  /// A release of the bench's model: the device adapts it with rate and passes of the bench's tasks.
  wire::Release release(std::uint32_t number) const {
    wire::Release message{};
    const auto header = signer.header(number, view(bench.model.file));
    std::memcpy(message.header, header.data(), header.size());
    std::memcpy(message.model_sha256, bench.model.digest.bytes, crypto::kDigestBytes);
    message.slot = 1;
    message.seed = bench.task().seed;
    message.inner_learning_rate = 0.02F;
    message.passes = 2;
    message.batch_size = 1;
    return message;
  }

  Message encoded(const wire::Release& message) const {
    Message out(wire::kMaxReleaseMessageBytes);
    std::size_t written = 0;
    REQUIRE(wire::encode_release(message, bench.identity, {out.data(), out.size()}, written) == Status::kOk);
    out.resize(written);
    return out;
  }

  void announce(const wire::Release& message) { bench.client->on_release(view(encoded(message)), bench.now); }
  void withdraw() { bench.client->on_release({}, bench.now); }

  /// Announces a release of the bench's model, and brings it to the device; what was published on the way.
  std::vector<Sent> bring(const wire::Release& message) {
    announce(message);
    std::vector<Sent> all = bench.pump();
    for (std::uint32_t chunk = 0; chunk < bench.model_chunks(); ++chunk) (void)bench.give_chunk(chunk);
    for (const Sent& sent : bench.run()) all.push_back(sent);
    return all;
  }

  /// A new client with what the stores hold, as a port starts it.
  Status reset() {
    bench.restart();
    return bench.client->restore_release(bench.releases.number, bench.releases.bytes);
  }

  /// Births among what was sent.
  std::vector<wire::State> births(const std::vector<Sent>& sent) const {
    std::vector<wire::State> found;
    for (const Sent& s : sent) {
      if (s.kind != edge::ActionKind::kPublish || s.topic != wire::TopicKind::kState) continue;
      REQUIRE(s.retain);
      REQUIRE(s.payload.size() < wire::kMaxControlBytes);
      wire::State state{};
      REQUIRE(wire::decode_state(view(s.payload), bench.identity, state) == Status::kOk);
      found.push_back(state);
    }
    return found;
  }

  /// The last birth, of which there must be one.
  wire::State birth(const std::vector<Sent>& sent) const {
    const std::vector<wire::State> found = births(sent);
    REQUIRE_FALSE(found.empty());
    return found.back();
  }

  bool keeps(const FakeModel& model) const {
    return bench.client->has_release() &&
           std::equal(model.file.begin(), model.file.end(), bench.releases.kept.bytes.begin());
  }

  std::uint32_t refused(wire::Refusal reason) const {
    return bench.client->counters().refused[static_cast<std::size_t>(reason)];
  }

  ReleaseSigner signer;
  ClientBench bench;

 private:
  static BenchOptions with_store(BenchOptions options, const ReleaseSigner& signer) {
    if (options.release_bytes == 0) options.release_bytes = 32768;
    options.release_key = signer.key();
    return options;
  }
};

/// Subscriptions, or their ends, among what was sent.
inline std::size_t count_of(const std::vector<Sent>& sent, edge::ActionKind kind, wire::TopicKind topic) {
  return static_cast<std::size_t>(
      std::count_if(sent.begin(), sent.end(), [&](const Sent& s) { return s.kind == kind && s.topic == topic; }));
}

}  // namespace skink::test
