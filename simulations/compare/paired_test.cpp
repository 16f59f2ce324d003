#include "paired_test.hpp"

#include <algorithm>
#include <boost/math/distributions/binomial.hpp>
#include <boost/math/distributions/normal.hpp>
#include <cmath>
#include <cstdint>
#include <numeric>

#include "skink/rounds/evaluation_figures.hpp"

namespace skink::simulations {
namespace {

constexpr std::size_t kMostCounted = 200;
/// devices.csv has nine digits.
constexpr double kSameWithin = 1e-7;

/// Of the sizes of the differences, doubled: the mean of tied ranks may end in a half.
struct Ranks {
  std::vector<std::uint32_t> doubled;
  double tie_correction = 0;  ///< sum of t^3 - t over groups of ties
};

Ranks ranks_of(const std::vector<double>& sizes) {
  std::vector<std::size_t> order(sizes.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&sizes](std::size_t a, std::size_t b) { return sizes[a] < sizes[b]; });
  Ranks ranks;
  ranks.doubled.resize(sizes.size());
  for (std::size_t begin = 0; begin < order.size();) {
    std::size_t end = begin;
    while (end < order.size() && sizes[order[end]] == sizes[order[begin]]) ++end;
    for (std::size_t i = begin; i < end; ++i) ranks.doubled[order[i]] = static_cast<std::uint32_t>(begin + 1 + end);
    const auto tied = static_cast<double>(end - begin);
    ranks.tie_correction += tied * tied * tied - tied;
    begin = end;
  }
  return ranks;
}

/// Share of the sign patterns whose sum of positive ranks is at most `sum`, all being equally likely.
double share_at_most(const std::vector<std::uint32_t>& ranks, std::uint64_t sum) {
  const std::uint64_t all = std::accumulate(ranks.begin(), ranks.end(), std::uint64_t{0});
  std::vector<double> share(all + 1, 0.0);
  share[0] = 1;
  std::uint64_t reached = 0;
  for (const std::uint32_t rank : ranks) {
    reached += rank;
    for (std::uint64_t s = reached + 1; s-- > 0;) share[s] = 0.5 * (share[s] + (s >= rank ? share[s - rank] : 0));
  }
  return std::accumulate(share.begin(), share.begin() + static_cast<std::ptrdiff_t>(sum) + 1, 0.0);
}

double normal_p(const Ranks& ranks, double smaller) {
  const auto n = static_cast<double>(ranks.doubled.size());
  const double mean = n * (n + 1) / 4;
  const double variance = n * (n + 1) * (2 * n + 1) / 24 - ranks.tie_correction / 48;
  const double distance = std::max(0.0, mean - smaller - 0.5);
  return std::min(1.0, 2 * boost::math::cdf(boost::math::normal(), -distance / std::sqrt(variance)));
}

}  // namespace

double wilcoxon_p(const std::vector<double>& differences) {
  std::vector<double> sizes;
  std::vector<bool> positive;
  for (const double difference : differences) {
    if (difference == 0) continue;
    sizes.push_back(std::fabs(difference));
    positive.push_back(difference > 0);
  }
  if (sizes.empty()) return rounds::kNotMeasured;
  const Ranks ranks = ranks_of(sizes);
  std::uint64_t above = 0;
  std::uint64_t all = 0;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    all += ranks.doubled[i];
    if (positive[i]) above += ranks.doubled[i];
  }
  const std::uint64_t smaller = std::min(above, all - above);
  if (sizes.size() > kMostCounted) return normal_p(ranks, static_cast<double>(smaller) / 2);
  return std::min(1.0, 2 * share_at_most(ranks.doubled, smaller));
}

double sign_test_p(std::size_t higher, std::size_t lower) {
  const std::size_t all = higher + lower;
  if (all == 0) return rounds::kNotMeasured;
  const boost::math::binomial distribution(static_cast<double>(all), 0.5);
  return std::min(1.0, 2 * boost::math::cdf(distribution, static_cast<double>(std::min(higher, lower))));
}

PairedTest paired_test(const std::vector<double>& differences, double largest) {
  PairedTest test;
  const double step = largest > 0 ? kSameWithin * largest : 1;
  std::vector<double> steps;
  steps.reserve(differences.size());
  for (const double difference : differences) {
    steps.push_back(std::nearbyint(difference / step));
    test.higher += steps.back() > 0 ? 1U : 0U;
    test.lower += steps.back() < 0 ? 1U : 0U;
  }
  test.difference = rounds::spread_of(differences);
  test.wilcoxon = wilcoxon_p(steps);
  test.sign = sign_test_p(test.higher, test.lower);
  return test;
}

}  // namespace skink::simulations
