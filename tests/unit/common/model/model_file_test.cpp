#include "skink/common/model/model_file.hpp"

#include <catch2/catch.hpp>
#include <cstring>
#include <limits>
#include <vector>

#include "skink/common/little_endian.hpp"
#include "unit/common/nn/nets.hpp"

using namespace skink;
using namespace skink::test;
using Catch::Matchers::Contains;

namespace {

using File = std::vector<std::uint8_t>;

constexpr std::size_t kLayers = 32;  // docs/model-file.md
constexpr std::size_t kLayerBytes = 12;

Bytes view(const File& file) { return {file.data(), file.size()}; }

struct Written {
  model::Model model;
  std::vector<float> parameters;
  File file;
  crypto::Digest digest;
};

Written write(const NetSpec& spec, std::uint32_t seed = 1) {
  Written written;
  written.model.network = build(spec);
  written.model.input.scale = 0.125F;
  written.model.input.offset = -3.0F;
  NetLottery lottery(seed);
  written.parameters.resize(written.model.network.parameter_count());
  for (float& value : written.parameters) value = static_cast<float>(lottery.real(-2.0, 2.0));
  written.file.resize(model::model_bytes(written.model.network, written.model.input.count));
  const Span<const float> parameters(written.parameters.data(), written.parameters.size());
  REQUIRE(model::encode(written.model, parameters, {written.file.data(), written.file.size()}, written.digest) ==
          Status::kOk);
  return written;
}

Status inspect(const File& file, model::ModelInfo& info) {
  const Bytes bytes = view(file);
  return model::inspect(model::source_of(bytes), info);
}

Status inspect(const File& file) {
  model::ModelInfo info;
  return inspect(file, info);
}

/// Makes the digest right again after a change.
File sealed(File file) {
  const crypto::Digest digest = crypto::sha256(view(file).first(file.size() - crypto::kDigestBytes));
  std::memcpy(file.data() + file.size() - crypto::kDigestBytes, digest.bytes, crypto::kDigestBytes);
  return file;
}

File with_u16(File file, std::size_t offset, std::uint16_t value) {
  store_u16(file.data() + offset, value);
  return sealed(std::move(file));
}

File with_u32(File file, std::size_t offset, std::uint32_t value) {
  store_u32(file.data() + offset, value);
  return sealed(std::move(file));
}

File with_byte(File file, std::size_t offset, std::uint8_t value) {
  file[offset] = value;
  return sealed(std::move(file));
}

NetSpec tiny_net() { return {{1, 1, 2}, {dense(2), relu(), dense(1)}, nn::Loss::kMeanSquaredError}; }

}  // namespace

TEST_CASE("model file: a random network comes back with every field and number", "[common][model][property]") {
  const auto seed = GENERATE(range(0U, 100U));
  const NetSpec spec = NetLottery(seed, GENERATE(false, true)).draw();
  CAPTURE(describe(spec));
  const Written written = write(spec, seed);
  model::ModelInfo info;
  REQUIRE(inspect(written.file, info) == Status::kOk);
  CHECK(info.digest == written.digest);
  CHECK(info.model.input.scale == 0.125F);
  CHECK(info.model.input.offset == -3.0F);
  const nn::Network& network = info.model.network;
  CHECK(network.input_shape() == spec.input);
  CHECK(network.loss() == spec.loss);
  REQUIRE(network.layers().size() == spec.layers.size());
  for (std::size_t l = 0; l < spec.layers.size(); ++l) {
    const nn::LayerSpec& got = network.layers()[l].spec;
    const nn::LayerSpec& want = spec.layers[l];
    CHECK((got.kind == want.kind && got.units == want.units && got.padding == want.padding));
    CHECK((got.kernel_height == want.kernel_height && got.kernel_width == want.kernel_width));
    CHECK((got.stride_height == want.stride_height && got.stride_width == want.stride_width));
    CHECK((got.train_weights == want.train_weights && got.train_bias == want.train_bias));
  }
  std::vector<float> parameters(network.parameter_count());
  const Bytes bytes = view(written.file);
  const model::ByteSource source = model::source_of(bytes);
  REQUIRE(model::read_parameters(source, info, 0, {parameters.data(), parameters.size()}) == Status::kOk);
  CHECK(parameters == written.parameters);
}

