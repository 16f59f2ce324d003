#include "skink/common/model/model_file.hpp"

#include <string.h>

#include "skink/common/limits.hpp"
#include "skink/common/little_endian.hpp"
#include "skink/common/wire/versions.hpp"

namespace skink::model {
namespace {

constexpr uint8_t kMagic[4] = {'S', 'K', 'M', 0};
constexpr size_t kHeaderBytes = 32;
constexpr size_t kLayerBytes = 12;
constexpr size_t kAdaptationBytes = 12;
constexpr uint32_t kMaxModelBytes = kHeaderBytes + nn::kMaxLayers * kLayerBytes + kAdaptationBytes +
                                    3 * sizeof(float) * nn::kMaxNumbers +
                                    crypto::kDigestBytes;  // parameters, scales, offsets

void encode_layer(const nn::LayerSpec& spec, uint8_t* out) noexcept {
  const bool masked = nn::has_parameters(spec.kind);
  out[0] = static_cast<uint8_t>(spec.kind);
  out[1] = static_cast<uint8_t>((!masked || spec.train_weights ? 1 : 0) | (!masked || spec.train_bias ? 2 : 0));
  store_u16(out + 2, spec.units);
  out[4] = spec.kernel_height;
  out[5] = spec.kernel_width;
  out[6] = spec.stride_height;
  out[7] = spec.stride_width;
  out[8] = static_cast<uint8_t>(spec.padding);
  memset(out + 9, 0, 3);
}

Status decode_layer(const uint8_t* in, nn::LayerSpec& spec) noexcept {
  if (in[8] > 1 || in[1] > 3 || in[9] != 0 || in[10] != 0 || in[11] != 0) return Status::kUnsupported;
  spec.kind = static_cast<nn::LayerKind>(in[0]);
  spec.train_weights = (in[1] & 1) != 0;
  spec.train_bias = (in[1] & 2) != 0;
  spec.units = load_u16(in + 2);
  spec.kernel_height = in[4];
  spec.kernel_width = in[5];
  spec.stride_height = in[6];
  spec.stride_width = in[7];
  spec.padding = static_cast<nn::Padding>(in[8]);
  return Status::kOk;
}

Status read_memory(void* context, uint32_t offset, MutableBytes out) noexcept {
  const Bytes& bytes = *static_cast<const Bytes*>(context);
  if (offset > bytes.size() || out.size() > bytes.size() - offset) return Status::kUnavailable;
  if (!out.empty()) memcpy(out.data(), bytes.data() + offset, out.size());
  return Status::kOk;
}

const uint8_t* begin_of_memory(void* context) noexcept { return static_cast<const Bytes*>(context)->data(); }

Status check_versions(const uint8_t* header) noexcept {
  const uint16_t format = load_u16(header + 4);
  if (format > wire::kModelFormatVersion) return Status::kNewerVersion;
  if (format < wire::kPlainModelFormat) return Status::kUnsupported;
  const bool same = load_u16(header + 6) == wire::kArithmeticVersion &&
                    load_u16(header + 8) == wire::kModelFileProtocol && load_u16(header + 10) == wire::kCodecVersion;
  return same ? Status::kOk : Status::kUnsupported;
}

/// The digest first: whatever is wrong with damaged bytes is a consequence of the damage.
Status check_digest(const ByteSource& source, crypto::Digest& digest) noexcept {
  crypto::Sha256 hash;
  uint8_t block[256];
  const uint32_t content = source.size - static_cast<uint32_t>(crypto::kDigestBytes);
  for (uint32_t offset = 0; offset < content; offset += sizeof block) {
    const size_t count = content - offset < sizeof block ? content - offset : sizeof block;
    const Status status = source.read(source.context, offset, {block, count});
    if (status != Status::kOk) return status;
    hash.add({block, count});
  }
  digest = hash.finish();
  crypto::Digest stored;
  const Status status = source.read(source.context, content, MutableBytes(stored.bytes));
  if (status != Status::kOk) return status;
  return digest == stored ? Status::kOk : Status::kDamaged;
}

Status decode_layers(const ByteSource& source, const uint8_t* header, ModelInfo& info) noexcept {
  const size_t count = header[23];
  if (count > nn::kMaxLayers) {
    info.build_error = {count, "too many layers for this build (SKINK_MAX_LAYERS)"};
    return Status::kUnsupported;
  }
  if (source.size < kHeaderBytes + count * kLayerBytes + crypto::kDigestBytes) return Status::kDamaged;
  nn::LayerSpec specs[nn::kMaxLayers];
  for (size_t i = 0; i < count; ++i) {
    uint8_t bytes[kLayerBytes];
    Status status =
        source.read(source.context, static_cast<uint32_t>(kHeaderBytes + i * kLayerBytes), MutableBytes(bytes));
    if (status != Status::kOk) return status;
    status = decode_layer(bytes, specs[i]);
    if (status != Status::kOk) {
      info.build_error = {i, "a field of the layer is out of range"};
      return status;
    }
  }
  const nn::Shape input{load_u16(header + 16), load_u16(header + 18), load_u16(header + 20)};
  return nn::Network::build(input, {specs, count}, static_cast<nn::Loss>(header[22]), info.model.network,
                            info.build_error);
}

/// After the layers, in files of format 3.
Status decode_adaptation(const ByteSource& source, const uint8_t* header, ModelInfo& info) noexcept {
  info.model.adaptation = {};
  if (load_u16(header + 4) == wire::kPlainModelFormat) return Status::kOk;
  uint8_t bytes[kAdaptationBytes];
  const auto at = static_cast<uint32_t>(kHeaderBytes + info.model.network.layers().size() * kLayerBytes);
  if (source.size < at + kAdaptationBytes + crypto::kDigestBytes) return Status::kDamaged;
  const Status status = source.read(source.context, at, MutableBytes(bytes));
  if (status != Status::kOk) return status;
  info.model.adaptation = {load_float(bytes), load_u32(bytes + 4), load_u32(bytes + 8)};
  return is_valid(info.model.adaptation) ? Status::kOk : Status::kInvalidArgument;
}

Status read_floats(const ByteSource& source, uint32_t offset, Span<float> out) noexcept {
  // The bytes lie where the floats are going to be; on a little-endian machine they are these floats already.
  auto* bytes = reinterpret_cast<uint8_t*>(out.data());
  const Status status = source.read(source.context, offset, {bytes, 4 * out.size()});
  if (status != Status::kOk || kIsLittleEndian) return status;
  for (size_t i = 0; i < out.size(); ++i) out[i] = load_float(bytes + 4 * i);
  return Status::kOk;
}

/// Scales, offsets and parameters follow each other. All finite? A lone scale and offset become those of the model.
Status check_numbers(const ByteSource& source, ModelInfo& info) noexcept {
  const size_t numbers = 2 * info.model.input.count + info.model.network.parameter_count();
  float block[32];
  for (size_t first = 0; first < numbers; first += 32) {
    const Span<float> part(block, numbers - first < 32 ? numbers - first : 32);
    const Status status = read_floats(source, info.scales_offset + static_cast<uint32_t>(4 * first), part);
    if (status != Status::kOk) return status;
    for (const float value : part) {
      if (!arithmetic::is_finite(value)) return Status::kNotFinite;
    }
    if (first == 0 && info.model.input.count == 1) {
      info.model.input.scale = block[0];
      info.model.input.offset = block[1];
    }
  }
  return Status::kOk;
}

}  // namespace

ByteSource source_of(const Bytes& bytes) noexcept {
  auto* context = const_cast<Bytes*>(&bytes);  // NOLINT: read only
  const size_t size = bytes.size() < UINT32_MAX ? bytes.size() : UINT32_MAX;
  return {context, &read_memory, static_cast<uint32_t>(size), &begin_of_memory};
}

size_t model_bytes(const nn::Network& network, size_t input_scales) noexcept {
  return kHeaderBytes + network.layers().size() * kLayerBytes + 8 * input_scales + 4 * network.parameter_count() +
         crypto::kDigestBytes;
}

size_t model_bytes(const Model& model) noexcept {
  return model_bytes(model.network, model.input.count) + (model.adaptation.passes == 0 ? 0 : kAdaptationBytes);
}

bool is_valid(const Adaptation& adaptation) noexcept {
  const bool is_rate = arithmetic::is_finite(adaptation.inner_learning_rate) && adaptation.inner_learning_rate > 0.0F;
  return is_rate && adaptation.passes >= 1 && adaptation.passes <= limits::kMaxPasses && adaptation.batch_size >= 1 &&
         adaptation.batch_size <= limits::kMaxBatchSize;
}

Status FileImage::begin(const Model& model, Span<const float> parameters) noexcept {
  if (parameters.size() != model.network.parameter_count()) return Status::kShapeMismatch;
  for (const float parameter : parameters) {
    if (!arithmetic::is_finite(parameter)) return Status::kNotFinite;
  }
  model_ = &model;
  parameters_ = parameters;
  size_ = static_cast<uint32_t>(model_bytes(model));
  crypto::Sha256 hash;
  uint8_t block[256];
  const uint32_t content = size_ - static_cast<uint32_t>(crypto::kDigestBytes);
  for (uint32_t offset = 0; offset < content; offset += sizeof block) {
    const size_t count = content - offset < sizeof block ? content - offset : sizeof block;
    read(offset, {block, count});
    hash.add({block, count});
  }
  digest_ = hash.finish();
  return Status::kOk;
}

void FileImage::read(uint32_t offset, MutableBytes out) const noexcept {
  const uint32_t digest_at = size_ - static_cast<uint32_t>(crypto::kDigestBytes);
  const size_t numbers = 2 * model_->input.count + parameters_.size();
  const uint32_t numbers_at = digest_at - static_cast<uint32_t>(4 * numbers);
  const uint32_t ends[] = {numbers_at, digest_at, size_};
  for (size_t part = 0; part < 3 && !out.empty(); ++part) {
    if (offset >= ends[part]) continue;
    const size_t left = ends[part] - offset;
    const MutableBytes piece = out.first(out.size() < left ? out.size() : left);
    if (part == 0) {
      read_head(offset, piece);
    } else if (part == 1) {
      read_numbers(offset - numbers_at, piece);
    } else {
      memcpy(piece.data(), digest_.bytes + (offset - digest_at), piece.size());
    }
    offset += static_cast<uint32_t>(piece.size());
    out = out.subspan(piece.size());
  }
}

void FileImage::read_head(uint32_t offset, MutableBytes out) const noexcept {
  const nn::Network& network = model_->network;
  uint8_t head[kHeaderBytes + nn::kMaxLayers * kLayerBytes + kAdaptationBytes];
  const Adaptation& adaptation = model_->adaptation;
  memcpy(head, kMagic, sizeof kMagic);
  store_u16(head + 4, adaptation.passes == 0 ? wire::kPlainModelFormat : wire::kModelFormatVersion);
  store_u16(head + 6, wire::kArithmeticVersion);
  store_u16(head + 8, wire::kModelFileProtocol);
  store_u16(head + 10, wire::kCodecVersion);
  store_u32(head + 12, size_);
  store_u16(head + 16, network.input_shape().height);
  store_u16(head + 18, network.input_shape().width);
  store_u16(head + 20, network.input_shape().channels);
  head[22] = static_cast<uint8_t>(network.loss());
  head[23] = static_cast<uint8_t>(network.layers().size());
  store_u32(head + 24, static_cast<uint32_t>(model_->input.count));
  store_u32(head + 28, static_cast<uint32_t>(network.parameter_count()));
  uint8_t* cursor = head + kHeaderBytes;
  for (const nn::LayerPlan& plan : network.layers()) {
    encode_layer(plan.spec, cursor);
    cursor += kLayerBytes;
  }
  store_float(cursor, adaptation.inner_learning_rate);
  store_u32(cursor + 4, adaptation.passes);
  store_u32(cursor + 8, adaptation.batch_size);
  memcpy(out.data(), head + offset, out.size());
}

/// Scales, offsets, parameters.
float FileImage::number_at(size_t place) const noexcept {
  const InputScale& input = model_->input;
  if (place >= 2 * input.count) return parameters_[place - 2 * input.count];
  const bool is_scale = place < input.count;
  if (input.count == 1) return is_scale ? input.scale : input.offset;
  return is_scale ? input.scales[place] : input.offsets[place - input.count];
}

/// `offset` counts from the first number.
void FileImage::read_numbers(uint32_t offset, MutableBytes out) const noexcept {
  uint8_t number[4];
  for (size_t i = 0; i < out.size(); ++i, ++offset) {
    if (i == 0 || offset % 4 == 0) store_float(number, number_at(offset / 4));
    out[i] = number[offset % 4];
  }
}

Status encode(const Model& model, Span<const float> parameters, MutableBytes out, crypto::Digest& digest) noexcept {
  if (out.size() != model_bytes(model)) return Status::kShapeMismatch;
  FileImage image;
  const Status status = image.begin(model, parameters);
  if (status != Status::kOk) return status;
  image.read(0, out);
  digest = image.digest();
  return Status::kOk;
}

Status inspect(const ByteSource& source, ModelInfo& info) noexcept {
  info.build_error = {};
  if (source.size < kHeaderBytes + crypto::kDigestBytes) return Status::kTruncated;
  uint8_t header[kHeaderBytes];
  Status status = source.read(source.context, 0, MutableBytes(header));
  if (status != Status::kOk) return status;
  if (memcmp(header, kMagic, sizeof kMagic) != 0) return Status::kDamaged;
  if (load_u16(header + 4) > wire::kModelFormatVersion) return Status::kNewerVersion;
  if (load_u32(header + 12) > source.size) return Status::kTruncated;
  if (load_u32(header + 12) != source.size) return Status::kDamaged;
  if (source.size > kMaxModelBytes) return Status::kUnsupported;
  status = check_digest(source, info.digest);
  if (status != Status::kOk) return status;
  status = check_versions(header);
  if (status != Status::kOk) return status;
  status = decode_layers(source, header, info);
  if (status == Status::kOk) status = decode_adaptation(source, header, info);
  if (status != Status::kOk) return status;
  const nn::Network& network = info.model.network;
  const size_t scales = load_u32(header + 24);
  const bool has_adaptation = info.model.adaptation.passes != 0;
  const bool has_scales = scales == 1 || scales == network.input_shape().channels || scales == network.input_size();
  if (!has_scales || load_u32(header + 28) != network.parameter_count() ||
      source.size - (has_adaptation ? kAdaptationBytes : 0) != model_bytes(network, scales)) {
    return Status::kShapeMismatch;
  }
  info.model.input = {};
  info.model.input.count = scales;
  info.scales_offset = static_cast<uint32_t>(kHeaderBytes + network.layers().size() * kLayerBytes +
                                             (has_adaptation ? kAdaptationBytes : 0));
  info.parameters_offset = info.scales_offset + static_cast<uint32_t>(8 * scales);
  return check_numbers(source, info);
}

Status read_input_scales(const ByteSource& source, const ModelInfo& info, Span<float> numbers) noexcept {
  if (numbers.size() != 2 * info.model.input.count) return Status::kShapeMismatch;
  return read_floats(source, info.scales_offset, numbers);
}

Status read_parameters(const ByteSource& source, const ModelInfo& info, size_t first, Span<float> out) noexcept {
  if (first > info.model.network.parameter_count() || out.size() > info.model.network.parameter_count() - first) {
    return Status::kShapeMismatch;
  }
  return read_floats(source, info.parameters_offset + static_cast<uint32_t>(4 * first), out);
}

const float* parameters_in_place(const ByteSource& source, const ModelInfo& info) noexcept {
  if (!kIsLittleEndian || source.in_place == nullptr) return nullptr;
  const uint8_t* begin = source.in_place(source.context);
  if (begin == nullptr) return nullptr;
  const uint8_t* parameters = begin + info.parameters_offset;
  if (reinterpret_cast<uintptr_t>(parameters) % alignof(float) != 0) return nullptr;
  return reinterpret_cast<const float*>(parameters);
}

}  // namespace skink::model
