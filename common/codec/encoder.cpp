#include "skink/common/codec/encoder.hpp"

#include <string.h>

#include "dense.hpp"
#include "passes.hpp"
#include "skink/common/little_endian.hpp"
#include "top_k.hpp"

namespace skink::codec {
namespace {

/// Computes pieces of x.
class ChangeReader {
 public:
  explicit ChangeReader(const Change& change) noexcept : change_(change) {}

  /// Zeros have no sign (docs/arithmetic.md, section 1): that of w may differ between implementations.
  Status load(const Segment& segment, float* x) noexcept {
    const auto read = [&](uint32_t parameter, uint32_t place, uint32_t count) noexcept {
      float* to = x + place;
      const Status status = change_.phi.read(change_.phi.context, parameter, {to, count});
      if (status != Status::kOk) return status;
      const float* residual = change_.residual == nullptr ? nullptr : change_.residual + segment.first + place;
      subtract(change_.parameters.data() + parameter, residual, {to, count});
      return status;
    };
    return for_each_run(*change_.network, segment, read);
  }

  /// Adds 0 to the sum, or NaN where a number is not finite.
  Status check(const Segment& segment, float* buffer, float& sum) noexcept {
    const auto read = [&](uint32_t parameter, uint32_t place, uint32_t count) noexcept {
      const Status status = change_.phi.read(change_.phi.context, parameter, {buffer, count});
      if (status != Status::kOk) return status;
      const float* residual = change_.residual == nullptr ? nullptr : change_.residual + segment.first + place;
      sum += nothing_if_finite(change_.parameters.data() + parameter, residual, {buffer, count});
      return status;
    };
    return for_each_run(*change_.network, segment, read);
  }

 private:
  const Change& change_;
};

/// Goes over all of x: see(segment, its numbers).
template <class See>
Status for_each_segment(const Codec& codec, const Change& change, See see) noexcept {
  ChangeReader reader(change);
  float x[kBlock];
  for (SegmentWalker walker(codec, *change.network); !walker.at_end(); walker.next()) {
    const Segment& segment = walker.current();
    const Status status = reader.load(segment, x);
    if (status != Status::kOk) return status;
    see(segment, Span<float>(x, segment.count));
  }
  return Status::kOk;
}

/// Writes what top-k selects, in one of three ways.
class TopKWriter {
 public:
  TopKWriter(const Codec& codec, const Change& change, const Key& key, MutableBytes out) noexcept
      : codec_(codec),
        change_(change),
        key_(key),
        out_(out),
        trainable_(static_cast<uint32_t>(change.network->trainable_count())),
        selector_(survivor_count(codec, trainable_)) {}

  /// @returns kOk; kNotFinite; what a source returned. `written` is the length.
  Status write(size_t& written) noexcept {
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
    status = find_scale();
    if (status != Status::kOk) return status;
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

 private:
  Status select() noexcept {
    Status status = for_each_segment(
        codec_, change_, [this](const Segment& /*segment*/, Span<float> x) noexcept { selector_.count_exponents(x); });
    if (status != Status::kOk) return status;
    if (!selector_.all_finite()) return Status::kNotFinite;
    if (!selector_.choose_exponent()) return Status::kOk;
    status = for_each_segment(
        codec_, change_, [this](const Segment& /*segment*/, Span<float> x) noexcept { selector_.count_fractions(x); });
    if (status == Status::kOk) selector_.choose_fraction();
    return status;
  }

  /// Levels need the largest number.
  Status find_scale() noexcept {
    if (!has_levels(codec_.quantizer) || codec_.quantizer == Quantizer::kTernary) return Status::kOk;
    uint32_t largest = 0;
    const Status status = for_each_segment(codec_, change_, [&](const Segment& /*segment*/, Span<float> x) noexcept {
      const uint32_t here = largest_bits(x);
      if (here > largest) largest = here;
    });
    scale_ = DenseCoder(codec_, key_).leveller().scale_for(Traits::from_bits(largest));
    return status;
  }

  uint32_t value_code(DenseCoder& coder, float x, uint32_t ordinal) const noexcept {
    switch (codec_.quantizer) {
      case Quantizer::kFloat32: return Traits::to_bits(x);
      case Quantizer::kTernary: return x < 0.0F ? 1U : 0U;
      case Quantizer::kInt8: return static_cast<uint32_t>(coder.leveller().level(x, ordinal)) & 0xffU;
      default: return static_cast<uint32_t>(coder.leveller().level(x, ordinal)) & 15U;
    }
  }

  Status write_rice(size_t& bytes) noexcept {
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
        bits.put_unary(gap >> parameter);
        bits.put(gap & ((1U << parameter) - 1U), parameter);
        bits.put(value_code(coder, x[i], ordinal++), width);
        mean.add(x.subspan(i, 1));
      }
    });
    bits.finish();
    bytes = bits.written();
    mean_ = mean.mean(selector_.survivors());
    return status;
  }

