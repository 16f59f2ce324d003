#include "split.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <utility>

namespace skink::simulations {
namespace {

std::size_t share(std::size_t count, double fraction) {
  if (fraction <= 0) return 0;
  const auto rounded = static_cast<std::size_t>(std::floor(static_cast<double>(count) * fraction + 0.5));
  return std::max<std::size_t>(1, rounded);
}

/// Fisher-Yates; the standard says what mt19937_64 gives, but not what std::shuffle makes of it.
std::vector<std::size_t> shuffled(std::size_t count, std::uint64_t seed) {
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::mt19937_64 random(seed);
  for (std::size_t i = count; i > 1; --i) std::swap(order[i - 1], order[random() % i]);
  return order;
}

}  // namespace

Result<std::vector<Split>> deal_splits(std::size_t count, double validation, double test, std::uint64_t seed,
                                       const std::string& what) {
  const bool is_sound = validation >= 0 && test >= 0 && validation + test < 1;  // false for NaN too
  if (!is_sound) {
    return make_error(Status::kInvalidArgument, "--validation and --test: use fractions that add up to less than 1");
  }
  const std::size_t for_validation = share(count, validation);
  const std::size_t for_test = share(count, test);
  if (for_validation + for_test >= count) {
    return make_error(Status::kInvalidArgument,
                      "of " + std::to_string(count) + " " + what + ", " + std::to_string(for_validation) +
                          " would be for validation and " + std::to_string(for_test) +
                          " for testing: none is left for training; change --validation, --test or --split-by");
  }
  std::vector<Split> splits(count, Split::kTrain);
  const std::vector<std::size_t> order = shuffled(count, seed);
  for (std::size_t i = 0; i < for_test; ++i) splits[order[i]] = Split::kTest;
  for (std::size_t i = 0; i < for_validation; ++i) splits[order[for_test + i]] = Split::kValidation;
  return splits;
}

}  // namespace skink::simulations
