#include "top_k.hpp"

#include "skink/common/little_endian.hpp"

namespace skink::codec {

bool Selector::choose_exponent() noexcept {
  constexpr uint32_t kSmallestExponent = kSmallestKey >> 8;
  for (exponent_ = 254; exponent_ > kSmallestExponent && above_ + counts_[exponent_] < wanted_; --exponent_) {
    above_ += counts_[exponent_];
  }
  const uint32_t here = counts_[exponent_];
  if (above_ + here <= wanted_) {  // all of this exponent
    key_ = exponent_ << 8;
    above_ += here;
    --key_;  // of which none survives
    return false;
  }
  for (uint32_t& count : counts_) count = 0;
  return true;
}

void Selector::choose_fraction() noexcept {
  uint32_t fraction = 255;
  for (; above_ + counts_[fraction] < wanted_; --fraction) above_ += counts_[fraction];
  key_ = exponent_ << 8 | fraction;
  ties_ = wanted_ - above_;
}

Status SurvivorReader::begin(const Codec& codec, const nn::Network& network, Bytes encoded) noexcept {
  codec_ = codec;
  size_ = static_cast<uint32_t>(network.trainable_count());
  levels_ = LevelModel(codec.quantizer);
  if (encoded.size() < 2) return Status::kDamaged;
  mode_ = encoded[0];
  size_t place = 1;
  uint64_t count = 0;
  for (uint32_t shift = 0;; shift += 7) {
    if (place == encoded.size() || shift > 28) return Status::kDamaged;
    const uint8_t byte = encoded[place++];
    count |= uint64_t{byte & 0x7fU} << shift;
    if ((byte & 0x80U) != 0) continue;
    if (byte == 0 && shift > 0) return Status::kDamaged;  // could be shorter
    break;
  }
  if (count > size_ || count > survivor_count(codec, size_)) return Status::kDamaged;
  left_ = static_cast<uint32_t>(count);
  if (left_ == 0) return mode_ == 0 && place == encoded.size() ? Status::kOk : Status::kDamaged;
  const bool is_mode = mode_ <= kLargestRice || mode_ == kBitmapMode || (mode_ == kRangeMode && codec.range);
  if (!is_mode) return Status::kDamaged;
  if (codec.quantizer != Quantizer::kFloat32) {
    if (encoded.size() - place < 2) return Status::kDamaged;
    const uint16_t scale = load_u16(encoded.data() + place);
    if (!is_scale(scale)) return Status::kDamaged;
    scale_ = scale_value(scale);
    place += 2;
  }
  if (mode_ == kRangeMode) {
    coded_ = BitDecoder(encoded.subspan(place));
  } else {
    bits_ = BitReader(encoded.subspan(place));
  }
  return Status::kOk;
}

Status SurvivorReader::finish(bool sound) noexcept {
  has_value_ = false;
  return sound ? Status::kOk : Status::kDamaged;
}

Status SurvivorReader::next() noexcept {
  if (mode_ == kRangeMode) return next_in_range();
  if (left_ == 0) {
    if (mode_ != kBitmapMode) return finish(bits_.ends_here());
    uint32_t bit = 0;
    for (; next_ < size_; ++next_) {
      if (!bits_.take(1, bit) || bit != 0) return Status::kDamaged;
    }
    return finish(bits_.ends_here());
  }
  --left_;
  return mode_ == kBitmapMode ? next_in_bitmap() : next_rice();
}

Status SurvivorReader::next_rice() noexcept {
  uint32_t high = 0;
  uint32_t low = 0;
  const uint32_t room = size_ - next_;  // positions that are left
  if (room == 0 || !bits_.take_unary((room - 1) >> mode_, high) || !bits_.take(mode_, low)) return Status::kDamaged;
  const uint64_t gap = (uint64_t{high} << mode_) | low;
  if (gap >= room) return Status::kDamaged;
  position_ = next_ + static_cast<uint32_t>(gap);
  next_ = position_ + 1;
  return take_value();
}

Status SurvivorReader::next_in_bitmap() noexcept {
  uint32_t bit = 0;
  for (; next_ < size_; ++next_) {
    if (!bits_.take(1, bit)) return Status::kDamaged;
    if (bit == 0) continue;
    position_ = next_++;
    return take_value();
  }
  return Status::kDamaged;
}

Status SurvivorReader::next_in_range() noexcept {
  while (next_ < size_) {
    const bool opens_group = next_ % SurvivorModel::kGroup == 0;
    if (opens_group) {
      in_group_ = coded_.get(survivors_.any());
      survivors_.begin_group(in_group_);
    }
    if (!in_group_) {
      next_ += SurvivorModel::kGroup;
      continue;
    }
    position_ = next_++;
    const bool is_last = next_ % SurvivorModel::kGroup == 0 || next_ == size_;
    const bool survives = survivors_.must_survive(is_last) || coded_.get(survivors_.survives());
    survivors_.add(survives);
    if (!survives) continue;
    if (left_ == 0) return Status::kDamaged;
    --left_;
    return take_coded_value();
  }
  return finish(left_ == 0 && coded_.ends_here());
}

Status SurvivorReader::take_coded_value() noexcept {
  has_value_ = true;
  if (codec_.quantizer == Quantizer::kTernary) {
    value_ = coded_.get_plain() ? -scale_ : scale_;
    return Status::kOk;
  }
  int32_t level = 0;
  if (!levels_.get(coded_, level)) return Status::kDamaged;
  value_ = static_cast<float>(level) * scale_;
  return Status::kOk;
}

Status SurvivorReader::take_value() noexcept {
  has_value_ = true;
  uint32_t code = 0;
  const uint32_t width = value_bits(codec_.quantizer);
  if (!bits_.take(width, code)) return Status::kDamaged;
  switch (codec_.quantizer) {
    case Quantizer::kFloat32: value_ = Traits::from_bits(code); return Status::kOk;
    case Quantizer::kTernary: value_ = code != 0 ? -scale_ : scale_; return Status::kOk;
    default: break;
  }
  const uint32_t half = 1U << (width - 1U);
  if (code == half) return Status::kDamaged;  // -128, -8
  value_ = static_cast<float>(static_cast<int32_t>(code ^ half) - static_cast<int32_t>(half)) * scale_;
  return Status::kOk;
}

}  // namespace skink::codec
