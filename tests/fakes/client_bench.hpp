#pragma once
/// @file
/// A client on the bench: its port, its broker and its coordinator in one object without time of its own. Tests feed
/// messages, look at the actions, and move the clock.

#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <vector>

#include "fakes/fixed_samples.hpp"
#include "fakes/memory_release_store.hpp"
#include "fakes/memory_vector_store.hpp"
#include "fakes/model.hpp"
#include "skink/edge/client.hpp"

namespace skink::test {

using Message = std::vector<std::uint8_t>;

inline Bytes view(const Message& message) { return {message.data(), message.size()}; }

/// An action with a copy of its payload.
struct Sent {
  edge::ActionKind kind;
  wire::TopicKind topic;
  std::uint32_t slot;
  std::uint32_t chunk;
  Message payload;
  bool retain;
};

/// What the bench is built from.
struct BenchOptions {
  NetSpec net = sine_net();
  std::size_t arena_bytes = 65536;
  std::size_t slot_bytes = 32768;
  std::uint64_t jitter_seed = 0;
  std::uint32_t residual_capacity = 0;  ///< numbers; 0: no store
  std::size_t release_bytes = 0;        ///< 0: no store
  Bytes release_key{};                  ///< outlives the bench
  std::uint32_t personal_capacity = 0;  ///< numbers; 0: no store
};

class ClientBench {
 public:
  explicit ClientBench(const BenchOptions& options = {})
      : model(options.net),
        samples(model.model.network),
        releases(options.release_bytes),
        arena_(options.arena_bytes / sizeof(float)),
        release_key_(options.release_key) {
    slot.bytes.assign(options.slot_bytes, 0xee);
    identity.device_id = "bench-1";
    std::memset(identity.key.bytes, 0x42, sizeof identity.key.bytes);
    jitter_seed_ = options.jitter_seed;
    residuals.capacity = options.residual_capacity;
    personal.capacity = options.personal_capacity;
    restart();
  }

  /// A new client, as after a reset; the slot keeps its bytes.
  void restart() {
    edge::ClientConfig config;
    config.identity = identity;
    config.arena = {reinterpret_cast<std::uint8_t*>(arena_.data()), arena_.size() * sizeof(float)};
    config.firmware = "bench 1.0";
    config.health = &health;
    config.jitter_seed = jitter_seed_;
    config.release_key = release_key_;
    client = std::make_unique<edge::Client>(
        config, edge::Platform{slot.source(), samples.source(), residuals.store(), releases.store(), personal.store()});
  }

  // ---- the coordinator's side

  wire::Task task(std::uint32_t round = 0, std::uint32_t attempt = 0) const {
    wire::Task t{};
    t.has_versions = true;
    t.versions = wire::own_versions();
    t.run = 100;
    t.round = round;
    t.attempt = attempt;
    t.kind = skink_wire_TaskKind_TASK_KIND_ADAPT;
    t.device_index = 3;
    std::memcpy(t.model_sha256, model.digest.bytes, crypto::kDigestBytes);
    t.model_bytes = static_cast<std::uint32_t>(model.file.size());
    t.seed = 77;
    t.inner_learning_rate = 0.02F;
    t.passes = 2;
    t.batch_size = 1;
    std::strcpy(t.uplink, "int8");
    t.time_left_ms = 600000;
    t.task_count = 1;
    t.model_chunk_bytes = chunk_bytes == wire::kModelChunkBytes ? 0 : static_cast<std::uint32_t>(chunk_bytes);
    t.chunk_bytes = 512;
    return t;
  }

  wire::Task evaluation(std::uint32_t round = 0) const {
    wire::Task t = task(round);
    t.kind = skink_wire_TaskKind_TASK_KIND_EVALUATE;
    t.uplink[0] = '\0';
    t.first_task = 5;
    t.task_count = 3;
    return t;
  }

