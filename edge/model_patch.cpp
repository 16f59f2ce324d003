#include "skink/edge/model_patch.hpp"

#include <string.h>

#include "alignment.hpp"
#include "skink/common/codec/decoder.hpp"

namespace skink::edge {

void ModelPatch::begin(model::ModelInfo& base, const model::ByteSource& phi, uint64_t seed,
                       MutableBytes memory) noexcept {
  base_ = &base;
  phi_ = phi;
  seed_ = seed;
  memory_ = memory;
  restart();
}

void ModelPatch::restart() noexcept {
  reading_ = Reading::kNameLength;
  size_ = 0;
}

Status ModelPatch::add(Bytes bytes) noexcept {
  while (!bytes.empty()) {
    if (reading_ != Reading::kPatch) {
      const Status status = take(bytes[0]);
      if (status != Status::kOk) return status;
      bytes = bytes.subspan(1);
      ++size_;
      continue;
    }
    const size_t left = wanted_ - have_;
    const Bytes part = bytes.first(bytes.size() < left ? bytes.size() : left);
    memcpy(buffer_.data() + have_, part.data(), part.size());
    have_ += static_cast<uint32_t>(part.size());
    size_ += static_cast<uint32_t>(part.size());
    bytes = bytes.subspan(part.size());
    if (have_ < wanted_) continue;
    const Status status = apply();
    if (status != Status::kOk) return status;
  }
  return Status::kOk;
}

/// A byte of anything but a patch.
Status ModelPatch::take(uint8_t byte) noexcept {
  switch (reading_) {
    case Reading::kNameLength:
      if (byte == 0 || byte > codec::kMaxNameBytes) return Status::kDamaged;
      wanted_ = byte;
      have_ = 0;
      reading_ = Reading::kName;
      return Status::kOk;
    case Reading::kName:
      name_[have_++] = static_cast<char>(byte);
      if (have_ < wanted_) return Status::kOk;
      name_[wanted_] = '\0';
      number_ = 0;
      shift_ = 0;
      reading_ = Reading::kFrozen;
      return codec::parse(name_, codec_) ? Status::kOk : Status::kUnsupported;
    case Reading::kFrozen:
    case Reading::kRound:
    case Reading::kLength: break;
    case Reading::kPatch: return Status::kDamaged;  // add() reads these
  }
  if (shift_ > 28 || (shift_ == 28 && byte > 0x0f)) return Status::kDamaged;
  number_ |= uint32_t{byte & 0x7fU} << shift_;
  shift_ = static_cast<uint8_t>(shift_ + 7);
  if ((byte & 0x80) != 0) return Status::kOk;
  const uint32_t number = number_;
  number_ = 0;
  shift_ = 0;
  if (reading_ == Reading::kFrozen) {
    frozen_ = number;
    return finish_head();
  }
  if (reading_ == Reading::kRound) {
    round_ = number;
    reading_ = Reading::kLength;
    return Status::kOk;
  }
  if (number == 0) {  // a round that changed nothing
    ++round_;
    return Status::kOk;
  }
  if (number > buffer_.size()) return Status::kDamaged;
  wanted_ = number;
  have_ = 0;
  reading_ = Reading::kPatch;
  return Status::kOk;
}

/// Now it is known how much memory a patch needs.
Status ModelPatch::finish_head() noexcept {
  nn::Network& network = base_->model.network;
  if (network.freeze(frozen_) != Status::kOk) return Status::kDamaged;
  const size_t parameters = network.parameter_count();
  const size_t needed = codec::patch_bytes(codec_, network);
  if (!is_aligned(memory_)) return Status::kInvalidArgument;
  if (memory_.size() < 4 * parameters + needed) return Status::kBufferTooSmall;
  parameters_ = {reinterpret_cast<float*>(memory_.data()), parameters};
  buffer_ = memory_.subspan(4 * parameters, needed);
  reading_ = Reading::kRound;
  return model::read_parameters(phi_, *base_, 0, parameters_);
}

Status ModelPatch::apply() noexcept {
  const codec::Key key{seed_, round_, codec::kCoordinator};
  ++round_;
  reading_ = Reading::kLength;
  return codec::apply(codec_, base_->model.network, key, buffer_.first(wanted_), parameters_);
}

Status ModelPatch::finish() noexcept {
  if (reading_ != Reading::kLength || shift_ != 0) return Status::kDamaged;
  return file_.begin(base_->model, parameters_);
}

}  // namespace skink::edge
