#include "skink/edge/linux/device_state.hpp"

#include <filesystem>
#include <utility>

#include "skink/common/little_endian.hpp"
#include "skink/host/files/files.hpp"

namespace skink::edge {
namespace {

constexpr std::size_t kMagicBytes = 4;
constexpr std::size_t kTaskBytes = kMagicBytes + 16;
constexpr std::size_t kModelHeadBytes = kMagicBytes + 4;

/// "SKE", then what the file is of.
std::string magic_of(const char* kind) { return std::string("SKE") + kind[0]; }

const std::uint8_t* bytes_at(const std::string& content, std::size_t offset) {
  return reinterpret_cast<const std::uint8_t*>(content.data()) + offset;
}

}  // namespace

DeviceState::DeviceState(std::string folder, const std::string& device_id) : base_(std::move(folder)) {
  if (!base_.empty()) base_ += "/" + device_id;
}

std::string DeviceState::path(const char* kind) const { return base_ + "." + kind; }

/// The content of a file, which has at least its head.
Result<std::optional<std::string>> DeviceState::read(const char* kind, std::size_t head_bytes) const {
  if (base_.empty() || !std::filesystem::exists(path(kind))) return std::optional<std::string>();
  Result<std::string> content = read_file(path(kind));
  if (!content) return because(content.error(), Cause::kStore);
  if (content->size() < head_bytes || content->compare(0, kMagicBytes, magic_of(kind)) != 0) {
    return make_error(Status::kDamaged, path(kind) + ": not what skink-edge has written; remove it", Cause::kStore);
  }
  return std::optional(std::move(*content));
}

Result<std::optional<wire::RoundId>> DeviceState::task() const {
  const auto content = read("task", kTaskBytes);
  if (!content) return content.error();
  if (!*content) return std::optional<wire::RoundId>();
  const std::uint8_t* at = bytes_at(**content, kMagicBytes);
  return std::optional(wire::RoundId{load_u64(at), load_u32(at + 8), load_u32(at + 12)});
}

Result<void> DeviceState::save_task(const wire::RoundId& id) const {
  if (base_.empty()) return {};
  std::uint8_t bytes[kTaskBytes - kMagicBytes];
  store_u64(bytes, id.run);
  store_u32(bytes + 8, id.round);
  store_u32(bytes + 12, id.attempt);
  return write_file(path("task"), magic_of("task").append(text_of(Bytes(bytes))));
}

Result<std::optional<KeptModel>> DeviceState::read_model(const char* kind) const {
  const auto content = read(kind, kModelHeadBytes + 1);
  if (!content) return content.error();
  if (!*content) return std::optional<KeptModel>();
  KeptModel kept;
  kept.number = load_u32(bytes_at(**content, kMagicBytes));
  kept.file.assign(bytes_at(**content, kModelHeadBytes), bytes_at(**content, (*content)->size()));
  return std::optional(std::move(kept));
}

Result<void> DeviceState::save_model(const char* kind, std::uint32_t number, Bytes file) const {
  if (base_.empty()) return {};
  std::uint8_t bytes[kModelHeadBytes - kMagicBytes];
  store_u32(bytes, number);
  return write_file(path(kind), magic_of(kind).append(text_of(Bytes(bytes))).append(text_of(file)));
}

Result<std::optional<KeptModel>> DeviceState::model() const { return read_model("model"); }
Result<std::optional<KeptModel>> DeviceState::release() const { return read_model("release"); }
Result<void> DeviceState::save_model(Bytes file) const { return save_model("model", 0, file); }
Result<void> DeviceState::save_release(std::uint32_t number, Bytes file) const {
  return save_model("release", number, file);
}

}  // namespace skink::edge
