#include "skink/common/arithmetic/permutation.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <numeric>
#include <vector>

using namespace skink::arithmetic;

namespace {

std::vector<std::uint32_t> permutation(std::uint32_t size, const PhiloxBlock& key) {
  std::vector<std::uint32_t> elements(size);
  for (std::uint32_t i = 0; i < size; ++i) elements[i] = permute(i, size, key);
  return elements;
}

PhiloxBlock key_of(std::uint32_t number) { return philox(1, number, 6, 0, 0); }

bool is_permutation_of_range(std::vector<std::uint32_t> elements) {
  std::sort(elements.begin(), elements.end());
  for (std::uint32_t i = 0; i < elements.size(); ++i) {
    if (elements[i] != i) return false;
  }
  return true;
}

/// Pearson's chi-square of counts that should be equal.
template <class Counts>
double chi_square(const Counts& counts, std::size_t categories, double draws) {
  const double expected = draws / static_cast<double>(categories);
  double sum = expected * static_cast<double>(categories - counts.size());  // categories that never came
  for (const auto& [category, count] : counts) sum += (count - expected) * (count - expected) / expected;
  return sum;
}

}  // namespace

TEST_CASE("permute: every size from 1 to 300 gives a permutation", "[common][arithmetic][permutation]") {
  for (std::uint32_t size = 1; size <= 300; ++size) {
    for (std::uint32_t key = 0; key < 5; ++key) {
      const auto elements = permutation(size, key_of(size * 5 + key));
      if (!is_permutation_of_range(elements)) FAIL("size " << size << ", key " << key);
    }
  }
}

TEST_CASE("permute: extreme keys and large sizes give permutations", "[common][arithmetic][permutation]") {
  const PhiloxBlock key = GENERATE(PhiloxBlock{{0, 0, 0, 0}}, PhiloxBlock{{~0U, ~0U, ~0U, ~0U}}, key_of(3));
  for (const std::uint32_t size : {1U, 2U, 3U, 4U, 255U, 256U, 257U, 65536U, 65537U}) {
    if (!is_permutation_of_range(permutation(size, key))) FAIL("size " << size);
  }
}

TEST_CASE("permute: positions of the largest size stay inside", "[common][arithmetic][permutation]") {
  constexpr std::uint32_t kLargest = std::uint32_t{1} << 31;
  std::vector<std::uint32_t> seen;
  for (std::uint32_t i = 0; i < 1000; ++i) seen.push_back(permute(kLargest - 1 - i, kLargest, key_of(0)));
  std::sort(seen.begin(), seen.end());
  CHECK(seen.back() < kLargest);
  CHECK(std::adjacent_find(seen.begin(), seen.end()) == seen.end());
}

TEST_CASE("permute: all orders of few elements are equally likely", "[common][arithmetic][permutation]") {
  // Quantile 1 - 1e-4 of chi-square with orders - 1 degrees of freedom (inverse of the regularised incomplete gamma
  // function). The seeds are fixed, so the test is deterministic.
  const auto [size, orders, critical] =
      GENERATE(table<std::uint32_t, std::size_t, double>({{2, 2, 15.14}, {3, 6, 25.74}, {4, 24, 57.07}}));
  constexpr std::uint32_t kDraws = 24000;
  std::map<std::vector<std::uint32_t>, double> counts;
  for (std::uint32_t draw = 0; draw < kDraws; ++draw) counts[permutation(size, key_of(draw))] += 1;
  CAPTURE(size);
  CHECK(chi_square(counts, orders, kDraws) < critical);
}

TEST_CASE("permute: every element is equally likely at every position", "[common][arithmetic][permutation]") {
  // Quantile 1 - 1e-5 of chi-square with size - 1 degrees of freedom; 1e-5 because up to 25 positions are looked at.
  const auto [size, critical] =
      GENERATE(table<std::uint32_t, double>({{5, 28.47}, {7, 33.11}, {10, 39.34}, {16, 50.49}, {25, 65.58}}));
  constexpr std::uint32_t kDraws = 20000;
  for (std::uint32_t position = 0; position < size; ++position) {
    std::map<std::uint32_t, double> counts;
    for (std::uint32_t draw = 0; draw < kDraws; ++draw) counts[permute(position, size, key_of(draw))] += 1;
    CAPTURE(size, position);
    CHECK(chi_square(counts, size, kDraws) < critical);
  }
}
