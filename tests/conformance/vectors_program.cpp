/// @file
/// What the libraries make of the test vectors, a line of standard input and one of standard output each
/// (vectors_test.py):
///
///   key MASTER FLEET DEVICE            the device key
///   message KIND DEVICE KEY BYTES      the message (bytes and code), decoded and encoded again; refused
///   philox SEED BLOCK PURPOSE ROUND DEVICE
///   permute N K0 K1 K2 K3              all elements
///   FUNCTION BITS                      exp, log, tanh, sin, cos
///   uniform WORD LOW HIGH
///   model BYTES                        the file, read and written again; refused
///   chain MODEL SEED CHAIN             the model file that the chain makes; refused
///
/// Bytes and the bits of numbers are hexadecimal.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "skink/common/arithmetic/elementary.hpp"
#include "skink/common/arithmetic/permutation.hpp"
#include "skink/common/arithmetic/philox.hpp"
#include "skink/common/crypto/crypto.hpp"
#include "skink/common/model/model_file.hpp"
#include "skink/common/wire/messages.hpp"
#include "skink/edge/model_patch.hpp"

using namespace skink;

namespace {

using Buffer = std::vector<std::uint8_t>;

[[noreturn]] void fail(const std::string& reason) {
  std::fprintf(stderr, "vectors_program: %s\n", reason.c_str());
  std::exit(2);
}

Buffer bytes_of(const std::string& hex) {
  Buffer bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<std::uint8_t>(std::stoul(hex.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

std::uint32_t word_of(const std::string& hex) { return static_cast<std::uint32_t>(std::stoul(hex, nullptr, 16)); }

float float_of(const std::string& hex) {
  const std::uint32_t bits = word_of(hex);
  float number = 0;
  std::memcpy(&number, &bits, sizeof number);
  return number;
}

/// Of a number without the sign of a zero.
std::string text_of(float number) {
  const float unsigned_zero = number + 0.0F;
  std::uint32_t bits = 0;
  std::memcpy(&bits, &unsigned_zero, sizeof bits);
  char text[9];
  std::snprintf(text, sizeof text, "%08x", bits);
  return text;
}

std::string text_of(const std::uint8_t* bytes, std::size_t count) {
  std::string text;
  char digits[3];
  for (std::size_t i = 0; i < count; ++i) {
    std::snprintf(digits, sizeof digits, "%02x", bytes[i]);
    text += digits;
  }
  return text;
}

crypto::Key key_of(const std::string& hex) {
  const Buffer bytes = bytes_of(hex);
  crypto::Key key;
  if (bytes.size() != sizeof key.bytes) fail("no key: " + hex);
  std::memcpy(key.bytes, bytes.data(), sizeof key.bytes);
  return key;
}

std::string device_key(std::istream& words) {
  std::string master;
  std::string fleet;
  std::string device;
  words >> master >> fleet >> device;
  const crypto::Key key =
      crypto::device_key(key_of(master), {fleet.data(), fleet.size()}, {device.data(), device.size()});
  return text_of(key.bytes, sizeof key.bytes);
}

Status copy_payload(void* context, MutableBytes out) {
  std::memcpy(out.data(), static_cast<const Bytes*>(context)->data(), out.size());
  return Status::kOk;
}

Status recode(const std::string& kind, const Buffer& message, const wire::Identity& identity, Buffer& out,
              std::size_t& written) {
  const Bytes bytes(message.data(), message.size());
  const MutableBytes room(out.data(), out.size());
  wire::State state{};
  wire::Task task{};
  wire::Reply reply{};
  wire::Release release{};
  wire::Update update;
  Bytes payload;
  Status status = Status::kUnsupported;
  if (kind == "state" && (status = wire::decode_state(bytes, identity, state)) == Status::kOk) {
    return wire::encode_state(state, identity, room, written);
  }
  if (kind == "task" && (status = wire::decode_task(bytes, identity, task)) == Status::kOk) {
    return wire::encode_task(task, identity, room, written);
  }
  if (kind == "release" && (status = wire::decode_release(bytes, identity, release)) == Status::kOk) {
    return wire::encode_release(release, identity, room, written);
  }
  if (kind == "reply" && (status = wire::decode_reply(bytes, identity, reply)) == Status::kOk) {
    return wire::encode_reply(reply, identity, room, written);
  }
  if (kind == "update" && (status = wire::decode_update(bytes, identity, update, payload)) == Status::kOk) {
    const wire::PayloadSource source{&payload, &copy_payload, payload.size()};
    return wire::encode_update(update, source, identity, room, written);
  }
  return status;
}

std::string message(std::istream& words) {
  std::string kind;
  std::string device;
  std::string key;
  std::string bytes;
  words >> kind >> device >> key >> bytes;
  Buffer out(1024);
  std::size_t written = 0;
  const Status status = recode(kind, bytes_of(bytes), {device.c_str(), key_of(key)}, out, written);
  return status == Status::kOk ? text_of(out.data(), written) : "refused";
}

std::string philox(std::istream& words) {
  std::uint64_t seed = 0;
  std::uint32_t at[4] = {};
  words >> seed >> at[0] >> at[1] >> at[2] >> at[3];
  const arithmetic::PhiloxBlock block = arithmetic::philox(seed, at[0], at[1], at[2], at[3]);
  char text[36];
  std::snprintf(text, sizeof text, "%08x %08x %08x %08x", block.words[0], block.words[1], block.words[2],
                block.words[3]);
  return text;
}

std::string permute(std::istream& words) {
  std::uint32_t size = 0;
  arithmetic::PhiloxBlock key{};
  words >> size;
  for (std::uint32_t& word : key.words) {
    std::string hex;
    words >> hex;
    word = word_of(hex);
  }
  std::string text;
  for (std::uint32_t i = 0; i < size; ++i) {
    text += (i == 0 ? "" : " ") + std::to_string(arithmetic::permute(i, size, key));
  }
  return text;
}

std::string uniform(std::istream& words) {
  std::string word;
  float low = 0;
  float high = 0;
  words >> word >> low >> high;
  return text_of(arithmetic::uniform(word_of(word))) + " " +
         text_of(arithmetic::uniform_between(word_of(word), low, high));
}

std::string elementary(const std::string& function, std::istream& words) {
  std::string bits;
  words >> bits;
  const float x = float_of(bits);
  if (function == "exp") return text_of(arithmetic::exp(x));
  if (function == "log") return text_of(arithmetic::log(x));
  if (function == "tanh") return text_of(arithmetic::tanh(x));
  if (function == "sin") return text_of(arithmetic::sin(x));
  if (function == "cos") return text_of(arithmetic::cos(x));
  fail("no such question: " + function);
}

std::string image_of(const model::FileImage& image) {
  Buffer file(image.size());
  image.read(0, {file.data(), file.size()});
  return text_of(file.data(), file.size());
}

std::string model_file(std::istream& words) {
  std::string hex;
  words >> hex;
  const Buffer file = bytes_of(hex);
  const Bytes bytes(file.data(), file.size());
  const model::ByteSource source = model::source_of(bytes);
  model::ModelInfo info;
  if (model::inspect(source, info) != Status::kOk) return "refused";
  std::vector<float> parameters(info.model.network.parameter_count());
  const Span<float> span(parameters.data(), parameters.size());
  model::FileImage image;
  if (model::read_parameters(source, info, 0, span) != Status::kOk) return "refused";
  if (image.begin(info.model, {parameters.data(), parameters.size()}) != Status::kOk) return "refused";
  return image_of(image);
}

std::string chain(std::istream& words) {
  std::string hex;
  std::uint64_t seed = 0;
  std::string patches;
  words >> hex >> seed >> patches;
  const Buffer file = bytes_of(hex);
  const Buffer bytes = bytes_of(patches);
  const Bytes view(file.data(), file.size());
  const model::ByteSource source = model::source_of(view);
  model::ModelInfo base;
  if (model::inspect(source, base) != Status::kOk) return "refused";
  std::vector<std::uint32_t> memory(1 << 14);
  edge::ModelPatch patch;
  patch.begin(base, source, seed, {reinterpret_cast<std::uint8_t*>(memory.data()), 4 * memory.size()});
  if (patch.add({bytes.data(), bytes.size()}) != Status::kOk || patch.finish() != Status::kOk) return "refused";
  return image_of(patch.file());
}

std::string answer(const std::string& kind, std::istream& words) {
  if (kind == "key") return device_key(words);
  if (kind == "message") return message(words);
  if (kind == "philox") return philox(words);
  if (kind == "permute") return permute(words);
  if (kind == "uniform") return uniform(words);
  if (kind == "model") return model_file(words);
  if (kind == "chain") return chain(words);
  return elementary(kind, words);
}

}  // namespace

int main() {
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string kind;
    words >> kind;
    std::puts(answer(kind, words).c_str());
  }
  return 0;
}
