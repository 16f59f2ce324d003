#include "skink/rounds/cohort.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

#include "skink/host/experiment/membership.hpp"

using namespace skink;

namespace {

Membership split(std::uint64_t seed, std::uint32_t devices, std::uint32_t held_out, HoldOut kind = HoldOut::kDrawn) {
  FleetConfig fleet;
  fleet.held_out = held_out;
  fleet.hold_out = kind;
  return split_roster(seed, fleet, devices);
}

}  // namespace

TEST_CASE("cohort: held-out and training devices part the roster", "[rounds][cohort]") {
  const auto devices = GENERATE(1U, 2U, 64U, 1000U);
  const std::uint32_t held_out = devices / 4;
  const Membership membership = split(7, devices, held_out);
  REQUIRE(membership.held_out.size() == held_out);
  REQUIRE(membership.training.size() == devices - held_out);
  std::set<std::uint32_t> all(membership.training.begin(), membership.training.end());
  all.insert(membership.held_out.begin(), membership.held_out.end());
  REQUIRE(all.size() == devices);
  REQUIRE(*all.rbegin() == devices - 1);
  REQUIRE(std::is_sorted(membership.training.begin(), membership.training.end()));
}

TEST_CASE("cohort: the order of a round takes every training device once", "[rounds][cohort]") {
  const Membership membership = split(7, 50, 10);
  const auto round = GENERATE(range(0U, 30U));
  std::set<std::uint32_t> seen;
  for (std::uint32_t position = 0; position < 40; ++position) {
    seen.insert(rounds::cohort_device(7, round, membership.training, position));
  }
  REQUIRE(seen == std::set<std::uint32_t>(membership.training.begin(), membership.training.end()));
}

TEST_CASE("cohort: devices are chosen about equally often, and rounds and seeds differ", "[rounds][cohort]") {
  const Membership membership = split(7, 40, 0);
  std::vector<int> chosen(40, 0);
  int same_as_other_seed = 0;
  for (std::uint32_t round = 0; round < 8000; ++round) {
    const std::uint32_t device = rounds::cohort_device(7, round, membership.training, 0);
    ++chosen[device];
    same_as_other_seed += device == rounds::cohort_device(8, round, membership.training, 0) ? 1 : 0;
  }
  // 200 expected each, deviation 14; chi-square with 39 degrees of freedom stays below 73 but once in a thousand.
  double chi_square = 0;
  for (const int count : chosen) chi_square += (count - 200.0) * (count - 200.0) / 200.0;
  CHECK(chi_square < 73);
  CHECK(same_as_other_seed < 300);  // 200 expected
}

TEST_CASE("cohort: the last devices of the roster are held out where the experiment says so", "[rounds][cohort]") {
  const Membership membership = split(7, 5, 2, HoldOut::kLast);
  CHECK(membership.training == std::vector<std::uint32_t>{0, 1, 2});
  CHECK(membership.held_out == std::vector<std::uint32_t>{3, 4});
}
