#include "skink/common/codec/encoder.hpp"

#include <string.h>

#include "change_reader.hpp"
#include "dense_codec.hpp"
#include "skink/common/little_endian.hpp"
#include "top_k.hpp"
#include "top_k_writer.hpp"

namespace skink::codec {

/// Whether everything is finite, and the scales of tensors.
Status Encoder::scan() noexcept {
  return codec_.grouping == Grouping::kTensor && codec_.quantizer != Quantizer::kFloat32 ? scan_tensors() : check();
}

/// Optimization: a sum takes half the instructions of looking at each number, and is finite only if all of them are.
Status Encoder::check() const noexcept {
  ChangeReader reader(change_);
  float buffer[kBlock];
  float sum = 0.0F;
  for (SegmentWalker walker(codec_, *change_.network); !walker.at_end(); walker.next()) {
    const Status status = reader.add(walker.current(), buffer, sum);
    if (status != Status::kOk) return status;
  }
  return arithmetic::is_finite(sum) ? Status::kOk : check_each();
}

/// Where the sum may have overflowed.
Status Encoder::check_each() const noexcept {
  bool sound = true;
  const Status status = for_each_segment(codec_, change_, [&](const Segment& /*segment*/, Span<float> x) noexcept {
    sound = sound && largest_bits(x) < kInfinityBits;
  });
  if (status != Status::kOk) return status;
  return sound ? Status::kOk : Status::kNotFinite;
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
      coder.quantizer().set_scale(scale);
      for (uint32_t bit = 16; bit-- > 0;) encoder.put_plain((uint32_t{scale} >> bit & 1U) != 0);
    }
    if (scale == 0) return;
    auto* codes = reinterpret_cast<int8_t*>(x.data());
    coder.quantizer().levels(segment.first, x, codes);
    levels.put(encoder, codes, segment.count);
  });
  encoder.finish();
  state_[0] = encoder.written() < dense ? 1 : 0;
  stored_ = state_[0] == 1;
  if (stored_) size_ = 1 + encoder.written();
  return status;
}

Status Encoder::read(size_t offset, MutableBytes out) noexcept {
  if (stored_) {
    if (!out.empty()) memcpy(out.data(), state_.data() + offset, out.size());
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
  if (residual.size() < change_.network->trainable_count()) return Status::kShapeMismatch;
  NumberSink sink;
  sink.context = residual.data();
  sink.write = [](void* context, size_t first, Span<const float> numbers) noexcept {
    memcpy(static_cast<float*>(context) + first, numbers.data(), numbers.size() * sizeof(float));
    return Status::kOk;
  };
  return leave(sink);
}

Status Encoder::leave(const NumberSink& sink) noexcept {
  if (codec_.selects()) return leave_unselected(sink);
  if (codec_.quantizer == Quantizer::kFloat32) return leave_zeros(sink);
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
    for (uint32_t i = 0; i < segment.count; ++i) x[i] -= sent[i];
    status = sink.write(sink.context, segment.first, {x, segment.count});
    if (status != Status::kOk) return status;
  }
  return Status::kOk;
}

Status Encoder::leave_zeros(const NumberSink& sink) const noexcept {
  const float zeros[kBlock] = {};
  for (SegmentWalker walker(codec_, *change_.network); !walker.at_end(); walker.next()) {
    const Segment& segment = walker.current();
    const Status status = sink.write(sink.context, segment.first, {zeros, segment.count});
    if (status != Status::kOk) return status;
  }
  return Status::kOk;
}

Status Encoder::leave_unselected(const NumberSink& sink) noexcept {
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
    if (failed == Status::kOk) failed = sink.write(sink.context, segment.first, x);
  });
  return status == Status::kOk ? failed : status;
}

}  // namespace skink::codec
