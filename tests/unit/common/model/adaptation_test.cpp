/// @file
/// Model files of format 3, which say how a device may adapt the model for itself.

#include <catch2/catch.hpp>
#include <limits>
#include <vector>

#include "fakes/model.hpp"
#include "skink/common/little_endian.hpp"

using namespace skink;
using namespace skink::test;

namespace {

using File = std::vector<std::uint8_t>;

NetSpec tiny_net() { return {{1, 1, 2}, {dense(2), relu(), dense(1)}, nn::Loss::kMeanSquaredError}; }

constexpr std::size_t kAt = 32 + 12 * 3;  // behind the layers

Status inspect(const File& file, model::ModelInfo& info) {
  const Bytes bytes{file.data(), file.size()};
  return model::inspect(model::source_of(bytes), info);
}

Status inspect_with(File file, std::size_t offset, std::uint32_t value) {
  store_u32(file.data() + offset, value);
  (void)seal(file);
  model::ModelInfo info;
  return inspect(file, info);
}

}  // namespace

TEST_CASE("model file: an adaptation is written and read, in format 3", "[common][model]") {
  const FakeModel plain(tiny_net());
  const FakeModel model(tiny_net(), 1, {0.25F, 1024, 7});
  CHECK(model.file.size() == plain.file.size() + 12);
  CHECK(load_u16(plain.file.data() + 4) == 2);
  CHECK(load_u16(model.file.data() + 4) == 3);
  CHECK_FALSE(model.digest == plain.digest);
  model::ModelInfo info;
  REQUIRE(inspect(model.file, info) == Status::kOk);
  CHECK(info.model.adaptation.inner_learning_rate == 0.25F);
  CHECK(info.model.adaptation.passes == 1024);
  CHECK(info.model.adaptation.batch_size == 7);
  CHECK(info.model.input.scale == 0.75F);
  std::vector<float> parameters(model.parameters.size());
  const Bytes bytes{model.file.data(), model.file.size()};
  REQUIRE(model::read_parameters(model::source_of(bytes), info, 0, {parameters.data(), parameters.size()}) ==
          Status::kOk);
  CHECK(parameters == model.parameters);
  REQUIRE(inspect(plain.file, info) == Status::kOk);
  CHECK(info.model.adaptation.passes == 0);
}

TEST_CASE("model file: an adaptation that is out of range or cut off is refused", "[common][model]") {
  const FakeModel model(tiny_net(), 1, {0.25F, 1024, 7});
  for (const std::uint32_t rate : {0U, 0x80000000U, 0xbf800000U, 0x7f800000U, 0x7fc00000U}) {
    CHECK(inspect_with(model.file, kAt, rate) == Status::kInvalidArgument);
  }
  for (const std::uint32_t count : {0U, 1025U, 0xffffffffU}) {
    CHECK(inspect_with(model.file, kAt + 4, count) == Status::kInvalidArgument);
    CHECK(inspect_with(model.file, kAt + 8, count) == Status::kInvalidArgument);
  }
  File as_plain = model.file;
  store_u16(as_plain.data() + 4, 2);
  (void)seal(as_plain);
  model::ModelInfo info;
  CHECK(inspect(as_plain, info) == Status::kShapeMismatch);
  for (std::size_t size = 0; size < model.file.size(); ++size) {
    const File cut(model.file.begin(), model.file.begin() + static_cast<std::ptrdiff_t>(size));
    CHECK(inspect(cut, info) != Status::kOk);
  }
}