TEST_CASE("model file: any part of the parameters can be read", "[common][model]") {
  const Written written = write(conv_net());
  model::ModelInfo info;
  REQUIRE(inspect(written.file, info) == Status::kOk);
  const Bytes bytes = view(written.file);
  const model::ByteSource source = model::source_of(bytes);
  NetLottery lottery(1);
  const auto count = static_cast<std::uint32_t>(written.parameters.size());
  for (int i = 0; i < 200; ++i) {
    const std::uint32_t first = lottery.below(count + 1);
    std::vector<float> part(lottery.below(count - first + 1));
    REQUIRE(model::read_parameters(source, info, first, {part.data(), part.size()}) == Status::kOk);
    REQUIRE(std::equal(part.begin(), part.end(), written.parameters.data() + first));
  }
  float one = 0;
  CHECK(model::read_parameters(source, info, count, {&one, 1}) == Status::kShapeMismatch);
  CHECK(model::read_parameters(source, info, std::size_t{count} + 1, {&one, 0}) == Status::kShapeMismatch);
}

TEST_CASE("model file: parameters that lie in memory as floats need not be read", "[common][model]") {
  const Written written = write(conv_net());
  std::vector<float> memory(written.file.size() / sizeof(float) + 2);
  auto* base = reinterpret_cast<std::uint8_t*>(memory.data());
  const std::size_t shift = GENERATE(0U, 1U, 2U, 3U);
  std::copy(written.file.begin(), written.file.end(), base + shift);
  const Bytes bytes(base + shift, written.file.size());
  model::ByteSource source = model::source_of(bytes);
  model::ModelInfo info;
  REQUIRE(model::inspect(source, info) == Status::kOk);
  const float* parameters = model::parameters_in_place(source, info);
  REQUIRE((parameters != nullptr) == (kIsLittleEndian && shift == 0));
  if (parameters != nullptr) CHECK(std::equal(written.parameters.begin(), written.parameters.end(), parameters));
  source.in_place = [](void* /*context*/) -> const std::uint8_t* { return nullptr; };
  CHECK(model::parameters_in_place(source, info) == nullptr);
  source.in_place = nullptr;
  CHECK(model::parameters_in_place(source, info) == nullptr);
}

