#include "top_k_writer.hpp"

#include "change_reader.hpp"
#include "skink/common/little_endian.hpp"

namespace skink::codec {
namespace {

void put_zeros(BitWriter& bits, uint32_t count) noexcept {
  for (; count >= 24; count -= 24) bits.put(0, 24);
  bits.put(0, count);
}

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

/// Codes which numbers survive.
class SurvivorCoder {
 public:
  SurvivorCoder(MutableBytes out, uint32_t size) noexcept : encoder_(out), size_(size) {}

  BitEncoder& encoder() noexcept { return encoder_; }
  void put(uint32_t position) noexcept {
    const uint32_t group = position - position % SurvivorModel::kGroup;
    go_to(group);
    if (next_ == group) put_any(true);
    put_zeros(position - next_);
    next_ = position + 1;
    const bool is_last = next_ % SurvivorModel::kGroup == 0 || next_ == size_;
    if (!model_.must_survive(is_last)) encoder_.put(true, model_.survives());
    model_.add(true);
  }
  void finish() noexcept {
    go_to(size_);
    encoder_.finish();
  }

 private:
  /// To the beginning of a group, or the end: no other survives before.
  void go_to(uint32_t position) noexcept {
    if (position <= next_) return;
    const uint32_t end = (next_ + SurvivorModel::kGroup - 1) / SurvivorModel::kGroup * SurvivorModel::kGroup;
    put_zeros((end < position ? end : position) - next_);
    for (next_ = end; next_ < position; next_ += SurvivorModel::kGroup) put_any(false);
  }
  void put_any(bool any) noexcept {
    encoder_.put(any, model_.any());
    model_.begin_group(any);
  }
  /// Optimization: after the first one the model does not change any more.
  void put_zeros(uint32_t count) noexcept {
    if (count == 0) return;
    encoder_.put(false, model_.survives());
    model_.add(false);
    encoder_.put_zeros(count - 1, model_.survives());
  }

  BitEncoder encoder_;
  SurvivorModel model_;
  uint32_t size_;
  uint32_t next_ = 0;
};

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
  const auto rice = static_cast<uint8_t>(rice_parameter(trainable_, survivors));
  status = write_as(rice);
  const size_t bitmap = packed_bytes(trainable_, survivors, codec_.quantizer);
  size_t best = packed_bytes_;
  uint8_t mode = rice;
  if (best > bitmap) {
    best = bitmap;
    mode = kBitmapMode;
  }
  if (codec_.range && coded_bytes_ < best) {
    best = coded_bytes_;
    mode = kRangeMode;
  }
  if (status == Status::kOk && mode != rice) status = write_as(mode);
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
  if (has_largest) scale_ = ScalarQuantizer(codec_, key_).scale_for(Traits::from_bits(largest));
  if (!selector_.choose_exponent()) return Status::kOk;
  status = for_each_segment(
      codec_, change_, [this](const Segment& /*segment*/, Span<float> x) noexcept { selector_.count_fractions(x); });
  if (status == Status::kOk) selector_.choose_fraction();
  return status;
}

/// A level, a sign, or the bits.
uint32_t TopKWriter::value_of(ScalarQuantizer& quantizer, float x, uint32_t ordinal) const noexcept {
  switch (codec_.quantizer) {
    case Quantizer::kFloat32: return Traits::to_bits(x);
    case Quantizer::kTernary: return Traits::to_bits(x) >> 31;  // no survivor is 0
    default: return static_cast<uint32_t>(quantizer.level(x, ordinal));
  }
}

Status TopKWriter::write_as(uint8_t mode) noexcept {
  const MutableBytes body = out_.subspan(header_);
  const uint32_t width = value_bits(codec_.quantizer);
  const bool is_ternary = codec_.quantizer == Quantizer::kTernary;
  BitWriter bits(mode != kRangeMode ? body : MutableBytes());
  SurvivorCoder coder(mode == kRangeMode ? body : MutableBytes(), trainable_);
  LevelModel levels(codec_.quantizer);
  ScalarQuantizer quantizer(codec_, key_);
  quantizer.set_scale(scale_);
  TopKFilter filter(selector_);
  MeanMagnitude mean;
  uint32_t next = 0;
  uint32_t ordinal = 0;
  out_[0] = mode;
  const Status status = for_each_segment(codec_, change_, [&](const Segment& segment, Span<float> x) noexcept {
    const float* const end = x.data() + x.size();
    for (const float* i = filter.next(x.data(), end); i != end; i = filter.next(i + 1, end)) {
      const uint32_t gap = segment.first + static_cast<uint32_t>(i - x.data()) - next;
      next += gap + 1;
      const uint32_t value = value_of(quantizer, *i, ordinal++);
      const uint32_t packed = value & (0xffffffffU >> (32 - width));
      if (mode == kBitmapMode) {
        put_zeros(bits, gap);
        bits.put(1, 1);
        bits.put_long(packed, width);
      } else if (mode != kRangeMode) {
        put_survivor(bits, gap, mode, packed, width);
      }
      if (is_ternary) mean.add(*i);
      if (!codec_.range) continue;
      coder.put(next - 1);
      const auto level = static_cast<int8_t>(value);
      if (is_ternary) {
        coder.encoder().put_plain(value != 0);
      } else {
        levels.put(coder.encoder(), &level, 1);
      }
    }
  });
  if (mode == kBitmapMode) put_zeros(bits, trainable_ - next);
  bits.finish();
  if (codec_.range) coder.finish();
  packed_bytes_ = bits.written();
  coded_bytes_ = coder.encoder().written();
  mean_ = mean.mean(selector_.survivors());
  return status;
}

}  // namespace skink::codec
