/// @file
/// Releases on the wire: the message that announces one, and what births say of them.

#include <catch2/catch.hpp>
#include <cstring>
#include <vector>

#include "skink/common/wire/messages.hpp"

using namespace skink;
using wire::Identity;

namespace {

using Message = std::vector<std::uint8_t>;

Bytes view(const Message& message) { return {message.data(), message.size()}; }

Identity identity(const char* id = "device-1", std::uint8_t key = 9) {
  Identity result;
  result.device_id = id;
  std::memset(result.key.bytes, key, sizeof result.key.bytes);
  return result;
}

/// Every field as long as it can be.
wire::Release largest_release() {
  wire::Release release{};
  for (std::size_t i = 0; i < sizeof release.header; ++i) release.header[i] = static_cast<std::uint8_t>(3 * i + 1);
  for (std::size_t i = 0; i < sizeof release.model_sha256; ++i) release.model_sha256[i] = static_cast<std::uint8_t>(i);
  release.slot = ~0U;
  release.patch_base = release.seed = ~0ULL;
  release.patch_bytes = release.passes = release.batch_size = release.first_task = ~0U;
  release.inner_learning_rate = 0.5F;
  return release;
}

Message encoded(const wire::Release& release, const Identity& who = identity()) {
  Message out(wire::kMaxReleaseMessageBytes);
  std::size_t written = 0;
  REQUIRE(wire::encode_release(release, who, {out.data(), out.size()}, written) == Status::kOk);
  out.resize(written);
  return out;
}

Status decoded(const Message& message, const Identity& who = identity()) {
  wire::Release release{};
  return wire::decode_release(view(message), who, release);
}

/// Appends the code of a channel to any bytes.
Message authenticated(Message bytes, const char* label) {
  const Identity who = identity();
  const std::uint8_t zero[1] = {0};
  const Bytes parts[] = {{reinterpret_cast<const std::uint8_t*>(label), std::strlen(label)},
                         Bytes(zero),
                         {reinterpret_cast<const std::uint8_t*>(who.device_id), std::strlen(who.device_id)},
                         Bytes(zero),
                         view(bytes)};
  const crypto::Digest digest = crypto::hmac_sha256(who.key, parts);
  bytes.insert(bytes.end(), digest.bytes, digest.bytes + crypto::kTagBytes);
  return bytes;
}

}  // namespace

TEST_CASE("messages: releases come back", "[common][wire][messages][release]") {
  const wire::Release release = largest_release();
  const Message message = encoded(release);
  CHECK(message.size() < wire::kMaxReleaseMessageBytes);
  wire::Release again{};
  REQUIRE(wire::decode_release(view(message), identity(), again) == Status::kOk);
  CHECK(std::memcmp(again.header, release.header, sizeof release.header) == 0);
  CHECK(std::memcmp(again.model_sha256, release.model_sha256, sizeof release.model_sha256) == 0);
  CHECK((again.slot == release.slot && again.seed == release.seed && again.first_task == release.first_task));
  CHECK((again.patch_base == release.patch_base && again.patch_bytes == release.patch_bytes));
  CHECK((again.inner_learning_rate == release.inner_learning_rate && again.passes == release.passes));
  CHECK(again.batch_size == release.batch_size);
}

TEST_CASE("messages: any flipped bit and any truncation of a release is refused", "[common][wire][messages][release]") {
  const Message message = encoded(largest_release());
  REQUIRE(decoded(message) == Status::kOk);
  for (std::size_t bit = 0; bit < 8 * message.size(); ++bit) {
    Message flipped = message;
    flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ (1U << (bit % 8)));
    if (decoded(flipped) != Status::kWrongAuthentication) FAIL("bit " << bit);
  }
  for (std::size_t size = 0; size < message.size(); ++size) {
    const Message shorter(message.begin(), message.begin() + static_cast<std::ptrdiff_t>(size));
    const Status expected = size < crypto::kTagBytes ? Status::kTruncated : Status::kWrongAuthentication;
    if (decoded(shorter) != expected) FAIL("length " << size);
  }
}

TEST_CASE("messages: the code of a release is that of the protocol, for one device",
          "[common][wire][messages][release]") {
  const Message message = encoded(largest_release());
  const Message content(message.begin(), message.end() - crypto::kTagBytes);
  CHECK(authenticated(content, "skink/1/release") == message);
  CHECK(decoded(authenticated(content, "skink/1/task")) == Status::kWrongAuthentication);
  CHECK(decoded(message, identity("device-2")) == Status::kWrongAuthentication);
  CHECK(decoded(message, identity("device-1", 8)) == Status::kWrongAuthentication);
}

TEST_CASE("messages: a header of another length is no release", "[common][wire][messages][release]") {
  Message short_header = {0x0a, 0x8f, 0x01};  // 143 bytes
  short_header.resize(3 + 143, 1);
  CHECK(decoded(authenticated(short_header, "skink/1/release")) == Status::kDamaged);
  Message short_hash = {0x12, 31};
  short_hash.resize(2 + 31, 1);
  CHECK(decoded(authenticated(short_hash, "skink/1/release")) == Status::kDamaged);
}

TEST_CASE("messages: what a birth says of releases comes back, in less than 256 bytes",
          "[common][wire][messages][release]") {
  wire::State state{};
  state.has_versions = true;
  state.versions = wire::own_versions();
  state.online = state.takes_releases = true;
  std::strcpy(state.firmware, "skink-edge 0.1.0 (linux x86_64)!");  // 32 characters
  state.arena_bytes = state.battery_percent = state.reset_reason = state.free_bytes = state.stack_used_bytes = ~0U;
  state.challenge = state.model = state.release_model = ~0ULL;
  state.release = 7;
  state.release_refused = ~0U;
  state.release_reason = skink_wire_Refusal_REFUSAL_WRONG_SIGNATURE;
  state.release_use = skink_wire_ReleaseUse_RELEASE_USE_NOT_JUDGED;
  Message out(wire::kMaxControlBytes);
  std::size_t written = 0;
  REQUIRE(wire::encode_state(state, identity(), {out.data(), out.size()}, written) == Status::kOk);
  CHECK(written < wire::kMaxControlBytes);
  wire::State again{};
  REQUIRE(wire::decode_state(view(out).first(written), identity(), again) == Status::kOk);
  CHECK((again.takes_releases && again.release == 7 && again.release_model == ~0ULL));
  CHECK((again.release_refused == ~0U && again.release_reason == state.release_reason));
  CHECK(again.release_use == state.release_use);
}

TEST_CASE("messages: unknown reasons and uses in a birth become other and unknown",
          "[common][wire][messages][release]") {
  const std::vector<Message> unknown = {{14}, {99}, {0x81, 0x02}, {0xff, 0xff, 0xff, 0xff, 0x0f}};
  for (const Message& number : unknown) {
    Message said = {0x78};  // release_reason
    said.insert(said.end(), number.begin(), number.end());
    said.insert(said.end(), {0x80, 0x01});  // release_use
    said.insert(said.end(), number.begin(), number.end());
    wire::State state{};
    REQUIRE(wire::decode_state(view(authenticated(said, "skink/1/state")), identity(), state) == Status::kOk);
    CHECK(state.release_reason == skink_wire_Refusal_REFUSAL_OTHER);
    CHECK(state.release_use == skink_wire_ReleaseUse_RELEASE_USE_UNKNOWN);
  }
}