  Status write_bitmap() noexcept {
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
        if (survives) bits.put(value_code(coder, number, ordinal++), width);
      }
    });
    bits.finish();
    return status;
  }

  /// @param[in,out] best  the shortest length so far
  Status write_range(size_t& best) noexcept {
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

  Status code(MutableBytes out, size_t& written) noexcept {
    BitEncoder encoder(out);
    DenseCoder coder(codec_, key_);
    coder.leveller().set_scale(scale_);
    LevelModel levels(codec_.quantizer);
    SurvivorModel survivors;
    Sieve sieve(selector_);
    uint32_t ordinal = 0;
    const Status status = for_each_segment(codec_, change_, [&](const Segment& /*segment*/, Span<float> x) noexcept {
      for (size_t first = 0; first < x.size(); first += SurvivorModel::kGroup) {
        const size_t left = x.size() - first;
        const Span<float> group = x.subspan(first, left < SurvivorModel::kGroup ? left : SurvivorModel::kGroup);
        uint32_t passed = 0;
        for (uint32_t i = 0; i < group.size(); ++i) passed |= (sieve.passes(group[i]) ? 1U : 0U) << i;
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

  Codec codec_;
  const Change& change_;
  Key key_;
  MutableBytes out_;
  uint32_t trainable_;
  Selector selector_;
  size_t header_ = 0;
  uint16_t scale_ = 0;
  float mean_ = 0.0F;
};

}  // namespace

/// Whether everything is finite, and the scales of tensors.
Status Encoder::scan() noexcept {
  return codec_.grouping == Grouping::kTensor && codec_.quantizer != Quantizer::kFloat32 ? scan_tensors() : check();
}

Status Encoder::check() const noexcept {
  ChangeReader reader(change_);
  float buffer[kBlock];
  float sum = 0.0F;
  for (SegmentWalker walker(codec_, *change_.network); !walker.at_end(); walker.next()) {
    const Status status = reader.check(walker.current(), buffer, sum);
    if (status != Status::kOk) return status;
  }
  return arithmetic::is_finite(sum) ? Status::kOk : Status::kNotFinite;
}

Status Encoder::scan_tensors() noexcept {
  const DenseCoder coder(codec_, key_);
  DenseCoder::Scale scale;
  bool sound = true;
  uint32_t open = 0;
  const Status status = for_each_segment(codec_, change_, [&](const Segment& segment, Span<float> x) noexcept {
    if (segment.group != open) {
      scales_[open] = scale.finish(coder);
      scale = {};
      open = segment.group;
    }
    scale.add(x, codec_.quantizer);
    sound = sound && scale.all_finite();
  });
  scales_[open] = scale.finish(coder);
  if (status != Status::kOk) return status;
  return sound ? Status::kOk : Status::kNotFinite;
}

Status Encoder::begin(const Codec& codec, const Change& change, const Key& key, MutableBytes state) noexcept {
  codec_ = codec;
  change_ = change;
  key_ = key;
  stored_ = false;
  size_ = 0;
  if (state.size() < state_bytes(codec, *change.network)) return Status::kBufferTooSmall;
  state_ = state;
  if (codec.selects()) {
    stored_ = true;
    return TopKWriter(codec_, change_, key_, state_).write(size_);
  }
  const Status status = scan();
  if (status != Status::kOk) return status;
  size_ = encoded_bytes(codec_, *change_.network);
  return codec_.range ? store_range() : Status::kOk;
}

/// Codes the levels into state_; where that is not shorter, the dense encoding is computed as it is read.
Status Encoder::store_range() noexcept {
  const size_t dense = size_ - 1;
  BitEncoder encoder(state_.subspan(1, dense));
  DenseCoder coder(codec_, key_);
  LevelModel levels(codec_.quantizer);
  uint16_t scale = 0;
  const Status status = for_each_segment(codec_, change_, [&](const Segment& segment, Span<float> x) noexcept {
    if (segment.opens_group) {
      scale = codec_.grouping == Grouping::kTensor ? scales_[segment.group] : coder.scale_of(segment.first, x);
      coder.leveller().set_scale(scale);
      for (uint32_t bit = 16; bit-- > 0;) encoder.put_plain((scale >> bit & 1U) != 0);
    }
    if (scale == 0) return;
    for (uint32_t i = 0; i < x.size(); ++i) {
      levels.put(encoder, coder.leveller().level(x[i], segment.first + i));
    }
  });
  encoder.finish();
  state_[0] = encoder.written() < dense ? 1 : 0;
  stored_ = state_[0] == 1;
  if (stored_) size_ = 1 + encoder.written();
  return status;
}

Status Encoder::read(size_t offset, MutableBytes out) noexcept {
  if (stored_) {
    memcpy(out.data(), state_.data() + offset, out.size());
    return Status::kOk;
  }
  if (codec_.range && offset == 0 && !out.empty()) {  // the mode: dense
    out[0] = 0;
    out = out.subspan(1);
    ++offset;
  }
  ChangeReader reader(change_);
  DenseCoder coder(codec_, key_);
  float x[kBlock];
  size_t place = codec_.range ? 1 : 0;
  for (SegmentWalker walker(codec_, *change_.network); !walker.at_end() && !out.empty(); walker.next()) {
    const Segment& segment = walker.current();
    const size_t bytes = segment_bytes(codec_, segment);
    const size_t end = place + bytes;
    if (offset >= end) {
      place = end;
      continue;
    }
    const Status status = reader.load(segment, x);
    if (status != Status::kOk) return status;
    uint8_t scale_bytes[2];
    const uint16_t scale = scale_of(coder, segment, {x, segment.count});
    store_u16(scale_bytes, scale);
    const size_t codes = coder.encode(segment.first, scale, {x, segment.count});
    const size_t head = bytes - codes;  // of the scale: 2 or 0
    const auto* encoded = reinterpret_cast<const uint8_t*>(x);
    const size_t wanted = end - offset < out.size() ? end - offset : out.size();
    for (size_t i = 0; i < wanted; ++i) {
      const size_t at = offset - place + i;
      if (at >= head) {
        memcpy(out.data() + i, encoded + (at - head), wanted - i);
        break;
      }
      out[i] = scale_bytes[at];
    }
    out = out.subspan(wanted);
    offset += wanted;
    place = end;
  }
  return Status::kOk;
}

uint16_t Encoder::scale_of(DenseCoder& coder, const Segment& segment, Span<float> x) const noexcept {
  if (codec_.quantizer == Quantizer::kFloat32) return 0;
  return codec_.grouping == Grouping::kTensor ? scales_[segment.group] : coder.scale_of(segment.first, x);
}

Status Encoder::leave(Span<float> residual) noexcept {
  if (codec_.selects()) return leave_unselected(residual);
  if (codec_.quantizer == Quantizer::kFloat32) {
    for (float& number : residual) number = 0.0F;
    return Status::kOk;
  }
  ChangeReader reader(change_);
  DenseCoder coder(codec_, key_);
  float x[kBlock];
  float sent[kBlock];
  for (SegmentWalker walker(codec_, *change_.network); !walker.at_end(); walker.next()) {
    const Segment& segment = walker.current();
    Status status = reader.load(segment, sent);
    if (status != Status::kOk) return status;
    memcpy(x, sent, sizeof x);
    const Span<float> numbers(sent, segment.count);
    const uint16_t scale = scale_of(coder, segment, numbers);
    uint8_t codes[kBlock];  // at most a byte each
    const size_t bytes = coder.encode(segment.first, scale, numbers);
    memcpy(codes, sent, bytes);
    status = coder.decode(segment.first, scale, codes, numbers);
    if (status != Status::kOk) return status;
    for (uint32_t i = 0; i < segment.count; ++i) residual[segment.first + i] = x[i] - sent[i];
  }
  return Status::kOk;
}

Status Encoder::leave_unselected(Span<float> residual) noexcept {
  SurvivorReader survivors;
  Status status = survivors.begin(codec_, *change_.network, state_.first(size_));
  if (status == Status::kOk) status = survivors.next();
  if (status != Status::kOk) return status;
  Status failed = Status::kOk;
  status = for_each_segment(codec_, change_, [&](const Segment& segment, Span<float> x) noexcept {
    while (survivors.has_value() && survivors.position() < segment.first + segment.count) {
      x[survivors.position() - segment.first] -= survivors.value();
      if (survivors.next() != Status::kOk) failed = Status::kDamaged;
      if (failed != Status::kOk) return;
    }
    memcpy(residual.data() + segment.first, x.data(), x.size() * sizeof(float));
  });
  return status == Status::kOk ? failed : status;
}

}  // namespace skink::codec
