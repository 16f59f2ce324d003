#include "skink/edge/internal/model_slot.hpp"

namespace skink::edge::internal {
namespace {

constexpr uint32_t kPieceBytes = 128;

}  // namespace

ModelSlot::ModelSlot(const model::ByteSource& memory) noexcept : memory_(memory) {}

Status ModelSlot::open(uint32_t bytes) noexcept {
  if (bytes == 0 || bytes > capacity()) return Status::kInvalidArgument;
  model::ByteSource file = memory_;
  file.size = bytes;
  const Status status = model::inspect(file, info_);
  has_model_ = status == Status::kOk;
  bytes_ = bytes;
  return status;
}

wire::Refusal ModelSlot::verify(uint32_t bytes, const crypto::Digest& wanted) noexcept {
  const Status status = open(bytes);
  if (has_model(wanted)) return wire::Refusal::kNone;
  has_model_ = false;
  switch (status) {
    case Status::kUnavailable: return wire::Refusal::kStorageFailed;
    case Status::kNewerVersion: return wire::Refusal::kUnusableModel;  // whose digest nobody can say where to find
    case Status::kDamaged:
    case Status::kTruncated: return wire::Refusal::kWrongModelHash;
    default: return info_.digest == wanted ? wire::Refusal::kUnusableModel : wire::Refusal::kWrongModelHash;
  }
}

bool ModelSlot::has_content(const crypto::Digest& sha256) const noexcept {
  crypto::Sha256 hash;
  uint8_t piece[kPieceBytes];
  for (uint32_t offset = 0; offset < bytes_;) {
    const uint32_t left = bytes_ - offset;
    const MutableBytes part{piece, left < kPieceBytes ? left : kPieceBytes};
    if (memory_.read(memory_.context, offset, part) != Status::kOk) return false;
    hash.add(part);
    offset += static_cast<uint32_t>(part.size());
  }
  return hash.finish() == sha256;
}

codec::NumberSource ModelSlot::parameters() noexcept {
  return {this, &read_parameters, model::parameters_in_place(memory_, info_)};
}

Status ModelSlot::read_parameters(void* context, size_t first, Span<float> out) noexcept {
  const auto& slot = *static_cast<const ModelSlot*>(context);
  return model::read_parameters(slot.memory_, slot.info_, first, out);
}

}  // namespace skink::edge::internal
