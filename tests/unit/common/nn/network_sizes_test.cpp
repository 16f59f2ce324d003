/// @file
/// Descriptions whose sizes do not fit 32 bits: refused on a microcontroller as on a host, never taken for what is left
/// of them there. Also built with a size_t of 32 bits (preset host32).

#include <catch2/catch.hpp>
#include <cstdint>
#include <limits>

#include "nets.hpp"
#include "skink/common/nn/planner.hpp"

using namespace skink;
using namespace skink::test;
using Catch::Matchers::Contains;

namespace {

constexpr nn::Loss kSquared = nn::Loss::kMeanSquaredError;

void check_too_large(const NetSpec& spec, std::size_t layer) {
  nn::Network network;
  nn::BuildError error;
  CHECK(try_build(spec, network, error) == Status::kUnsupported);
  CHECK(error.layer == layer);
  CHECK_THAT(error.reason, Contains("too large"));
}

/// What a size of this many bytes is reported as.
std::size_t as_size(std::uint64_t bytes) {
  constexpr auto kLargest = std::numeric_limits<std::size_t>::max();
  return bytes > kLargest ? kLargest : static_cast<std::size_t>(bytes);
}

}  // namespace

TEST_CASE("network: weights that wrap 32 bits are too many", "[common][nn][network]") {
  const Window sixteen = square(16, 1);
  check_too_large({{16, 16, 4096}, {conv2d(4096, sixteen)}, kSquared}, 0);            // 2^32: none
  check_too_large({{10, 10, 1321}, {conv2d(32513, square(10, 1))}, kSquared}, 0);     // 2^32 + 4: four
  check_too_large({{255, 255, 4128}, {conv2d(65535, square(255, 1))}, kSquared}, 0);  // 2^44
}

TEST_CASE("network: an input that wraps 32 bits is too large", "[common][nn][network]") {
  check_too_large({{4096, 4096, 256}, {flatten(), dense(1)}, kSquared}, 0);      // 2^32
  check_too_large({{1321, 32513, 100}, {flatten(), dense(1)}, kSquared}, 0);     // 2^32 + 4
  check_too_large({{65535, 65535, 65535}, {flatten(), dense(1)}, kSquared}, 0);  // 2^48
}

TEST_CASE("network: activations that wrap 32 bits are too many", "[common][nn][network]") {
  const Window one = square(1, 1);
  check_too_large({{1024, 1024, 1}, {conv2d(4096, one)}, kSquared}, 0);                   // 2^32
  check_too_large({{1321, 32513, 1}, {conv2d(100, one)}, kSquared}, 0);                   // 2^32 + 4
  check_too_large({{4096, 4096, 1}, {conv2d(8, one), conv2d(65535, one)}, kSquared}, 1);  // 2^40
}

TEST_CASE("planner: what cannot be addressed is the largest size, never less than it is", "[common][nn]") {
  const Window one = square(1, 1);
  const nn::Network wide = build({{4096, 4096, 1}, {conv2d(8, one)}, kSquared});
  constexpr std::uint64_t kPixels = 4096 * 4096;
  nn::PlanRequest request;
  request.batch_size = nn::kSliceSamples;
  nn::MemoryPlan plan = nn::plan_memory(wide, request);
  CHECK(plan.inputs == as_size(4 * nn::kSliceSamples * kPixels));
  CHECK(plan.activations == as_size(4 * nn::kSliceSamples * 8 * kPixels));
  CHECK(plan.total == as_size(4 * nn::kSliceSamples * 9 * kPixels + 2 * 4 * 16));
  CHECK(plan.total % 4 == (plan.total == std::numeric_limits<std::size_t>::max() ? 3 : 0));

  request.batch_size = 1;
  request.buffered_samples = 16;
  plan = nn::plan_memory(wide, request);
  CHECK(plan.support == as_size(4 * 16 * 9 * kPixels));
  CHECK(plan.total == as_size(4 * 16 * 9 * kPixels + 4 * 9 * kPixels + 4 * 16));
  request.buffered_samples = std::numeric_limits<std::uint32_t>::max();
  CHECK(nn::plan_memory(wide, request).total >= as_size(4 * 9 * kPixels * (std::uint64_t{1} << 31)));

  request.buffered_samples = 0;
  request.residual_bytes = std::numeric_limits<std::size_t>::max() - 3;
  CHECK(nn::plan_memory(wide, request).total == std::numeric_limits<std::size_t>::max());
}
