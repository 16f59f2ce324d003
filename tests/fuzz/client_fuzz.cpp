/// @file
/// A client under a hostile but authenticated peer and a careless port: the input is a list of commands. Nothing may
/// crash, hang, write outside the arena or the slot, or publish what does not decode.

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <vector>

#include "fakes/memory_vector_store.hpp"
#include "harness.hpp"
#include "skink/common/little_endian.hpp"
#include "skink/common/provisioning/signed_release.hpp"
#include "skink/edge/client.hpp"

namespace skink::test {
namespace {

// The generator of P-256, x and y, and its order. The key is the one that everybody knows: its private half is 1.
constexpr std::uint8_t kGenerator[64] = {0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63,
                                         0xa4, 0x40, 0xf2, 0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1,
                                         0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96, 0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f,
                                         0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16, 0x2b, 0xce, 0x33, 0x57,
                                         0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5};
constexpr std::uint8_t kOrder[32] = {0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff,
                                     0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17,
                                     0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};

/// ECDSA with private key 1 and nonce 1: r is the generator's x, s is the hash plus r, modulo the order.
void sign(Bytes manifest, std::uint8_t* signature) {
  std::memcpy(signature, kGenerator, 32);
  const crypto::Digest hash = crypto::sha256(manifest);
  int sum[33] = {};
  for (int i = 31; i >= 0; --i) {
    sum[i + 1] += hash.bytes[i] + kGenerator[i];
    sum[i] += sum[i + 1] / 256;
    sum[i + 1] %= 256;
  }
  for (int round = 0; round < 2; ++round) {  // the sum is below three times the order
    int difference[33];
    int borrow = 0;
    for (int i = 32; i >= 0; --i) {
      const int digit = sum[i] - borrow - (i == 0 ? 0 : kOrder[i - 1]);
      borrow = digit < 0 ? 1 : 0;
      difference[i] = digit + 256 * borrow;
    }
    if (borrow == 0) std::copy(std::begin(difference), std::end(difference), std::begin(sum));
  }
  for (int i = 0; i < 32; ++i) signature[32 + i] = static_cast<std::uint8_t>(sum[i + 1]);
}

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
  Bench()
      : slot_(3 * wire::kModelChunkBytes),
        kept_release_(3 * wire::kModelChunkBytes),
        coming_release_(3 * wire::kModelChunkBytes),
        arena_(6000) {
    key_[0] = 4;
    std::memcpy(key_ + 1, kGenerator, sizeof kGenerator);
    make_model();
    edge::ClientConfig config;
    config.identity.device_id = "fuzz";
    config.arena = {reinterpret_cast<std::uint8_t*>(arena_.data()), arena_.size() * sizeof(float)};
    config.release_key = Bytes(key_);
    edge::Platform platform;
    kept_view_ = {kept_release_.data(), kept_release_.size()};
    coming_view_ = {coming_release_.data(), coming_release_.size()};
    platform.releases = {model::source_of(kept_view_), model::source_of(coming_view_)};
    slot_view_ = {slot_.data(), slot_.size()};
    platform.model = model::source_of(slot_view_);
    platform.samples = {this, &begin, &input, &target, true, &count};
    personal_.capacity = 4000;
    platform.personal = personal_.store();
    client_ = std::make_unique<edge::Client>(config, platform);
  }

  void run(Commands commands) {
    for (int i = 0; i < 300 && !commands.empty(); ++i) {
      step(commands);
      now_ += 10;
    }
  }

 private:
  /// dense 3 -> 350 -> 2: three chunks.
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
    const std::uint32_t command = commands.byte();
    if (command >= 252) return adapt_now(commands);
    switch (command % 14) {
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
      case 11: give_release(commands); break;
      case 12: predict(); break;
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
    task.model_chunk_bytes = oddity == 10 ? commands.word() : 0;
    task.chunk_bytes = oddity == 8 ? commands.word() : 256 * (commands.byte() % 4);
    task.patch_base = oddity == 9 ? 1 : crypto::prefix_of(digest_);
    task.patch_bytes = oddity == 0 || oddity > 9 ? 60 : 0;
    std::uint8_t message[wire::kMaxControlBytes];
    std::size_t written = 0;
    promise(wire::encode_task(task, identity_, message, written) == Status::kOk, "tasks encode");
    client_->on_task({message, written}, now_);
  }

  void give_release(Commands& commands) {
    wire::Release message{};
    provisioning::Release release;
    release.kind = commands.byte() == 255 ? provisioning::ReleaseKind::kFirmware : provisioning::ReleaseKind::kModel;
    release.number = commands.byte() % 4;
    release.name = {"fuzz", 4};
    release.content = {file_.data(), file_.size()};
    std::uint8_t manifest[provisioning::kManifestBytes];
    promise(provisioning::write_manifest(release, manifest) == Status::kOk, "manifests can be written");
    std::memcpy(message.header, manifest, sizeof manifest);
    sign(Bytes(manifest), message.header + sizeof manifest);
    std::memcpy(message.model_sha256, digest_.bytes, crypto::kDigestBytes);
    const std::uint32_t oddity = commands.byte() % 16;
    if (oddity == 0) message.header[commands.byte() % sizeof message.header] ^= 1;
    if (oddity == 1) message.model_sha256[3] ^= 1;
    message.slot = oddity == 2 ? commands.word() : 1;
    message.inner_learning_rate = oddity == 3 ? 1e30F : 0.1F;
    message.passes = oddity == 4 ? commands.word() : commands.byte() % 3;
    message.batch_size = oddity == 5 ? commands.word() : 1 + commands.byte() % 3;
    message.patch_base = oddity == 6 ? 1 : crypto::prefix_of(digest_);
    message.patch_bytes = oddity == 1 || oddity > 12 ? 60 : 0;
    std::uint8_t bytes[wire::kMaxReleaseMessageBytes];
    std::size_t written = 0;
    promise(wire::encode_release(message, identity_, bytes, written) == Status::kOk, "releases encode");
    client_->on_release(oddity == 7 ? Bytes() : Bytes(bytes, written), now_);
    if (oddity > 7) promise(!is_announced_unsigned(message), "what is signed is not refused for its signature");
  }

