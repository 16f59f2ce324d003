#include "dense_codec.hpp"

#include <string.h>

#include "encoder_passes.hpp"
#include "skink/common/little_endian.hpp"

namespace skink::codec {

void DenseCoder::Scale::add(Span<const float> numbers, Quantizer quantizer) noexcept {
  count_ += static_cast<uint32_t>(numbers.size());
  if (quantizer == Quantizer::kSign) mean_.add(numbers);
  const uint32_t here = largest_bits(numbers);
  if (here > largest_) largest_ = here;
}

uint16_t DenseCoder::Scale::finish(const DenseCoder& coder) const noexcept {
  if (coder.codec_.quantizer == Quantizer::kSign) return scale_rounded(mean_.mean(count_));
  return coder.quantizer_.scale_for(Traits::from_bits(largest_));
}

uint16_t DenseCoder::scale_of(uint32_t first, Span<float> numbers) noexcept {
  if (codec_.is_eden()) return eden_.encode(first, numbers);
  Scale scale;
  scale.add(numbers, codec_.quantizer);
  return scale.finish(*this);
}

size_t DenseCoder::encode(uint32_t first, uint16_t scale, Span<float> numbers) noexcept {
  auto* out = reinterpret_cast<uint8_t*>(numbers.data());
  const size_t bytes = code_bytes(codec_, static_cast<uint32_t>(numbers.size()));
  if (codec_.quantizer == Quantizer::kFloat32) {
    for (size_t i = 0; !kIsLittleEndian && i < numbers.size(); ++i) store_float(out + 4 * i, numbers[i]);
  } else if (has_levels(codec_.quantizer)) {
    encode_levels(first, scale, numbers, out);
  } else if (codec_.quantizer == Quantizer::kSign && scale == 0) {
    memset(out, 0, bytes);
  } else if (codec_.quantizer == Quantizer::kSign) {
    pack_signs(numbers, out);
  }
  return bytes;
}

/// Every byte is written after the numbers that are still to be read.
void DenseCoder::encode_levels(uint32_t first, uint16_t scale, Span<float> numbers, uint8_t* out) noexcept {
  quantizer_.set_scale(scale);
  auto* levels = reinterpret_cast<int8_t*>(out);
  quantizer_.levels(first, numbers, levels);
  const auto count = static_cast<uint32_t>(numbers.size());
  if (codec_.quantizer == Quantizer::kInt4) pack_int4(levels, count, out);
  if (codec_.quantizer == Quantizer::kTernary) pack_ternary(levels, count, out);
}

template <>
Status DenseCoder::decode<false>(uint32_t first, uint16_t scale, const uint8_t* codes, Span<float> numbers) noexcept {
  if (codec_.quantizer == Quantizer::kFloat32) {
    for (size_t i = 0; i < numbers.size(); ++i) numbers[i] = load_float(codes + 4 * i);
    return Status::kOk;
  }
  const float s = scale_value(scale);
  const Status status = has_levels(codec_.quantizer) ? decode_levels(codes, numbers) : decode_bits(codes, numbers);
  if (status != Status::kOk) return status;
  if (codec_.is_eden()) {
    eden_.decode(first, scale, numbers);
    return Status::kOk;
  }
  for (float& number : numbers) number *= s;
  return Status::kOk;
}

Status DenseCoder::decode_levels(const uint8_t* codes, Span<float> numbers) const noexcept {
  const size_t count = numbers.size();
  if (codec_.quantizer == Quantizer::kInt8) {
    for (size_t i = 0; i < count; ++i) {
      const auto level = static_cast<int8_t>(codes[i]);
      if (level < -127) return Status::kDamaged;
      numbers[i] = static_cast<float>(level);
    }
    return Status::kOk;
  }
  if (codec_.quantizer == Quantizer::kInt4) {
    for (size_t i = 0; i < count; ++i) {
      const uint32_t four = (uint32_t{codes[i / 2]} >> (4 * (i % 2))) & 15U;
      if (four == 8) return Status::kDamaged;
      numbers[i] = static_cast<float>(static_cast<int32_t>(four ^ 8U) - 8);
    }
    return count % 2 != 0 && codes[count / 2] >> 4 != 0 ? Status::kDamaged : Status::kOk;
  }
  for (size_t i = 0; i < count; i += 5) {
    uint32_t sum = codes[i / 5];
    if (sum > 242) return Status::kDamaged;
    for (size_t k = i; k < i + 5; ++k, sum /= 3) {
      if (k < count) {
        numbers[k] = static_cast<float>(static_cast<int32_t>(sum % 3) - 1);
      } else if (sum != 0) {
        return Status::kDamaged;
      }
    }
  }
  return Status::kOk;
}

Status DenseCoder::decode_bits(const uint8_t* codes, Span<float> numbers) const noexcept {
  const uint32_t bits = width();
  const uint32_t mask = (1U << bits) - 1U;
  float values[16];
  for (uint32_t code = 0; code <= mask; ++code) {
    values[code] = codec_.is_eden() ? eden_.value(code) : code == 0 ? 1.0F : -1.0F;
  }
  uint32_t waiting = 0;
  uint32_t filled = 0;
  for (float& number : numbers) {
    if (filled < bits) {
      waiting |= uint32_t{*codes++} << filled;
      filled += 8;
    }
    number = values[waiting & mask];
    waiting >>= bits;
    filled -= bits;
  }
  return waiting == 0 ? Status::kOk : Status::kDamaged;
}

}  // namespace skink::codec
