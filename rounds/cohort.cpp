#include "skink/rounds/cohort.hpp"

#include "skink/common/arithmetic/permutation.hpp"

namespace skink::rounds {

using arithmetic::Purpose;

Membership split_roster(std::uint64_t seed, std::uint32_t devices, std::uint32_t held_out) {
  const arithmetic::PhiloxBlock key = arithmetic::philox(seed, 0, static_cast<std::uint32_t>(Purpose::kHeldOut), 0, 0);
  std::vector<bool> is_held_out(devices, false);
  for (std::uint32_t j = 0; j < held_out; ++j) is_held_out[arithmetic::permute(j, devices, key)] = true;
  Membership membership;
  for (std::uint32_t device = 0; device < devices; ++device) {
    (is_held_out[device] ? membership.held_out : membership.training).push_back(device);
  }
  return membership;
}

std::uint32_t cohort_device(std::uint64_t seed, std::uint32_t round, const std::vector<std::uint32_t>& training,
                            std::uint32_t position) {
  const arithmetic::PhiloxBlock key =
      arithmetic::philox(seed, 0, static_cast<std::uint32_t>(Purpose::kCohort), round, 0);
  return training[arithmetic::permute(position, static_cast<std::uint32_t>(training.size()), key)];
}

}  // namespace skink::rounds
