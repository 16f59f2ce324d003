#include "measure.hpp"

#include <algorithm>

namespace skink::simulations {

double now(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

double peak_of(const LaneFunctions& functions) {
  double best = 0;
  for (int repetition = 0; repetition < 5; ++repetition) {
    std::uint64_t operations = 0;
    const double seconds = seconds_of(1, [&] { operations = functions.peak(1000000); });
    best = std::max(best, static_cast<double>(operations) / seconds);
  }
  return best;
}

}  // namespace skink::simulations
