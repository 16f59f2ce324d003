#include "skink/common/wire/messages.hpp"

#include <catch2/catch.hpp>
#include <cstring>
#include <random>
#include <set>
#include <string>
#include <vector>

using namespace skink;
using wire::Identity;
using wire::Outcome;

namespace {

using Message = std::vector<std::uint8_t>;

Bytes view(const Message& message) { return {message.data(), message.size()}; }

Identity identity(const char* id = "device-1", std::uint8_t key = 9) {
  Identity result;
  result.device_id = id;
  std::memset(result.key.bytes, key, sizeof result.key.bytes);
  return result;
}

template <class Encode>
Message encoded(Encode encode, std::size_t room = 8192) {
  Message out(room);
  std::size_t written = 0;
  REQUIRE(encode(MutableBytes(out.data(), out.size()), written) == Status::kOk);
  out.resize(written);
  return out;
}

Message encode(const wire::Task& task, const Identity& who = identity()) {
  return encoded([&](MutableBytes out, std::size_t& written) { return wire::encode_task(task, who, out, written); });
}
Message encode(const wire::Reply& reply, const Identity& who = identity()) {
  return encoded([&](MutableBytes out, std::size_t& written) { return wire::encode_reply(reply, who, out, written); });
}
Message encode(const wire::State& state, const Identity& who = identity()) {
  return encoded([&](MutableBytes out, std::size_t& written) { return wire::encode_state(state, who, out, written); });
}

struct Payload {
  Message bytes;
  std::size_t next = 0;

