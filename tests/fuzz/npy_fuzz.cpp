/// @file
/// Any bytes give an array whose numbers are as many as its shape says, or a reason.

#include "harness.hpp"
#include "skink/host/data/npy.hpp"

namespace skink::test {

void fuzz_npy(Bytes input) {
  const Result<NpyArray> array = parse_npy(input, "fuzz.npy");
  if (!array) {
    promise(array.error().message.find("fuzz.npy") != std::string::npos, "the reason names the file");
    return;
  }
  std::size_t count = 1;
  for (const std::size_t extent : array->shape) count *= extent;
  const std::size_t values = std::visit([](const auto& v) { return v.size(); }, array->values);
  promise(values == count, "the shape explains the numbers");
  promise(values <= input.size(), "no number without a byte");
  promise(!npy_shape_text(array->shape).empty(), "the shape has a text");
}

}  // namespace skink::test
