#include "top_k_writer.hpp"

#include "change_reader.hpp"
#include "skink/common/little_endian.hpp"

namespace skink::codec {
namespace {

/// Rice: ones, a zero, low bits; then the value. Optimization: in one piece where it fits.
void put_survivor(BitWriter& bits, uint32_t gap, uint32_t parameter, uint32_t value, uint32_t width) noexcept {
  const uint32_t ones = gap >> parameter;
  const uint32_t low = gap & ((1U << parameter) - 1U);
  const uint32_t low_at = ones + 1;
  const uint32_t value_at = low_at + parameter;
  if (value_at + width <= 24) {
    bits.put(((1U << ones) - 1U) | low << low_at | value << value_at, value_at + width);
    return;
  }
  bits.put_unary(ones);
  bits.put_long(low, parameter);
  bits.put_long(value, width);
}

}  // namespace

Status TopKWriter::write(size_t& written) noexcept {
  Status status = select();
  if (status != Status::kOk) return status;
  header_ = 0;
  out_[header_++] = 0;
  const uint32_t survivors = selector_.survivors();
  for (uint32_t rest = survivors;; rest >>= 7) {
    out_[header_++] = static_cast<uint8_t>((rest & 0x7fU) | (rest > 0x7fU ? 0x80U : 0U));
    if (rest <= 0x7fU) break;
  }
  written = header_;
  if (survivors == 0) return Status::kOk;
  if (codec_.quantizer != Quantizer::kFloat32) header_ += 2;
  const size_t bitmap = (size_t{trainable_} + survivors * value_bits(codec_.quantizer) + 7) / 8;
  size_t best = 0;
  status = write_rice(best);
  if (status == Status::kOk && best > bitmap) {
    best = bitmap;
    out_[0] = kBitmapMode;
    if (!codec_.range) status = write_bitmap();
  }
  if (status == Status::kOk && codec_.range) status = write_range(best);
  if (codec_.quantizer == Quantizer::kTernary) scale_ = scale_rounded(mean_);
  if (codec_.quantizer != Quantizer::kFloat32) store_u16(out_.data() + header_ - 2, scale_);
  written = header_ + best;
  return status;
}

Status TopKWriter::select() noexcept {
  const bool has_largest = has_levels(codec_.quantizer) && codec_.quantizer != Quantizer::kTernary;
  uint32_t largest = 0;
  Status status = for_each_segment(codec_, change_, [&](const Segment& /*segment*/, Span<float> x) noexcept {
    selector_.count_exponents(x);
    const uint32_t here = has_largest ? largest_bits(x) : 0U;
    if (here > largest) largest = here;
  });
  if (status != Status::kOk) return status;
  if (!selector_.all_finite()) return Status::kNotFinite;
  if (has_largest) scale_ = DenseCoder(codec_, key_).leveller().scale_for(Traits::from_bits(largest));
  if (!selector_.choose_exponent()) return Status::kOk;
  status = for_each_segment(
      codec_, change_, [this](const Segment& /*segment*/, Span<float> x) noexcept { selector_.count_fractions(x); });
  if (status == Status::kOk) selector_.choose_fraction();
  return status;
}

uint32_t TopKWriter::value_code(DenseCoder& coder, float x, uint32_t ordinal) const noexcept {
  switch (codec_.quantizer) {
    case Quantizer::kFloat32: return Traits::to_bits(x);
    case Quantizer::kTernary: return Traits::to_bits(x) >> 31;  // the sign: no survivor is 0
    case Quantizer::kInt8: return static_cast<uint32_t>(coder.leveller().level(x, ordinal)) & 0xffU;
    default: return static_cast<uint32_t>(coder.leveller().level(x, ordinal)) & 15U;
  }
}

Status TopKWriter::write_rice(size_t& bytes) noexcept {
  const uint32_t parameter = rice_parameter(trainable_, selector_.survivors());
  const uint32_t width = value_bits(codec_.quantizer);
  BitWriter bits(out_.subspan(header_));
  DenseCoder coder(codec_, key_);
  coder.leveller().set_scale(scale_);
  Sieve sieve(selector_);
  MeanMagnitude mean;
  uint32_t next = 0;
  uint32_t ordinal = 0;
  out_[0] = static_cast<uint8_t>(parameter);
  const Status status = for_each_segment(codec_, change_, [&](const Segment& segment, Span<float> x) noexcept {
    for (uint32_t i = sieve.next(x, 0); i < x.size(); i = sieve.next(x, i + 1)) {
      const uint32_t gap = segment.first + i - next;
      next += gap + 1;
      put_survivor(bits, gap, parameter, value_code(coder, x[i], ordinal++), width);
      if (codec_.quantizer == Quantizer::kTernary) mean.add(x[i]);
    }
  });
  bits.finish();
  bytes = bits.written();
  mean_ = mean.mean(selector_.survivors());
  return status;
}

Status TopKWriter::write_bitmap() noexcept {
  const uint32_t width = value_bits(codec_.quantizer);
  BitWriter bits(out_.subspan(header_));
  DenseCoder coder(codec_, key_);
  coder.leveller().set_scale(scale_);
  Sieve sieve(selector_);
  uint32_t ordinal = 0;
  const Status status = for_each_segment(codec_, change_, [&](const Segment& /*segment*/, Span<float> x) noexcept {
    for (const float number : x) {
      const bool survives = sieve.passes(number);
      bits.put(survives ? 1U : 0U, 1);
      if (survives) bits.put_long(value_code(coder, number, ordinal++), width);
    }
  });
  bits.finish();
  return status;
}

Status TopKWriter::write_range(size_t& best) noexcept {
  size_t coded = 0;
  Status status = code({}, coded);
  if (status != Status::kOk) return status;
  if (coded < best) {
    best = coded;
    out_[0] = kRangeMode;
    return code(out_.subspan(header_), coded);
  }
  return out_[0] == kBitmapMode ? write_bitmap() : Status::kOk;
}

Status TopKWriter::code(MutableBytes out, size_t& written) noexcept {
  BitEncoder encoder(out);
  DenseCoder coder(codec_, key_);
  coder.leveller().set_scale(scale_);
  LevelModel levels(codec_.quantizer);
  SurvivorModel survivors;
  Sieve sieve(selector_);
  uint32_t ordinal = 0;
  const Status status = for_each_segment(codec_, change_, [&](const Segment& /*segment*/, Span<float> x) noexcept {
    uint32_t next = sieve.next(x, 0);
    for (uint32_t first = 0; first < x.size(); first += SurvivorModel::kGroup) {
      const size_t left = x.size() - first;
      const Span<float> group = x.subspan(first, left < SurvivorModel::kGroup ? left : SurvivorModel::kGroup);
      uint32_t passed = 0;
      for (; next < first + group.size(); next = sieve.next(x, next + 1)) passed |= 1U << (next - first);
      encoder.put(passed != 0, survivors.any());
      survivors.begin_group(passed != 0);
      for (uint32_t i = 0; passed != 0 && i < group.size(); ++i) {
        const bool survives = (passed >> i & 1U) != 0;
        if (!survivors.must_survive(i + 1 == group.size())) encoder.put(survives, survivors.survives());
        survivors.add(survives);
        if (!survives) continue;
        if (codec_.quantizer == Quantizer::kTernary) {
          encoder.put_plain(group[i] < 0.0F);
        } else {
          levels.put(encoder, coder.leveller().level(group[i], ordinal));
        }
        ++ordinal;
      }
    }
  });
  encoder.finish();
  written = encoder.written();
  return status;
}

}  // namespace skink::codec