  wire::PayloadSource source() {
    return {this,
            [](void* context, MutableBytes out) {
              auto& payload = *static_cast<Payload*>(context);
              std::memcpy(out.data(), payload.bytes.data() + payload.next, out.size());
              payload.next += out.size();
              return Status::kOk;
            },
            bytes.size()};
  }
};

Message encode(const wire::Update& update, const Message& payload_bytes, const Identity& who = identity()) {
  Payload payload{payload_bytes, 0};
  return encoded([&](MutableBytes out, std::size_t& written) {
    return wire::encode_update(update, payload.source(), who, out, written);
  });
}

wire::Task some_task(std::uint32_t seed) {
  std::mt19937_64 random(seed);
  const auto word = [&random] { return static_cast<std::uint32_t>(random()); };
  wire::Task task{};
  task.has_versions = true;
  task.versions = wire::own_versions();
  task.run = random();
  task.round = word();
  task.attempt = word();
  task.kind = seed % 2 == 0 ? skink_wire_TaskKind_TASK_KIND_ADAPT : skink_wire_TaskKind_TASK_KIND_EVALUATE;
  task.device_index = word();
  for (auto& byte : task.model_sha256) byte = static_cast<std::uint8_t>(random());
  task.model_bytes = word();
  task.seed = random();
  task.inner_learning_rate = static_cast<float>(word()) * 1e-9F;
  task.passes = word();
  task.batch_size = word();
  std::strncpy(task.uplink, seed % 3 == 0 ? "" : "int8", sizeof task.uplink - 1);
  task.time_left_ms = word();
  task.first_task = word();
  task.task_count = word();
  task.chunk_bytes = word();
  return task;
}

wire::Reply some_reply() {
  wire::Reply reply{};
  reply.run = 0x0123456789abcdefULL;
  reply.round = 4000000000U;
  reply.attempt = 3;
  reply.verdict = skink_wire_Verdict_VERDICT_RESEND;
  reply.reason = skink_wire_Refusal_REFUSAL_LATE;
  reply.chunk = 77;
  return reply;
}

wire::Update some_update(Outcome outcome) {
  wire::Update update;
  update.id = {1700000000000ULL, 12, 2};
  update.outcome = outcome;
  update.chunk = 1;
  update.chunk_count = 3;
  update.offset = 4096;
  update.total_bytes = 10000;
  std::strcpy(update.uplink, "float32");
  update.support_samples = 25;
  if (outcome == Outcome::kEvaluated) update.evaluation = {4, 40, 10, 35, std::uint64_t{1} << 41, 123456789, 1};
  if (outcome == Outcome::kRefused) update.refusal = wire::Refusal::kDoesNotFit;
  update.needed_bytes = 100000;
  update.available_bytes = 65536;
  return update;
}

Message numbers(std::size_t size) {
  Message bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(i * 31 + 7);
  return bytes;
}

/// Appends the code of a channel to any bytes.
Message authenticated(Message bytes, const char* label, const Identity& who = identity()) {
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

Status decode_task(const Message& message, const Identity& who = identity()) {
  wire::Task task{};
  return wire::decode_task(view(message), who, task);
}
Status decode_reply(const Message& message, const Identity& who = identity()) {
  wire::Reply reply{};
  return wire::decode_reply(view(message), who, reply);
}
Status decode_update(const Message& message, const Identity& who = identity()) {
  wire::Update update;
  Bytes payload;
  return wire::decode_update(view(message), who, update, payload);
}

using Decoder = Status (*)(const Message&, const Identity&);

}  // namespace

TEST_CASE("messages: states come back", "[common][wire][messages]") {
  wire::State state{};
  state.has_versions = true;
  state.versions = wire::own_versions();
  state.online = true;
  std::strcpy(state.firmware, "skink-edge 0.1.0 (linux x86_64)!");  // 32 characters
  state.arena_bytes = 65536;
  state.battery_percent = 255;
  state.reset_reason = 4;
  state.challenge = 0x0123456789abcdef;
  const Message message = encode(state);
  CHECK(message.size() < wire::kMaxControlBytes);
  wire::State decoded{};
  REQUIRE(wire::decode_state(view(message), identity(), decoded) == Status::kOk);
  CHECK(wire::same_versions(decoded.versions));
  CHECK(decoded.online);
  CHECK(std::string(decoded.firmware) == state.firmware);
  CHECK(decoded.arena_bytes == 65536);
  CHECK(decoded.battery_percent == 255);
  CHECK(decoded.reset_reason == 4);
  CHECK(decoded.challenge == state.challenge);
  CHECK(wire::decode_state({}, identity(), decoded) == Status::kOk);  // the last will has no bytes
  CHECK_FALSE(decoded.online);
  CHECK_FALSE(decoded.has_versions);
}

TEST_CASE("messages: tasks come back", "[common][wire][messages][property]") {
  const wire::Task task = some_task(GENERATE(range(0U, 50U)));
  const Message message = encode(task);
  CHECK(message.size() <= wire::kMaxControlBytes);
  wire::Task decoded{};
  REQUIRE(wire::decode_task(view(message), identity(), decoded) == Status::kOk);
  CHECK(wire::id_of(decoded) == wire::id_of(task));
  CHECK((decoded.has_versions && wire::same_versions(decoded.versions)));
  CHECK((decoded.kind == task.kind && decoded.device_index == task.device_index));
  CHECK(std::memcmp(decoded.model_sha256, task.model_sha256, sizeof task.model_sha256) == 0);
  CHECK((decoded.model_bytes == task.model_bytes && decoded.seed == task.seed));
  CHECK(decoded.inner_learning_rate == task.inner_learning_rate);
  CHECK((decoded.passes == task.passes && decoded.batch_size == task.batch_size));
  CHECK(std::string(decoded.uplink) == task.uplink);
  CHECK((decoded.time_left_ms == task.time_left_ms && decoded.chunk_bytes == task.chunk_bytes));
  CHECK((decoded.first_task == task.first_task && decoded.task_count == task.task_count));
}

TEST_CASE("messages: replies come back", "[common][wire][messages]") {
  const wire::Reply reply = some_reply();
  wire::Reply decoded{};
  REQUIRE(wire::decode_reply(view(encode(reply)), identity(), decoded) == Status::kOk);
  CHECK(wire::id_of(decoded) == wire::id_of(reply));
  CHECK((decoded.verdict == reply.verdict && decoded.reason == reply.reason && decoded.chunk == reply.chunk));
}

TEST_CASE("messages: updates come back with their payload in place", "[common][wire][messages]") {
  const auto outcome = GENERATE(Outcome::kAdapted, Outcome::kEvaluated, Outcome::kDiverged, Outcome::kRefused);
  const std::size_t size = GENERATE(0U, 1U, 63U, 64U, 65U, 127U, 128U, 4096U);
  const wire::Update update = some_update(outcome);
  const Message payload_bytes = numbers(size);
  const Message message = encode(update, payload_bytes);
  CHECK(message.size() <= size + wire::kUpdateOverheadBytes);
  wire::Update decoded;
  Bytes payload;
  REQUIRE(wire::decode_update(view(message), identity(), decoded, payload) == Status::kOk);
  CHECK(decoded.id == update.id);
  CHECK((decoded.outcome == outcome && decoded.refusal == update.refusal));
  CHECK((decoded.chunk == 1 && decoded.chunk_count == 3 && decoded.offset == 4096 && decoded.total_bytes == 10000));
  CHECK(std::string(decoded.uplink) == "float32");
  CHECK((decoded.support_samples == 25 && decoded.needed_bytes == 100000 && decoded.available_bytes == 65536));
  CHECK((decoded.evaluation.loss_before == update.evaluation.loss_before &&
         decoded.evaluation.correct_after == update.evaluation.correct_after &&
         decoded.evaluation.diverged_tasks == update.evaluation.diverged_tasks));
  CHECK(Message(payload.begin(), payload.end()) == payload_bytes);
  if (size != 0) {
    CHECK(payload.data() >= message.data());
    CHECK(payload.end() <= message.data() + message.size() - crypto::kTagBytes);
  }
}

TEST_CASE("messages: the largest update fits its stated overhead", "[common][wire][messages]") {
  wire::Update update = some_update(Outcome::kEvaluated);
  update.id = {~0ULL, ~0U, ~0U};
  update.chunk = update.chunk_count = update.offset = update.total_bytes = update.support_samples = ~0U;
  update.needed_bytes = update.available_bytes = ~0U;
  update.refusal = wire::Refusal::kRevoked;
  std::strcpy(update.uplink, "123456789012345678901234567890123456789");
  update.evaluation = {~0U, ~0U, ~0U, ~0U, ~0ULL, ~0ULL, ~0U};
  CHECK(encode(update, numbers(5000)).size() <= 5000 + wire::kUpdateOverheadBytes);
}

TEST_CASE("messages: any flipped bit and any truncation of an authenticated message is refused",
          "[common][wire][messages]") {
  const auto [message, decoder] =
      GENERATE(table<Message, Decoder>({{encode(some_task(1)), &decode_task},
                                        {encode(some_reply()), &decode_reply},
                                        {encode(some_update(Outcome::kAdapted), numbers(100)), &decode_update}}));
  REQUIRE(decoder(message, identity()) == Status::kOk);
  for (std::size_t bit = 0; bit < 8 * message.size(); ++bit) {
    Message flipped = message;
    flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ (1U << (bit % 8)));
    if (decoder(flipped, identity()) != Status::kWrongAuthentication) FAIL("bit " << bit);
  }
  for (std::size_t size = 0; size < message.size(); ++size) {
    const Message shorter(message.begin(), message.begin() + static_cast<std::ptrdiff_t>(size));
    const Status expected = size < crypto::kTagBytes ? Status::kTruncated : Status::kWrongAuthentication;
    if (decoder(shorter, identity()) != expected) FAIL("length " << size);
  }
  Message longer = message;
  longer.push_back(0);
  CHECK(decoder(longer, identity()) == Status::kWrongAuthentication);
}

