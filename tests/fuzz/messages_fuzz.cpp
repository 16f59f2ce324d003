/// @file
/// Messages: the first byte chooses the kind, the others are the content; a valid code is appended so that parsing is
/// reached. What decodes encodes again to something that decodes to the same bytes.

#include <cstring>
#include <vector>

#include "harness.hpp"
#include "skink/common/wire/messages.hpp"

namespace skink::test {
namespace {

constexpr std::size_t kRoom = 1 << 16;

const wire::Identity& identity() {
  static const wire::Identity fuzzer = {"fuzz", {}};
  return fuzzer;
}

std::vector<std::uint8_t> with_code(Bytes content, const char* label) {
  static const std::uint8_t zero[1] = {0};
  const Bytes parts[] = {
      {reinterpret_cast<const std::uint8_t*>(label), std::strlen(label)},
      Bytes(zero),
      {reinterpret_cast<const std::uint8_t*>(identity().device_id), std::strlen(identity().device_id)},
      Bytes(zero),
      content};
  const crypto::Digest digest = crypto::hmac_sha256(identity().key, parts);
  std::vector<std::uint8_t> message(content.begin(), content.end());
  message.insert(message.end(), digest.bytes, digest.bytes + crypto::kTagBytes);
  return message;
}

Bytes view(const std::vector<std::uint8_t>& message) { return {message.data(), message.size()}; }

/// Encodes, decodes, encodes: the two encodings must be the same.
template <class Message, class Encode, class Decode>
void check_round_trip(const Message& message, Encode encode, Decode decode) {
  std::vector<std::uint8_t> first(kRoom);
  std::vector<std::uint8_t> second(kRoom);
  std::size_t first_size = 0;
  std::size_t second_size = 0;
  if (encode(message, MutableBytes(first.data(), kRoom), first_size) != Status::kOk) return;  // no valid text in it
  Message again{};
  promise(decode(view(first).first(first_size), again) == Status::kOk, "what was encoded decodes");
  promise(encode(again, MutableBytes(second.data(), kRoom), second_size) == Status::kOk, "and encodes again");
  promise(first_size == second_size && std::memcmp(first.data(), second.data(), first_size) == 0, "to the same bytes");
}

void fuzz_state(Bytes content) {
  const auto message = with_code(content, "skink/1/state");
  wire::State state{};
  const Status status = wire::decode_state(view(message), identity(), state);
  promise(status == Status::kOk || status == Status::kDamaged, "a valid code is accepted");
  if (status != Status::kOk) return;
  promise(std::memchr(state.firmware, 0, sizeof state.firmware) != nullptr, "texts end");
  check_round_trip(
      state,
      [](const auto& m, MutableBytes out, std::size_t& written) {
        return wire::encode_state(m, identity(), out, written);
      },
      [](Bytes bytes, auto& m) { return wire::decode_state(bytes, identity(), m); });
}

void fuzz_task(Bytes content) {
  const auto message = with_code(content, "skink/1/task");
  wire::Task task{};
  const Status status = wire::decode_task(view(message), identity(), task);
  promise(status == Status::kOk || status == Status::kDamaged, "a valid code is accepted");
  if (status != Status::kOk) return;
  promise(std::memchr(task.uplink, 0, sizeof task.uplink) != nullptr, "texts end");
  check_round_trip(
      task,
      [](const auto& m, MutableBytes out, std::size_t& written) {
        return wire::encode_task(m, identity(), out, written);
      },
      [](Bytes bytes, auto& m) { return wire::decode_task(bytes, identity(), m); });
}

void fuzz_reply(Bytes content) {
  const auto message = with_code(content, "skink/1/reply");
  wire::Reply reply{};
  const Status status = wire::decode_reply(view(message), identity(), reply);
  promise(status == Status::kOk || status == Status::kDamaged, "a valid code is accepted");
  if (status != Status::kOk) return;
  check_round_trip(
      reply,
      [](const auto& m, MutableBytes out, std::size_t& written) {
        return wire::encode_reply(m, identity(), out, written);
      },
      [](Bytes bytes, auto& m) { return wire::decode_reply(bytes, identity(), m); });
}

void fuzz_announcement(Bytes content) {
  const auto message = with_code(content, "skink/1/release");
  wire::Release release{};
  const Status status = wire::decode_release(view(message), identity(), release);
  promise(status == Status::kOk || status == Status::kDamaged, "a valid code is accepted");
  if (status != Status::kOk) return;
  check_round_trip(
      release,
      [](const auto& m, MutableBytes out, std::size_t& written) {
        promise(wire::encode_release(m, identity(), out.first(wire::kMaxReleaseMessageBytes), written) == Status::kOk,
                "the stated size suffices");
        return Status::kOk;
      },
      [](Bytes bytes, auto& m) { return wire::decode_release(bytes, identity(), m); });
}

void fuzz_renewal(Bytes content) {
  const auto message = with_code(content, "skink/1/renewal");
  wire::Renewal renewal;
  const Status status = wire::decode_renewal(view(message), identity(), renewal);
  promise(status == Status::kOk || status == Status::kDamaged, "a valid code is accepted");
  if (status != Status::kOk) return;
  check_round_trip(
      renewal,
      [](const auto& m, MutableBytes out, std::size_t& written) {
        return wire::encode_renewal(m, identity(), out, written);
      },
      [](Bytes bytes, auto& m) { return wire::decode_renewal(bytes, identity(), m); });
}

void fuzz_credentials(Bytes content) {
  const auto message = with_code(content, "skink/1/credentials");
  wire::Credentials credentials;
  const Status status = wire::decode_credentials(view(message), identity(), credentials);
  promise(status == Status::kOk || status == Status::kDamaged, "a valid code is accepted");
  if (status != Status::kOk) return;
  check_round_trip(
      credentials,
      [](const auto& m, MutableBytes out, std::size_t& written) {
        return wire::encode_credentials(m, identity(), out, written);
      },
      [](Bytes bytes, auto& m) { return wire::decode_credentials(bytes, identity(), m); });
}

void fuzz_update(Bytes content) {
  const auto message = with_code(content, "skink/1/update");
  wire::Update update;
  Bytes payload;
  const Status status = wire::decode_update(view(message), identity(), update, payload);
  promise(status == Status::kOk || status == Status::kDamaged, "a valid code is accepted");
  if (status != Status::kOk) return;
  promise(std::memchr(update.uplink, 0, sizeof update.uplink) != nullptr, "texts end");
  if (!payload.empty()) {
    promise(payload.data() >= message.data() && payload.end() <= message.data() + content.size(), "payload inside");
  }
  promise(wire::refusal_text(update.refusal) != nullptr, "every refusal has a text");
}

}  // namespace

void fuzz_messages(Bytes input) {
  if (input.empty()) return;
  const Bytes content = input.subspan(1);
  switch (input[0] % 7) {
    case 0: fuzz_state(content); break;
    case 1: fuzz_task(content); break;
    case 2: fuzz_reply(content); break;
    case 4: fuzz_announcement(content); break;
    case 5: fuzz_renewal(content); break;
    case 6: fuzz_credentials(content); break;
    default: fuzz_update(content); break;
  }
}

}  // namespace skink::test