  /// Did the last announcement fail for its signature?
  bool is_announced_unsigned(const wire::Release& message) const {
    provisioning::Release read;
    return provisioning::read_manifest(Bytes(message.header), Bytes(key_), read) != Status::kOk;
  }

  /// Weights that a device adapts for itself, in a store that fails now and then; or new samples.
  void adapt_now(Commands& commands) {
    const std::uint32_t oddity = commands.byte();
    personal_.writes_left = oddity % 8 == 0 ? static_cast<int>(oddity / 8) : -1;
    personal_.is_readable = oddity % 16 != 1;
    if (oddity % 8 == 2) {
      samples_ = oddity;
      client_->on_samples_changed();
      return;
    }
    edge::AdaptSettings settings;
    settings.inner_learning_rate = oddity == 3 ? 1e30F : oddity == 4 ? -1.0F : 0.1F;
    settings.passes = oddity == 5 ? commands.word() : commands.byte() % 3;
    settings.batch_size = oddity == 6 ? commands.word() : 1 + commands.byte() % 3;
    if (client_->adapt_now(settings) == Status::kOk) promise(client_->has_work(), "what was begun is to be done");
  }

  void predict() {
    const float stored[3] = {0.5F, -0.5F, 0.25F};
    float outputs[2];
    const Status status = client_->predict(stored, outputs);
    promise(status != Status::kShapeMismatch && status != Status::kInvalidArgument, "sizes are the model's");
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
    std::memcpy(place_of(write).data() + write.offset, file_.data() + start, length);
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
        std::copy(action.payload.begin(), action.payload.end(), place_of(action.write).data() + action.write.offset);
        client_->on_model_stored(action.write, Status::kOk, now_);
      }
      if (action.kind == edge::ActionKind::kKeepRelease) keep(action);
      if (action.kind == edge::ActionKind::kProbe && most > 1) client_->on_probe_answered(now_);
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

  std::vector<std::uint8_t>& place_of(const edge::ModelWrite& write) {
    return write.store == edge::ModelStoreKind::kModel ? slot_ : coming_release_;
  }

  /// What is kept was signed, and its number is above that of the one before, or the same.
  void keep(const edge::Action& action) {
    promise(action.release.bytes == file_.size() && action.model == digest_, "only what was signed is kept");
    promise(action.release.number >= kept_number_ && action.release.number > 0, "numbers count up");
    if (now_ % 70 == 0) {
      client_->on_release_kept(Status::kUnavailable, now_);
      return;
    }
    kept_number_ = action.release.number;
    kept_release_ = action.release.copies ? slot_ : coming_release_;
    kept_view_ = {kept_release_.data(), kept_release_.size()};
    promise(std::equal(file_.begin(), file_.end(), kept_release_.begin()), "byte by byte");
    client_->on_release_kept(Status::kOk, now_);
  }

  static Status begin(void* /*context*/, const edge::TaskRequest& /*request*/, edge::SampleCounts& counts) {
    counts = {4, 2};
    return Status::kOk;
  }
  static Status input(void* /*context*/, edge::SampleSet /*set*/, std::uint32_t index, Span<float> stored) {
    for (std::size_t i = 0; i < stored.size(); ++i) stored[i] = static_cast<float>(index) - static_cast<float>(i);
    return Status::kOk;
  }
  static std::uint32_t count(void* context, MutableBytes of_class, std::uint32_t& classes) {
    const std::uint32_t samples = static_cast<Bench*>(context)->samples_;
    classes = samples % 65;
    for (std::uint32_t label = 0; label < classes; ++label) of_class[label] = static_cast<std::uint8_t>(samples);
    return samples;
  }
  static float target(void* /*context*/, edge::SampleSet /*set*/, std::uint32_t index, std::uint32_t /*output*/) {
    return static_cast<float>(index % 2);
  }

  wire::Identity identity_{"fuzz", {}};
  FakeVectorStore personal_;
  std::uint32_t samples_ = 0;
  std::vector<std::uint8_t> file_;
  crypto::Digest digest_;
  std::vector<std::uint8_t> slot_;
  std::vector<std::uint8_t> kept_release_;
  std::vector<std::uint8_t> coming_release_;
  Bytes slot_view_;
  Bytes kept_view_;
  Bytes coming_view_;
  std::uint8_t key_[65] = {};
  std::uint32_t kept_number_ = 0;
  std::vector<float> arena_;
  std::unique_ptr<edge::Client> client_;
  std::uint64_t now_ = 0;
};

}  // namespace

void fuzz_client(Bytes input) { Bench().run(Commands(input)); }

}  // namespace skink::test