TEST_CASE("messages: a code holds for one channel, one device and one key only", "[common][wire][messages]") {
  const Message task = encode(some_task(1));
  const Message reply = encode(some_reply());
  const Message update = encode(some_update(Outcome::kAdapted), numbers(10));
  CHECK(decode_reply(task) == Status::kWrongAuthentication);
  CHECK(decode_update(task) == Status::kWrongAuthentication);
  CHECK(decode_task(reply) == Status::kWrongAuthentication);
  CHECK(decode_update(reply) == Status::kWrongAuthentication);
  CHECK(decode_task(update) == Status::kWrongAuthentication);
  CHECK(decode_reply(update) == Status::kWrongAuthentication);
  CHECK(decode_task(task, identity("device-2")) == Status::kWrongAuthentication);
  CHECK(decode_task(task, identity("device-1", 8)) == Status::kWrongAuthentication);
}

TEST_CASE("messages: the code is the one of the protocol", "[common][wire][messages]") {
  const Message message = encode(some_task(1));
  const Message content(message.begin(), message.end() - crypto::kTagBytes);
  CHECK(authenticated(content, "skink/1/task") == message);
  CHECK(decode_reply(authenticated(content, "skink/1/reply")) != Status::kWrongAuthentication);
}

TEST_CASE("messages: authentic bytes that are no message are refused", "[common][wire][messages]") {
  CHECK(decode_task(authenticated({0xff, 0xff, 0xff}, "skink/1/task")) == Status::kDamaged);
  CHECK(decode_reply(authenticated({0x09, 1, 2}, "skink/1/reply")) == Status::kDamaged);  // a fixed64 that ends early
  CHECK(decode_update(authenticated({0x7a, 200, 1}, "skink/1/update")) == Status::kDamaged);  // payload: length lies
  CHECK(decode_update(authenticated({}, "skink/1/update")) == Status::kDamaged);              // no outcome
  CHECK(decode_update(authenticated({0x20, 5}, "skink/1/update")) == Status::kDamaged);       // unknown outcome
  CHECK(decode_update(authenticated({0x20, 2}, "skink/1/update")) == Status::kDamaged);       // no evaluation
  CHECK(decode_update(authenticated({0x20, 4, 0x60, 8}, "skink/1/update")) == Status::kOk);
  // The payload as a number, fixed32 and fixed64 instead of bytes: nothing in the message could be pointed at.
  CHECK(decode_update(authenticated({0x20, 4, 0x78, 1}, "skink/1/update")) == Status::kDamaged);
  CHECK(decode_update(authenticated({0x20, 4, 0x7d, 1, 2, 3, 4}, "skink/1/update")) == Status::kDamaged);
  CHECK(decode_update(authenticated({0x20, 4, 0x79, 1, 2, 3, 4, 5, 6, 7, 8}, "skink/1/update")) == Status::kDamaged);
  Message long_name = {0x4a, 40};  // uplink of 40 bytes: one more than there may be
  long_name.resize(2 + 40, 'x');
  CHECK(decode_update(authenticated(long_name, "skink/1/update")) == Status::kDamaged);
  Message short_hash = {0x3a, 31};  // model_sha256 of 31 bytes
  short_hash.resize(2 + 31, 1);
  CHECK(decode_task(authenticated(short_hash, "skink/1/task")) == Status::kDamaged);
}

