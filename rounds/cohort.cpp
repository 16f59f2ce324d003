#include "skink/rounds/cohort.hpp"

#include "skink/common/arithmetic/permutation.hpp"

namespace skink::rounds {

using arithmetic::Purpose;

std::uint32_t cohort_device(std::uint64_t seed, std::uint32_t round, const std::vector<std::uint32_t>& training,
                            std::uint32_t position) {
  const arithmetic::PhiloxBlock key =
      arithmetic::philox(seed, 0, static_cast<std::uint32_t>(Purpose::kCohort), round, 0);
  return training[arithmetic::permute(position, static_cast<std::uint32_t>(training.size()), key)];
}

}  // namespace skink::rounds
