/// @file
/// A client under a hostile but authenticated peer and a careless port: the input is a list of commands. Nothing may
/// crash, hang, write outside the arena or the slot, or publish what does not decode.

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <vector>

#include "harness.hpp"
#include "skink/common/little_endian.hpp"
#include "skink/edge/client.hpp"

namespace skink::test {
namespace {

/// Reads the input number by number; zeros when it is used up.
class Commands {
 public:
  explicit Commands(Bytes input) : left_(input) {}
  bool empty() const { return left_.empty(); }
  std::uint32_t byte() {
    if (left_.empty()) return 0;
    const std::uint8_t value = left_[0];
    left_ = left_.subspan(1);
    return value;
  }
  std::uint32_t word() {
    std::uint32_t value = 0;
    for (int i = 0; i < 4; ++i) value = (value << 8) | byte();
    return value;
  }
  Bytes rest() const { return left_; }

 private:
  Bytes left_;
};

class Bench {
 public:
  Bench() : slot_(3 * wire::kModelChunkBytes), arena_(2048) {
    make_model();
    edge::ClientConfig config;
    config.identity.device_id = "fuzz";
    config.arena = {reinterpret_cast<std::uint8_t*>(arena_.data()), arena_.size() * sizeof(float)};
    edge::Platform platform;
    slot_view_ = {slot_.data(), slot_.size()};
    platform.model = model::source_of(slot_view_);
    platform.samples = {this, &begin, &input, &target, true};
    client_ = std::make_unique<edge::Client>(config, platform);
  }

  void run(Commands commands) {
    for (int i = 0; i < 300 && !commands.empty(); ++i) {
      step(commands);
      now_ += 10;
    }
  }

 private:
  /// dense 3 -> 350 -> 2: two chunks.
  void make_model() {
    nn::LayerSpec layers[3];
    layers[0].kind = layers[2].kind = nn::LayerKind::kDense;
    layers[0].units = 350;
    layers[1].kind = nn::LayerKind::kRelu;
    layers[2].units = 2;
    model::Model described;
    nn::BuildError error;
    promise(
        nn::Network::build({1, 1, 3}, layers, nn::Loss::kSoftmaxCrossEntropy, described.network, error) == Status::kOk,
        "the network stands");
    const std::vector<float> parameters(described.network.parameter_count(), 0.01F);
    file_.resize(model::model_bytes(described.network, described.input.count));
    promise(model::encode(described, {parameters.data(), parameters.size()}, {file_.data(), file_.size()}, digest_) ==
                Status::kOk,
            "the model can be written");
  }

  void step(Commands& commands) {
    switch (commands.byte() % 12) {
      case 0: client_->on_connected(now_); break;
      case 1: client_->on_disconnected(); break;
      case 2: give_task(commands); break;
      case 3: give_reply(commands); break;
      case 4: give_chunk(commands.byte() % 4, Status::kOk); break;
      case 5: give_chunk(commands.byte() % 4, commands.byte() == 0 ? Status::kUnavailable : Status::kOk); break;
      case 6: take_actions(1); break;
      case 7: take_actions(100); break;
      case 8:
        for (int i = 0; i < 100 && client_->has_work(); ++i) client_->work(now_);
        break;
      case 9:
        now_ += commands.byte() * 1000;
        client_->on_time(now_);
        break;
      case 10: client_->on_published(now_); break;
      default: give_garbage(commands); break;
    }
  }

  void give_task(Commands& commands) {
    wire::Task task{};
    task.has_versions = commands.byte() != 255;
    task.versions = wire::own_versions();
    task.run = commands.byte() % 3;
    task.round = commands.byte() % 4;
    task.attempt = commands.byte() % 2;
    task.kind = commands.byte() % 4 == 0 ? skink_wire_TaskKind_TASK_KIND_EVALUATE : skink_wire_TaskKind_TASK_KIND_ADAPT;
    std::memcpy(task.model_sha256, digest_.bytes, crypto::kDigestBytes);
    const std::uint32_t oddity = commands.byte() % 16;
    if (oddity == 0) task.model_sha256[3] ^= 1;
    task.model_bytes = oddity == 1 ? commands.word() : static_cast<std::uint32_t>(file_.size());
    task.inner_learning_rate = oddity == 2 ? 1e30F : 0.1F;
    task.passes = oddity == 3 ? commands.word() : commands.byte() % 4;
    task.batch_size = oddity == 4 ? commands.word() : 1 + commands.byte() % 3;
    const char* uplink = oddity == 5 ? "int9" : commands.byte() % 2 == 0 ? "int8" : "float32";
    std::strncpy(task.uplink, uplink, sizeof task.uplink - 1);
    task.time_left_ms = oddity == 6 ? commands.word() : 100000;
    task.task_count = oddity == 7 ? commands.word() : 1 + commands.byte() % 3;
    task.chunk_bytes = oddity == 8 ? commands.word() : 256 * (commands.byte() % 4);
    task.patch_base = oddity == 9 ? 1 : crypto::prefix_of(digest_);
    task.patch_bytes = oddity == 0 || oddity > 9 ? 60 : 0;
    std::uint8_t message[wire::kMaxControlBytes];
    std::size_t written = 0;
    promise(wire::encode_task(task, identity_, message, written) == Status::kOk, "tasks encode");
    client_->on_task({message, written}, now_);
  }