TEST_CASE("messages: unknown kinds, and verdicts count as unspecified, unknown reasons as other",
          "[common][wire][messages]") {
  // 257 and 2^32 - 1: numbers that a narrower type would take for another. The last value of a field wins.
  const std::vector<Message> unknown = {{14}, {99}, {0x81, 0x02}, {0xff, 0xff, 0xff, 0xff, 0x0f}};
  for (const Message& number : unknown) {
    const auto with_field = [&number](Message content, std::uint8_t field) {
      content.push_back(field);
      content.insert(content.end(), number.begin(), number.end());
      return content;
    };
    const Message task = authenticated(with_field({}, 0x28), "skink/1/task");
    wire::Task decoded_task = some_task(0);
    REQUIRE(wire::decode_task(view(task), identity(), decoded_task) == Status::kOk);
    CHECK(decoded_task.kind == skink_wire_TaskKind_TASK_KIND_UNSPECIFIED);
    const Message reply = authenticated(with_field(with_field({}, 0x20), 0x28), "skink/1/reply");
    wire::Reply decoded_reply = some_reply();
    REQUIRE(wire::decode_reply(view(reply), identity(), decoded_reply) == Status::kOk);
    CHECK(decoded_reply.verdict == skink_wire_Verdict_VERDICT_UNSPECIFIED);
    CHECK(decoded_reply.reason == skink_wire_Refusal_REFUSAL_OTHER);
    CHECK(decode_update(authenticated(with_field({}, 0x20), "skink/1/update")) == Status::kDamaged);
    const Message refusal = authenticated(with_field({0x20, 4}, 0x60), "skink/1/update");
    wire::Update decoded_update;
    Bytes payload;
    REQUIRE(wire::decode_update(view(refusal), identity(), decoded_update, payload) == Status::kOk);
    CHECK(decoded_update.refusal == wire::Refusal::kOther);
  }
}