TEST_CASE("model file: the bytes are those of the document", "[common][model]") {
  const Written written = write(tiny_net());
  const std::uint8_t* p = written.file.data();
  CHECK(std::memcmp(p, "SKM\0", 4) == 0);
  CHECK((load_u16(p + 4) == 2 && load_u16(p + 6) == 2));  // format, arithmetic
  CHECK(load_u16(p + 8) == 1);                            // protocol
  CHECK(load_u16(p + 10) == 2);                           // codecs
  CHECK(load_u32(p + 12) == written.file.size());
  CHECK(written.file.size() == 32 + 3 * 12 + 2 * 4 + 4 * 9 + 32);
  CHECK((load_u16(p + 16) == 1 && load_u16(p + 18) == 1 && load_u16(p + 20) == 2));
  CHECK((p[22] == 2 && p[23] == 3));
  CHECK((load_u32(p + 24) == 1 && load_u32(p + 28) == 9));
  CHECK((load_float(p + 68) == 0.125F && load_float(p + 72) == -3.0F));
  const std::uint8_t dense_layer[12] = {1, 3, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  const std::uint8_t relu_layer[12] = {6, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  CHECK(std::memcmp(p + kLayers, dense_layer, 12) == 0);
  CHECK(std::memcmp(p + kLayers + kLayerBytes, relu_layer, 12) == 0);
  for (std::size_t e = 0; e < 9; ++e) CHECK(load_float(p + 76 + 4 * e) == written.parameters[e]);
  CHECK(crypto::sha256(view(written.file).first(written.file.size() - 32)) == written.digest);
}

TEST_CASE("model file: scales of every channel or input are written and read", "[common][model]") {
  Written written = write(conv_net());
  const nn::Network& network = written.model.network;
  const bool each_input = GENERATE(false, true);
  const std::size_t count = each_input ? network.input_size() : network.input_shape().channels;
  if (count == 1) return;
  std::vector<float> numbers(2 * count);
  for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = 0.5F + static_cast<float>(i);
  written.model.input = {count, 1.0F, 0.0F, numbers.data(), numbers.data() + count};
  File file(model::model_bytes(network, count));
  CHECK(file.size() == written.file.size() + 8 * (count - 1));
  const Span<const float> parameters(written.parameters.data(), written.parameters.size());
  crypto::Digest digest;
  CHECK(model::encode(written.model, parameters, {written.file.data(), written.file.size()}, digest) ==
        Status::kShapeMismatch);
  REQUIRE(model::encode(written.model, parameters, {file.data(), file.size()}, digest) == Status::kOk);
  model::ModelInfo info;
  REQUIRE(inspect(file, info) == Status::kOk);
  CHECK(info.model.input.count == count);
  const Bytes bytes = view(file);
  const model::ByteSource source = model::source_of(bytes);
  std::vector<float> read(2 * count);
  CHECK(model::read_input_scales(source, info, {read.data(), count}) == Status::kShapeMismatch);
  REQUIRE(model::read_input_scales(source, info, {read.data(), read.size()}) == Status::kOk);
  CHECK(read == numbers);
  std::vector<float> values(written.parameters.size());
  REQUIRE(model::read_parameters(source, info, 0, {values.data(), values.size()}) == Status::kOk);
  CHECK(values == written.parameters);
  const std::size_t last = info.parameters_offset - 4;
  CHECK(inspect(with_u32(file, last, 0x7fc00000U)) == Status::kNotFinite);
  std::vector<float> input(network.input_size(), 2.0F);
  written.model.input.apply({input.data(), input.size()});
  for (std::size_t i = 0; i < input.size(); ++i)
    CHECK(input[i] == 2.0F * numbers[i % count] + numbers[count + i % count]);
}

TEST_CASE("model file: a zero has no sign", "[common][model]") {
  const Written written = write(tiny_net());
  std::vector<float> parameters(9, -0.0F);
  File minus(written.file.size());
  File plus(written.file.size());
  crypto::Digest digest;
  REQUIRE(model::encode(written.model, {parameters.data(), 9}, {minus.data(), minus.size()}, digest) == Status::kOk);
  parameters.assign(9, 0.0F);
  REQUIRE(model::encode(written.model, {parameters.data(), 9}, {plus.data(), plus.size()}, digest) == Status::kOk);
  CHECK(minus == plus);
}

TEST_CASE("model file: every change of a single byte is refused", "[common][model]") {
  const Written written = write(tiny_net());
  for (std::size_t offset = 0; offset < written.file.size(); ++offset) {
    for (unsigned change = 1; change < 256; ++change) {
      File file = written.file;
      file[offset] = static_cast<std::uint8_t>(file[offset] ^ change);
      if (inspect(file) == Status::kOk) FAIL("byte " << offset << " xor " << change);
    }
  }
}

TEST_CASE("model file: every truncation and every extension is refused", "[common][model]") {
  const Written written = write(tiny_net());
  for (std::size_t size = 0; size < written.file.size(); ++size) {
    const File file(written.file.begin(), written.file.begin() + static_cast<std::ptrdiff_t>(size));
    if (inspect(file) != Status::kTruncated) FAIL("length " << size);
  }
  File longer = written.file;
  longer.push_back(0);
  CHECK(inspect(longer) == Status::kDamaged);
  CHECK(inspect(sealed(longer)) == Status::kDamaged);
}

TEST_CASE("model file: other versions are told apart", "[common][model]") {
  const File file = write(tiny_net()).file;
  CHECK(inspect(with_u16(file, 4, 4)) == Status::kNewerVersion);
  CHECK(inspect(with_u16(file, 4, 3)) == Status::kInvalidArgument);  // its scale as an adaptation
  CHECK(inspect(with_u16(file, 4, 65535)) == Status::kNewerVersion);
  CHECK(inspect(with_u16(file, 4, 1)) == Status::kUnsupported);
  CHECK(inspect(with_u16(file, 4, 0)) == Status::kUnsupported);
  const std::size_t offset = GENERATE(6U, 8U, 10U);  // arithmetic, protocol, codec
  CHECK(inspect(with_u16(file, offset, 3)) == Status::kUnsupported);
  CHECK(inspect(with_u16(file, offset, 0)) == Status::kUnsupported);
}

TEST_CASE("model file: numbers that are not finite are refused by reader and writer", "[common][model]") {
  const Written written = write(tiny_net());
  const std::uint32_t bits = GENERATE(0x7f800000U, 0xff800000U, 0x7fc00000U, 0x7f800001U);
  for (const std::size_t offset : {68U, 72U, 76U, 76U + 4 * 8}) {
    CHECK(inspect(with_u32(written.file, offset, bits)) == Status::kNotFinite);
  }
  std::vector<float> parameters = written.parameters;
  parameters[8] = arithmetic::RealTraits<float>::from_bits(bits);
  File out(written.file.size());
  crypto::Digest digest;
  CHECK(model::encode(written.model, {parameters.data(), 9}, {out.data(), out.size()}, digest) == Status::kNotFinite);
}

TEST_CASE("model file: a header that lies about sizes is refused", "[common][model]") {
  const File file = write(tiny_net()).file;
  const auto size = static_cast<std::uint32_t>(file.size());
  CHECK(inspect(with_u32(file, 12, size - 1)) == Status::kDamaged);
  CHECK(inspect(with_u32(file, 12, size + 1)) == Status::kTruncated);
  CHECK(inspect(with_u32(file, 12, 0xffffffffU)) == Status::kTruncated);
  CHECK(inspect(with_u32(file, 28, 8)) == Status::kShapeMismatch);
  CHECK(inspect(with_u32(file, 28, 0xffffffffU)) == Status::kShapeMismatch);
  CHECK(inspect(with_u16(file, 20, 3)) == Status::kShapeMismatch);  // three inputs: more parameters than there are
  CHECK(inspect(with_u16(file, 16, 0)) == Status::kInvalidArgument);
  CHECK(inspect(with_byte(file, 22, 5)) == Status::kUnsupported);  // loss
  for (const std::uint32_t scales : {0U, 2U, 3U, 0xffffffffU}) {
    CHECK(inspect(with_u32(file, 24, scales)) == Status::kShapeMismatch);
  }
  CHECK(inspect(with_byte(file, 23, 0)) == Status::kInvalidArgument);
  CHECK(inspect(with_byte(file, 23, 2)) != Status::kOk);
  CHECK(inspect(with_byte(file, 23, 4)) != Status::kOk);
  CHECK(inspect(with_byte(file, 23, 16)) == Status::kDamaged);  // more layers than the file has room for
  CHECK(inspect(with_byte(file, 23, 255)) == Status::kUnsupported);
}

TEST_CASE("model file: a layer list that lies is refused, naming the layer", "[common][model]") {
  const File file = write(tiny_net()).file;
  const std::size_t relu_at = kLayers + kLayerBytes;
  model::ModelInfo info;
  CHECK(inspect(with_byte(file, relu_at, 99), info) == Status::kUnsupported);
  CHECK(info.build_error.layer == 1);
  CHECK_THAT(info.build_error.reason, Contains("unknown layer"));
  CHECK(inspect(with_byte(file, relu_at, 2), info) == Status::kInvalidArgument);  // a convolution without a kernel
  CHECK(info.build_error.layer == 1);
  CHECK(inspect(with_u16(file, kLayers + 2, 3)) == Status::kShapeMismatch);  // units
  CHECK(inspect(with_u16(file, kLayers + 2, 0), info) == Status::kInvalidArgument);
  CHECK(info.build_error.layer == 0);
  for (const std::size_t reserved : {9U, 10U, 11U}) {
    CHECK(inspect(with_byte(file, kLayers + reserved, 1)) == Status::kUnsupported);
  }
  CHECK(inspect(with_byte(file, kLayers + 8, 2)) == Status::kUnsupported);  // padding
  CHECK(inspect(with_byte(file, kLayers + 1, 4)) == Status::kUnsupported);  // trainable mask
}

TEST_CASE("model file: groups, windows and parameters that lie are refused", "[common][model]") {
  const File file = write(separable_net()).file;
  const auto layer = [](std::size_t index) { return kLayers + index * kLayerBytes; };
  const std::size_t depthwise = layer(2);
  const std::size_t rational = layer(4);
  const std::size_t norm = layer(6);
  model::ModelInfo info;
  REQUIRE(inspect(file, info) == Status::kOk);
  CHECK(inspect(with_u16(file, norm + 2, 0), info) == Status::kInvalidArgument);  // groups
  CHECK(info.build_error.layer == 6);
  CHECK(inspect(with_u16(file, norm + 2, 4), info) == Status::kShapeMismatch);
  CHECK_THAT(info.build_error.reason, Contains("divide"));
  CHECK(inspect(with_byte(file, depthwise + 4, 0), info) == Status::kInvalidArgument);  // kernel
  CHECK(info.build_error.layer == 2);
  CHECK(inspect(with_byte(file, depthwise + 5, 2)) == Status::kShapeMismatch);  // fewer weights than the file has
  for (const auto other : {nn::LayerKind::kRelu, nn::LayerKind::kGlobalAveragePool, nn::LayerKind::kDense}) {
    CHECK(inspect(with_byte(file, rational, static_cast<std::uint8_t>(other))) != Status::kOk);
  }
  CHECK(inspect(with_byte(file, norm, static_cast<std::uint8_t>(nn::LayerKind::kRational))) == Status::kShapeMismatch);
  CHECK(inspect(with_u32(file, file.size() - crypto::kDigestBytes - 4, 0x7fc00000U)) == Status::kNotFinite);
}

TEST_CASE("model file: storage that fails is reported wherever it fails", "[common][model]") {
  struct Flaky {
    Bytes bytes;
    int reads_left = 0;
  };
  const Written written = write(conv_net());
  int sound_reads = 0;
  for (Status status = Status::kUnavailable; status != Status::kOk; ++sound_reads) {
    Flaky flaky{view(written.file), sound_reads};
    model::ByteSource source{&flaky, nullptr, static_cast<std::uint32_t>(written.file.size())};
    source.read = [](void* context, std::uint32_t offset, MutableBytes out) {
      auto& storage = *static_cast<Flaky*>(context);
      if (storage.reads_left-- == 0) return Status::kUnavailable;
      std::memcpy(out.data(), storage.bytes.data() + offset, out.size());
      return Status::kOk;
    };
    model::ModelInfo info;
    status = model::inspect(source, info);
    if (status != Status::kOk) REQUIRE(status == Status::kUnavailable);
    REQUIRE(sound_reads < 1000);
  }
  CHECK(sound_reads > 10);  // header, digest, layers and parameters were all reached
}

TEST_CASE("model file: encode checks its sizes", "[common][model]") {
  const Written written = write(tiny_net());
  File out(written.file.size() + 1);
  crypto::Digest digest;
  const Span<const float> parameters(written.parameters.data(), 9);
  CHECK(model::encode(written.model, parameters, {out.data(), out.size()}, digest) == Status::kShapeMismatch);
  CHECK(model::encode(written.model, parameters, {out.data(), out.size() - 2}, digest) == Status::kShapeMismatch);
  CHECK(model::encode(written.model, parameters.first(8), {out.data(), out.size() - 1}, digest) ==
        Status::kShapeMismatch);
}

TEST_CASE("model: bytes beyond 4 GiB do not make a short file of a long one", "[common][model]") {
  if constexpr (sizeof(std::size_t) > 4) {
    const Written written = write(tiny_net());
    const Bytes longer(written.file.data(), written.file.size() + (std::uint64_t{1} << 32));
    model::ModelInfo info;
    CHECK(model::inspect(model::source_of(longer), info) == Status::kDamaged);
  }
}

TEST_CASE("model: a file longer than any network's is refused before its digest is computed", "[common][model]") {
  struct Slot {
    File header;
    std::size_t reads = 0;
  };
  Slot slot{write(tiny_net()).file};
  for (const std::uint32_t size : {0xffffffffU, 0xfffffff0U, 0xd0000000U}) {
    slot.reads = 0;
    store_u32(slot.header.data() + 12, size);
    model::ByteSource source;
    source.context = &slot;
    source.size = size;
    source.read = [](void* context, std::uint32_t offset, MutableBytes out) noexcept {
      Slot& from = *static_cast<Slot*>(context);
      if (++from.reads > 1 || offset != 0) return Status::kUnavailable;
      std::memcpy(out.data(), from.header.data(), out.size());
      return Status::kOk;
    };
    model::ModelInfo info;
    CHECK(model::inspect(source, info) == Status::kUnsupported);
    CHECK(slot.reads == 1);
  }
}
