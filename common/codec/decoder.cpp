#include "skink/common/codec/decoder.hpp"

#include "dense_codec.hpp"
#include "skink/common/little_endian.hpp"
#include "top_k.hpp"

namespace skink::codec {
namespace {

/// Where decoded numbers go.
class Target {
 public:
  Target(const nn::Network& network, Span<float> parameters, bool adds) noexcept
      : network_(network), parameters_(parameters), adds_(adds) {}
  Target(const nn::Network& network, const ChangeSink& sink) noexcept : network_(network), sink_(&sink) {}

  void put(const Segment& segment, const float* x) noexcept {
    (void)for_each_run(network_, segment, [&](uint32_t parameter, uint32_t place, uint32_t count) noexcept {
      if (sink_ != nullptr) {
        sink_->put(sink_->context, parameter, {x + place, count});
        return Status::kOk;
      }
      float* to = parameters_.data() + parameter;
      if (adds_) {
        for (uint32_t i = 0; i < count; ++i) to[i] = arithmetic::canonical(to[i] + x[place + i]);
      } else {
        for (uint32_t i = 0; i < count; ++i) to[i] = x[place + i];
      }
      return Status::kOk;
    });
  }

  /// Positions ascend.
  void put(uint32_t position, float x) noexcept {
    while (position - first_ >= tensor().count || !tensor().trainable) {
      if (tensor().trainable) first_ += tensor().count;
      ++tensor_;
    }
    const uint32_t parameter = tensor().offset + (position - first_);
    if (sink_ != nullptr) return sink_->put(sink_->context, parameter, {&x, 1});
    float& to = parameters_[parameter];
    to = adds_ ? arithmetic::canonical(to + x) : x;
  }

 private:
  const nn::Tensor& tensor() const noexcept { return network_.tensors()[tensor_]; }

  const nn::Network& network_;
  Span<float> parameters_;
  bool adds_ = false;
  const ChangeSink* sink_ = nullptr;  ///< instead of parameters
  size_t tensor_ = 0;
  uint32_t first_ = 0;  ///< position of its first number
};

Status decode_selected(const Codec& codec, const nn::Network& network, Bytes encoded, Target& target) noexcept {
  SurvivorReader survivors;
  Status status = survivors.begin(codec, network, encoded);
  if (status == Status::kOk) status = survivors.next();
  for (; status == Status::kOk && survivors.has_value(); status = survivors.next()) {
    target.put(survivors.position(), survivors.value());
  }
  return status;
}

Status decode_dense(const Codec& codec, const nn::Network& network, const Key& key, Bytes encoded,
                    Target& target) noexcept {
  DenseCoder coder(codec, key);
  const uint8_t* cursor = encoded.data();
  uint16_t scale = 0;
  float x[kBlock];
  for (SegmentWalker walker(codec, network); !walker.at_end(); walker.next()) {
    const Segment& segment = walker.current();
    if (segment.opens_group && codec.quantizer != Quantizer::kFloat32) {
      scale = load_u16(cursor);
      if (!is_scale(scale)) return Status::kDamaged;
      cursor += 2;
    }
    const Status status = coder.decode(segment.first, scale, cursor, {x, segment.count});
    if (status != Status::kOk) return status;
    target.put(segment, x);
    cursor += code_bytes(codec, segment.count);
  }
  return Status::kOk;
}

Status decode_coded(const Codec& codec, const nn::Network& network, Bytes encoded, Target& target) noexcept {
  BitDecoder decoder(encoded);
  LevelModel levels(codec.quantizer);
  uint16_t scale = 0;
  float x[kBlock];
  for (SegmentWalker walker(codec, network); !walker.at_end(); walker.next()) {
    const Segment& segment = walker.current();
    if (segment.opens_group) {
      scale = 0;
      for (int bit = 0; bit < 16; ++bit) {
        scale = static_cast<uint16_t>(uint32_t{scale} << 1 | (decoder.get_plain() ? 1U : 0U));
      }
      if (!is_scale(scale)) return Status::kDamaged;
    }
    for (uint32_t i = 0; i < segment.count; ++i) {
      int32_t level = 0;
      if (scale != 0 && !levels.get(decoder, level)) return Status::kDamaged;
      x[i] = static_cast<float>(level) * scale_value(scale);
    }
    target.put(segment, x);
  }
  return decoder.ends_here() ? Status::kOk : Status::kDamaged;
}

Status decode_to(const Codec& codec, const nn::Network& network, const Key& key, Bytes encoded,
                 Target& target) noexcept {
  const size_t longest = encoded_bytes(codec, network);
  if (encoded.size() > longest || (has_fixed_length(codec) && encoded.size() != longest)) {
    return Status::kShapeMismatch;
  }
  if (codec.selects()) return decode_selected(codec, network, encoded, target);
  if (!codec.range) return decode_dense(codec, network, key, encoded, target);
  if (encoded.empty() || encoded[0] > 1) return Status::kDamaged;
  const Bytes rest = encoded.subspan(1);
  if (encoded[0] == 1) return decode_coded(codec, network, rest, target);
  if (encoded.size() != longest) return Status::kShapeMismatch;
  return decode_dense(codec, network, key, rest, target);
}

}  // namespace

Status decode(const Codec& codec, const nn::Network& network, const Key& key, Bytes encoded,
              Span<float> change) noexcept {
  if (change.size() != network.parameter_count()) return Status::kShapeMismatch;
  for (float& value : change) value = 0.0F;
  Target target(network, change, false);
  return decode_to(codec, network, key, encoded, target);
}

Status decode(const Codec& codec, const nn::Network& network, const Key& key, Bytes encoded,
              const ChangeSink& sink) noexcept {
  Target target(network, sink);
  return decode_to(codec, network, key, encoded, target);
}

Status apply(const Codec& codec, const nn::Network& network, const Key& key, Bytes encoded,
             Span<float> parameters) noexcept {
  if (parameters.size() != network.parameter_count()) return Status::kShapeMismatch;
  Target target(network, parameters, true);
  return decode_to(codec, network, key, encoded, target);
}

}  // namespace skink::codec
