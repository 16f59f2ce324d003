/// @file
/// libFuzzer's entry; SKINK_FUZZ_HARNESS is one of harness.hpp.

#include "harness.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  skink::test::SKINK_FUZZ_HARNESS({data, size});
  return 0;
}