  Message encoded(const wire::Task& t) const {
    Message out(wire::kMaxControlBytes);
    std::size_t written = 0;
    REQUIRE(wire::encode_task(t, identity, {out.data(), out.size()}, written) == Status::kOk);
    out.resize(written);
    return out;
  }

  void give(const wire::Task& t) { client->on_task(view(encoded(t)), now); }

  void reply(const wire::Task& t, wire::Verdict verdict, std::uint32_t chunk = 0) {
    wire::Reply r{};
    r.run = t.run;
    r.round = t.round;
    r.attempt = t.attempt;
    r.verdict = static_cast<skink_wire_Verdict>(verdict);
    r.chunk = chunk;
    Message out(wire::kMaxControlBytes);
    std::size_t written = 0;
    REQUIRE(wire::encode_reply(r, identity, {out.data(), out.size()}, written) == Status::kOk);
    client->on_reply(view(out).first(written), now);
  }

  std::uint32_t model_chunks() const {
    return static_cast<std::uint32_t>((model.file.size() + chunk_bytes - 1) / chunk_bytes);
  }

  /// A chunk of the current model in one piece. False: the client did not want it.
  bool give_chunk(std::uint32_t chunk, Status stored = Status::kOk) {
    const std::size_t start = chunk * chunk_bytes;
    const auto length = static_cast<std::uint32_t>(std::min(chunk_bytes, model.file.size() - start));
    return give_piece({crypto::prefix_of(model.digest), chunk, 0, length, length}, stored);
  }

  bool give_piece(const edge::ModelPiece& piece, Status stored = Status::kOk) {
    edge::ModelWrite write;
    if (!client->on_model_bytes(piece, write)) return false;
    Message& place = place_of(write);
    REQUIRE(write.offset + piece.piece_bytes <= place.size());
    const std::size_t from = piece.chunk * chunk_bytes + piece.offset;
    REQUIRE(from + piece.piece_bytes <= model.file.size());
    std::memcpy(place.data() + write.offset, model.file.data() + from, piece.piece_bytes);
    client->on_model_stored(write, stored, now);
    return true;
  }

  void give_model() {
    for (std::uint32_t chunk = 0; chunk < model_chunks(); ++chunk) REQUIRE(give_chunk(chunk));
  }

  // ---- the port's side

  void connect() { client->on_connected(now); }

  /// Takes all actions there are; publications leave at once.
  std::vector<Sent> pump() {
    std::vector<Sent> sent;
    edge::Action action;
    while (client->next_action(action)) {
      REQUIRE(sent.size() < 10000);
      sent.push_back(copy(action));
      if (action.kind == edge::ActionKind::kPublish) client->on_published(now);
      if (action.kind == edge::ActionKind::kStoreModel) store(action);
      if (action.kind == edge::ActionKind::kProbe && answers_probes) client->on_probe_answered(now);
      if (action.kind == edge::ActionKind::kKeepRelease) client->on_release_kept(releases.keep(action, slot), now);
    }
    return sent;
  }

  void store(const edge::Action& action, Status stored = Status::kOk) {
    Message& place = place_of(action.write);
    REQUIRE(action.write.offset + action.payload.size() <= place.size());
    std::copy(action.payload.begin(), action.payload.end(),
              place.begin() + static_cast<std::ptrdiff_t>(action.write.offset));
    client->on_model_stored(action.write, stored, now);
  }

  /// The next action only; a publication stays in flight until on_published().
  bool next(Sent& sent) {
    edge::Action action;
    if (!client->next_action(action)) return false;
    sent = copy(action);
    return true;
  }

  void work() {
    for (int step = 0; client->has_work(); ++step) {
      REQUIRE(step < 1000000);
      client->work(now);
    }
  }

  /// Works and publishes until there is nothing to do; what was published.
  std::vector<Sent> run() {
    std::vector<Sent> all = pump();
    work();
    const std::vector<Sent> more = pump();
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }

  /// Connects, gives the task and the model, works and uploads.
  std::vector<Sent> run_task(const wire::Task& t) {
    connect();
    give(t);
    std::vector<Sent> sent = updates(pump());
    if (client->state() == edge::ClientState::kDownloading) give_model();
    for (const Sent& s : updates(run())) sent.push_back(s);
    return sent;
  }

  /// Lets the clock reach the client's next wake-up.
  std::vector<Sent> wake() {
    REQUIRE(client->next_wake_ms() != edge::Client::kNever);
    now = std::max(now, client->next_wake_ms());
    client->on_time(now);
    return pump();
  }

  static std::vector<Sent> updates(const std::vector<Sent>& sent) {
    std::vector<Sent> found;
    for (const Sent& s : sent) {
      if (s.kind == edge::ActionKind::kPublish && s.topic == wire::TopicKind::kUpdate) found.push_back(s);
    }
    return found;
  }

  wire::Update decoded(const Sent& sent, Message* payload = nullptr) const {
    wire::Update update;
    Bytes bytes;
    REQUIRE(wire::decode_update(view(sent.payload), identity, update, bytes) == Status::kOk);
    if (payload != nullptr) payload->insert(payload->end(), bytes.begin(), bytes.end());
    return update;
  }

  /// The one refusal among what was sent.
  wire::Update refusal(const std::vector<Sent>& sent) const {
    const std::vector<Sent> found = updates(sent);
    REQUIRE(found.size() == 1);
    const wire::Update update = decoded(found[0]);
    REQUIRE(update.outcome == wire::Outcome::kRefused);
    return update;
  }

  /// The encoded change of a complete upload; checks chunk numbers and offsets.
  Message change(const std::vector<Sent>& sent) const {
    Message payload;
    for (std::size_t i = 0; i < sent.size(); ++i) {
      const std::size_t offset = payload.size();
      const wire::Update update = decoded(sent[i], &payload);
      REQUIRE(update.outcome == wire::Outcome::kAdapted);
      REQUIRE(update.chunk == i);
      REQUIRE(update.chunk_count == sent.size());
      REQUIRE(update.offset == offset);
      if (i + 1 == sent.size()) REQUIRE(update.total_bytes == payload.size());
    }
    return payload;
  }

  FakeModel model;
  FakeSlot slot;
  FakeSamples samples;
  FakeReleaseStore releases;
  FakeVectorStore residuals;
  FakeVectorStore personal;
  edge::Health health{80, 0, 0, 0};
  wire::Identity identity;
  std::unique_ptr<edge::Client> client;
  std::uint64_t now = 1000;
  std::size_t chunk_bytes = wire::kModelChunkBytes;  ///< of the model, as tasks say from now on
  bool answers_probes = true;                        ///< at once, as a port whose link is never slow

 private:
  Message& place_of(const edge::ModelWrite& write) {
    return write.store == edge::ModelStoreKind::kModel ? slot.bytes : releases.coming.bytes;
  }

  static Sent copy(const edge::Action& action) {
    return {
        action.kind,  action.topic, action.slot, action.chunk, Message(action.payload.begin(), action.payload.end()),
        action.retain};
  }

  std::vector<float> arena_;
  std::uint64_t jitter_seed_ = 0;
  Bytes release_key_;
};

inline bool same_payloads(const std::vector<Sent>& a, const std::vector<Sent>& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i].payload != b[i].payload) return false;
  }
  return true;
}

/// Targets that support and query samples share, so that adapting helps.
inline void make_learnable(ClientBench& bench) {
  bench.samples.change_target = [](edge::SampleSet, std::uint32_t, float) { return 0.7F; };
}

/// Query samples that say the opposite of the support samples.
inline void make_misleading(ClientBench& bench) {
  bench.samples.change_target = [](edge::SampleSet set, std::uint32_t, float) {
    return set == edge::SampleSet::kSupport ? 5.0F : -5.0F;
  };
}

}  // namespace skink::test
