#include "skink/common/codec/codec.hpp"

#include <string.h>

#include "skink/common/arithmetic/philox.hpp"
#include "skink/common/little_endian.hpp"

namespace skink::codec {
namespace {

constexpr float kSmallestScale = 1.17549435e-38F;  // 2^-126: a smaller scale would be subnormal

size_t trainable_tensors(const nn::Network& network) noexcept {
  size_t count = 0;
  for (const nn::Tensor& tensor : network.tensors()) count += tensor.trainable ? 1 : 0;
  return count;
}

float absolute(float value) noexcept { return value < 0.0F ? -value : value; }

/// Stochastic rounding of change / scale to a whole number in [-127, 127].
int8_t quantize(float change, float scale, uint32_t word) noexcept {
  const float v = change / scale;
  int32_t f = static_cast<int32_t>(v);  // |v| is at most 127 and a rounding: in range
  if (static_cast<float>(f) > v) --f;
  if (arithmetic::uniform(word) < v - static_cast<float>(f)) ++f;
  if (f > 127) f = 127;
  if (f < -127) f = -127;
  return static_cast<int8_t>(f);
}

}  // namespace

bool parse(const char* name, Codec& codec) noexcept {
  static constexpr Codec kAll[] = {Codec::kFloat32, Codec::kInt8};
  for (const Codec known : kAll) {
    const size_t length = strlen(name_of(known));
    if (strlen(name) == length && memcmp(name, name_of(known), length) == 0) {  // strcmp: 700 bytes on a device
      codec = known;
      return true;
    }
  }
  return false;
}

const char* name_of(Codec codec) noexcept { return codec == Codec::kInt8 ? "int8" : "float32"; }

const char* names() noexcept { return "float32, int8"; }

size_t encoded_bytes(Codec codec, const nn::Network& network) noexcept {
  if (codec == Codec::kInt8) return 4 * trainable_tensors(network) + network.trainable_count();
  return 4 * network.trainable_count();
}

size_t state_bytes(Codec /*codec*/, const nn::Network& /*network*/) noexcept { return 0; }

Status Encoder::load_phi(size_t element) noexcept {
  if (element >= phi_first_ && element - phi_first_ < phi_count_) return Status::kOk;
  const size_t left = parameters_.size() - element;
  phi_first_ = element;
  phi_count_ = left < kBlock ? left : kBlock;
  const Status status = phi_.read(phi_.context, phi_first_, {phi_block_, phi_count_});
  if (status != Status::kOk) phi_count_ = 0;
  return status;
}

Status Encoder::begin(Codec codec, const nn::Network& network, const ParameterSource& phi, Span<const float> parameters,
                      const QuantizerKey& key) noexcept {
  codec_ = codec;
  network_ = &network;
  phi_ = phi;
  parameters_ = parameters;
  words_ = arithmetic::RandomStream(key.seed, arithmetic::Purpose::kQuantizer, key.round, key.device);
  size_ = encoded_bytes(codec, network);
  phi_count_ = 0;
  size_t next_scale = 0;
  for (const nn::Tensor& tensor : network.tensors()) {
    if (!tensor.trainable) continue;
    float largest = 0.0F;
    const size_t end = tensor.offset + size_t{tensor.count};
    for (size_t e = tensor.offset; e < end;) {
      const Status status = load_phi(e);
      if (status != Status::kOk) return status;
      for (const size_t stop = block_end(end); e < stop; ++e) {
        const float change = parameters_[e] - phi_block_[e - phi_first_];
        if (!arithmetic::is_finite(change)) return Status::kNotFinite;
        if (absolute(change) > largest) largest = absolute(change);
      }
    }
    const float scale = largest / 127.0F;
    scales_[next_scale++] = scale < kSmallestScale ? 0.0F : scale;
  }
  return Status::kOk;
}

void Encoder::read_scales(size_t& offset, MutableBytes& out) const noexcept {
  const size_t scale_bytes = 4 * trainable_tensors(*network_);
  while (offset < scale_bytes && !out.empty()) {
    uint8_t bytes[4];
    store_float(bytes, scales_[offset / 4]);
    out[0] = bytes[offset % 4];
    out = out.subspan(1);
    ++offset;
  }
  if (!out.empty()) offset -= scale_bytes;
}

/// The encoded bytes of one parameter of the block: 4 for float32, 1 for int8.
void Encoder::element_bytes(size_t element, float scale, uint8_t* out) noexcept {
  const float change = parameters_[element] - phi_block_[element - phi_first_];
  if (codec_ == Codec::kFloat32) {
    store_float(out, change);
  } else if (scale == 0.0F) {
    out[0] = 0;
  } else {
    out[0] = static_cast<uint8_t>(quantize(change, scale, words_.word(static_cast<uint32_t>(element))));
  }
}

Status Encoder::read(size_t offset, MutableBytes out) noexcept {
  const size_t width = codec_ == Codec::kFloat32 ? 4 : 1;
  if (codec_ == Codec::kInt8) read_scales(offset, out);
  size_t skipped = 0;  // encoded bytes of the tensors before
  size_t next_scale = 0;
  for (const nn::Tensor& tensor : network_->tensors()) {
    if (!tensor.trainable) continue;
    const float scale = scales_[next_scale++];
    const size_t tensor_bytes = width * tensor.count;
    while (!out.empty() && offset < skipped + tensor_bytes) {
      const size_t first = tensor.offset + (offset - skipped) / width;
      const Status status = load_phi(first);
      if (status != Status::kOk) return status;
      // As many whole elements as there is room for, else the part of one.
      const size_t within = (offset - skipped) % width;
      size_t count = block_end(tensor.offset + size_t{tensor.count}) - first;
      if (count > out.size() / width) count = out.size() / width;
      if (within == 0 && count > 0) {
        for (size_t i = 0; i < count; ++i) element_bytes(first + i, scale, out.data() + i * width);
        count *= width;
      } else {
        uint8_t bytes[4];
        element_bytes(first, scale, bytes);
        for (count = 0; within + count < width && count < out.size(); ++count) out[count] = bytes[within + count];
      }
      out = out.subspan(count);
      offset += count;
    }
    skipped += tensor_bytes;
  }
  return Status::kOk;
}

Status decode(Codec codec, const nn::Network& network, Bytes encoded, Span<float> change) noexcept {
  if (encoded.size() != encoded_bytes(codec, network) || change.size() != network.parameter_count()) {
    return Status::kShapeMismatch;
  }
  for (float& value : change) value = 0.0F;
  const uint8_t* scales = encoded.data();
  const uint8_t* cursor = codec == Codec::kInt8 ? scales + 4 * trainable_tensors(network) : scales;
  for (const nn::Tensor& tensor : network.tensors()) {
    if (!tensor.trainable) continue;
    float scale = 0.0F;
    if (codec == Codec::kInt8) {
      scale = load_float(scales);
      scales += 4;
      const bool usable = scale == 0.0F || (scale >= kSmallestScale && arithmetic::is_finite(scale));
      if (!usable) return Status::kDamaged;
    }
    for (size_t e = tensor.offset; e < tensor.offset + size_t{tensor.count}; ++e) {
      if (codec == Codec::kInt8) {
        change[e] = static_cast<float>(static_cast<int8_t>(*cursor)) * scale;
        cursor += 1;
      } else {
        change[e] = load_float(cursor);
        cursor += 4;
      }
    }
  }
  return Status::kOk;
}

}  // namespace skink::codec