TEST_CASE("messages: unknown fields are skipped", "[common][wire][messages]") {
  const Message message = encode(some_task(2));
  Message content(message.begin(), message.end() - crypto::kTagBytes);
  content.insert(content.end(), {0xc2, 0x3e, 3, 'a', 'b', 'c'});  // field 1000, three bytes
  wire::Task decoded{};
  const Message longer = authenticated(content, "skink/1/task");
  REQUIRE(wire::decode_task(view(longer), identity(), decoded) == Status::kOk);
  CHECK(wire::id_of(decoded) == wire::id_of(some_task(2)));
}

TEST_CASE("messages: memory that is too small is reported, never overrun", "[common][wire][messages]") {
  const wire::Task task = some_task(1);
  const std::size_t needed = encode(task).size();
  for (std::size_t room = 0; room < needed; ++room) {
    Message out(room + 8, 0xee);
    std::size_t written = 0;
    if (wire::encode_task(task, identity(), {out.data(), room}, written) != Status::kBufferTooSmall) FAIL(room);
    if (!std::all_of(out.begin() + static_cast<std::ptrdiff_t>(room), out.end(), [](auto b) { return b == 0xee; })) {
      FAIL("overrun at " << room);
    }
  }
  Message out(needed);
  std::size_t written = 0;
  CHECK(wire::encode_task(task, identity(), {out.data(), needed}, written) == Status::kOk);
}

TEST_CASE("messages: a payload that cannot be read fails the encoding", "[common][wire][messages]") {
  const wire::PayloadSource failing{nullptr, [](void*, MutableBytes) { return Status::kUnavailable; }, 10};
  Message out(1000);
  std::size_t written = 0;
  const auto update = some_update(Outcome::kAdapted);
  CHECK(wire::encode_update(update, failing, identity(), {out.data(), out.size()}, written) != Status::kOk);
}

TEST_CASE("messages: versions differ when any of the three does", "[common][wire][messages]") {
  wire::Versions versions = wire::own_versions();
  CHECK(wire::same_versions(versions));
  const auto number = GENERATE(&wire::Versions::protocol, &wire::Versions::arithmetic, &wire::Versions::codec);
  versions.*number += 1;
  CHECK_FALSE(wire::same_versions(versions));
}

TEST_CASE("messages: every refusal has a name of its own, equal to that of the protocol", "[common][wire][messages]") {
  std::set<std::string> names;
  std::size_t count = 0;
  for (std::size_t number = 0; number < wire::kRefusalCount; ++number) {
    const std::string name = wire::refusal_text(static_cast<wire::Refusal>(number));
    const bool exists = number <= 13 || number >= 20;
    CHECK((name != "unknown") == exists);
    if (!exists) continue;
    names.insert(name);
    ++count;
  }
  CHECK(names.size() == count);
}