  void give_reply(Commands& commands) {
    wire::Reply reply{};
    reply.run = commands.byte() % 3;
    reply.round = commands.byte() % 4;
    reply.attempt = commands.byte() % 2;
    reply.verdict = static_cast<skink_wire_Verdict>(commands.byte() % 4);
    reply.chunk = commands.byte() == 0 ? commands.word() : commands.byte() % 8;
    std::uint8_t message[wire::kMaxControlBytes];
    std::size_t written = 0;
    promise(wire::encode_reply(reply, identity_, message, written) == Status::kOk, "replies encode");
    client_->on_reply({message, written}, now_);
  }

  void give_chunk(std::uint32_t chunk, Status stored) {
    const std::size_t start = chunk * wire::kModelChunkBytes;
    if (start >= file_.size()) return;
    const auto length = static_cast<std::uint32_t>(std::min(wire::kModelChunkBytes, file_.size() - start));
    edge::ModelWrite write;
    if (!client_->on_model_bytes({crypto::prefix_of(digest_), chunk, 0, length, length}, write)) return;
    promise(write.offset + length <= slot_.size(), "chunks are stored inside the slot");
    std::memcpy(slot_.data() + write.offset, file_.data() + start, length);
    client_->on_model_stored(write, stored, now_);
  }

  /// A part of a chain that begins rightly, or anything.
  void give_patch(Commands& commands) {
    std::uint8_t message[wire::kPatchHeadBytes + 64] = {};
    store_u64(message, crypto::prefix_of(digest_));
    message[3] ^= 1;  // as give_task() may
    store_u32(message + 8, commands.byte() % 16);
    const std::array<char, 4> name = {'i', 'n', 't', '8'};
    message[wire::kPatchHeadBytes] = static_cast<std::uint8_t>(commands.byte() % 4 == 0 ? commands.byte() : 4U);
    std::memcpy(message + wire::kPatchHeadBytes + 1, name.data(), name.size());
    for (std::size_t i = wire::kPatchHeadBytes + 5; i < sizeof message; ++i)
      message[i] = static_cast<std::uint8_t>(commands.byte());
    client_->on_patch_bytes({0, {message, sizeof message}}, now_);
    client_->on_patch_bytes({commands.byte(), commands.rest()}, now_);
  }

  void give_garbage(Commands& commands) {
    edge::ModelPiece piece;
    piece.model = crypto::prefix_of(digest_);
    piece.chunk = commands.word();
    piece.offset = commands.word();
    piece.chunk_bytes = commands.word();
    piece.piece_bytes = commands.word();
    edge::ModelWrite write;
    if (client_->on_model_bytes(piece, write)) {
      promise(piece.piece_bytes <= slot_.size() && write.offset <= slot_.size() - piece.piece_bytes, "inside the slot");
    }
    client_->on_task(commands.rest(), now_);
    client_->on_reply(commands.rest(), now_);
    give_patch(commands);
  }

  void take_actions(int most) {
    edge::Action action;
    for (int i = 0; i < most && client_->next_action(action); ++i) {
      if (action.kind == edge::ActionKind::kStoreModel) {
        promise(action.payload.size() <= slot_.size() && action.write.offset <= slot_.size() - action.payload.size(),
                "patched models are stored inside the slot");
        std::copy(action.payload.begin(), action.payload.end(), slot_.data() + action.write.offset);
        client_->on_model_stored(action.write, Status::kOk, now_);
      }
      if (action.kind != edge::ActionKind::kPublish) continue;
      if (action.topic == wire::TopicKind::kUpdate) {
        wire::Update update;
        Bytes payload;
        promise(wire::decode_update(action.payload, identity_, update, payload) == Status::kOk, "updates decode");
        promise(update.chunk < update.chunk_count, "chunks are within their count");
        promise(update.offset + payload.size() <= update.total_bytes || update.total_bytes == 0, "payloads too");
      }
      if (most > 1) client_->on_published(now_);
    }
  }

  static Status begin(void* /*context*/, const edge::TaskRequest& /*request*/, edge::SampleCounts& counts) {
    counts = {4, 2};
    return Status::kOk;
  }
  static Status input(void* /*context*/, edge::SampleSet /*set*/, std::uint32_t index, Span<float> stored) {
    for (std::size_t i = 0; i < stored.size(); ++i) stored[i] = static_cast<float>(index) - static_cast<float>(i);
    return Status::kOk;
  }
  static float target(void* /*context*/, edge::SampleSet /*set*/, std::uint32_t index, std::uint32_t /*output*/) {
    return static_cast<float>(index % 2);
  }

  wire::Identity identity_{"fuzz", {}};
  std::vector<std::uint8_t> file_;
  crypto::Digest digest_;
  std::vector<std::uint8_t> slot_;
  Bytes slot_view_;
  std::vector<float> arena_;
  std::unique_ptr<edge::Client> client_;
  std::uint64_t now_ = 0;
};

}  // namespace

void fuzz_client(Bytes input) { Bench().run(Commands(input)); }

}  // namespace skink::test
