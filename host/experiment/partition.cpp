#include "partition.hpp"

#include <algorithm>
#include <cmath>
#include <queue>

#include "skink/common/arithmetic/elementary.hpp"
#include "skink/common/arithmetic/permutation.hpp"
#include "skink/common/arithmetic/philox.hpp"

namespace skink::internal {
namespace {

using arithmetic::permute;
using arithmetic::PhiloxBlock;

__extension__ using Wide = unsigned __int128;
using Lists = std::vector<std::vector<std::uint32_t>>;

constexpr std::uint32_t kTries = 32;             // of one gamma draw; blocks of a device
constexpr std::uint32_t kShuffle = 0xffffffffU;  // the block that shuffles a class
constexpr float kTurn = 6.2831853F;

PhiloxBlock block_of(const Deal& deal, std::uint32_t device, std::uint32_t block) {
  return arithmetic::philox(deal.seed, block, static_cast<std::uint32_t>(arithmetic::Purpose::kPartition), deal.side,
                            device);
}

/// The records of each class, in shuffled order.
Lists shuffled_classes(const Deal& deal) {
  Lists ordered(deal.classes);
  for (const ClassedRecord& one : *deal.records) ordered[one.output].push_back(one.record);
  Lists shuffled(deal.classes);
  for (std::uint32_t c = 0; c < deal.classes; ++c) {
    const PhiloxBlock key = block_of(deal, c + 1, kShuffle);
    const auto count = static_cast<std::uint32_t>(ordered[c].size());
    for (std::uint32_t i = 0; i < count; ++i) shuffled[c].push_back(ordered[c][permute(i, count, key)]);
  }
  return shuffled;
}

void append(std::vector<std::uint32_t>& to, const std::vector<std::uint32_t>& from, std::size_t begin,
            std::size_t end) {
  to.insert(to.end(), from.begin() + static_cast<std::ptrdiff_t>(begin),
            from.begin() + static_cast<std::ptrdiff_t>(end));
}

// ---- even draws

std::uint64_t weight_of(PartitionSizes sizes, std::uint64_t place) {
  switch (sizes) {
    case PartitionSizes::kEqual: return 1;
    case PartitionSizes::kLinear: return place + 1;
    case PartitionSizes::kSquare: return (place + 1) * (place + 1);
  }
  return 1;
}

void deal_evenly(const Deal& deal, Lists& devices) {
  const auto count = static_cast<std::uint32_t>(deal.records->size());
  const PhiloxBlock key = block_of(deal, 0, kShuffle);
  std::vector<std::uint32_t> order;
  for (std::uint32_t i = 0; i < count; ++i) order.push_back((*deal.records)[permute(i, count, key)].record);
  std::uint64_t total = 0;
  for (std::uint32_t d = 0; d < deal.devices; ++d) total += weight_of(deal.config->sizes, d);
  std::uint64_t sum = 0;
  std::size_t begin = 0;
  for (std::uint32_t d = 0; d < deal.devices; ++d) {
    sum += weight_of(deal.config->sizes, d);
    const auto end = static_cast<std::size_t>(Wide{count} * sum / total);
    append(devices[d], order, begin, end);
    begin = end;
  }
}

// ---- Dirichlet

/// The logarithm of a gamma variate of shape `alpha` and scale 1 (Marsaglia and Tsang, ACM TOMS 26(3), 2000; below 1 by
/// way of alpha + 1). After kTries refusals, less often than once in 10^40 draws, the most likely value stands.
float log_gamma_variate(const Deal& deal, std::uint32_t output, std::uint32_t device) {
  const auto alpha = static_cast<float>(deal.config->alpha);
  const bool is_boosted = alpha < 1.0F;
  const float d = (is_boosted ? alpha + 1.0F : alpha) - 0.33333334F;
  const float c = 1.0F / arithmetic::sqrt(9.0F * d);
  float accepted = 1.0F;
  for (std::uint32_t i = 0; i < kTries; ++i) {
    const PhiloxBlock words = block_of(deal, output + 1, device * kTries + i);
    const float radius = arithmetic::sqrt(-2.0F * arithmetic::log(1.0F - arithmetic::uniform(words.words[0])));
    const float z = radius * arithmetic::cos(kTurn * arithmetic::uniform(words.words[1]));
    const float t = 1.0F + c * z;
    const float v = t * t * t;
    if (!(v > 0.0F)) continue;
    const float u = 1.0F - arithmetic::uniform(words.words[2]);
    if (arithmetic::log(u) < 0.5F * z * z + d - d * v + d * arithmetic::log(v)) {
      accepted = v;
      break;
    }
  }
  const float value = arithmetic::log(d) + arithmetic::log(accepted);
  if (!is_boosted) return value;
  const float u = 1.0F - arithmetic::uniform(block_of(deal, output + 1, device * kTries).words[3]);
  return value + arithmetic::log(u) / alpha;
}

/// Class after class. A device that has its fair share of all records by then gets none of the next class.
void deal_by_dirichlet(const Deal& deal, Lists& devices) {
  const Lists classes = shuffled_classes(deal);
  std::vector<float> logarithms(deal.devices);
  std::vector<double> ends(deal.devices);
  for (std::uint32_t c = 0; c < deal.classes; ++c) {
    if (classes[c].empty()) continue;
    const auto has_room = [&](std::uint32_t d) {
      return std::uint64_t{devices[d].size()} * deal.devices < deal.records->size();
    };
    float largest = -3e38F;
    for (std::uint32_t d = 0; d < deal.devices; ++d) {
      logarithms[d] = log_gamma_variate(deal, c, d);
      if (has_room(d) && logarithms[d] > largest) largest = logarithms[d];
    }
    double sum = 0;
    for (std::uint32_t d = 0; d < deal.devices; ++d) {
      if (has_room(d)) sum += static_cast<double>(arithmetic::exp(logarithms[d] - largest));
      ends[d] = sum;
    }
    std::size_t begin = 0;
    for (std::uint32_t d = 0; d < deal.devices; ++d) {
      const bool is_last = ends[d] == sum;
      const auto count = static_cast<double>(classes[c].size());
      const std::size_t end = is_last ? classes[c].size() : static_cast<std::size_t>(count * (ends[d] / sum));
      append(devices[d], classes[c], begin, end);
      begin = end;
    }
  }
}

// ---- some classes each

void deal_classes(const Deal& deal, Lists& devices) {
  const Lists classes = shuffled_classes(deal);
  const PhiloxBlock key = block_of(deal, 0, kShuffle);
  const std::uint32_t each = deal.config->classes_per_device;
  std::vector<std::vector<std::uint32_t>> holders(deal.classes);
  for (std::uint32_t d = 0; d < deal.devices; ++d) {
    for (std::uint32_t j = 0; j < each; ++j) {
      const auto place = static_cast<std::uint32_t>((std::uint64_t{d} * each + j) % deal.classes);
      holders[permute(place, deal.classes, key)].push_back(d);
    }
  }
  for (std::uint32_t c = 0; c < deal.classes; ++c) {
    const std::uint64_t count = holders[c].size();
    for (std::uint64_t i = 0; i < count; ++i) {
      append(devices[holders[c][i]], classes[c], classes[c].size() * i / count, classes[c].size() * (i + 1) / count);
    }
  }
}

// ---- the floor

/// Devices with too few records, ascending, are each given the last ones of whoever has most (of equals the first).
void fill_up(std::uint32_t least, Lists& devices) {
  using Donor = std::pair<std::size_t, std::int64_t>;
  std::priority_queue<Donor> donors;
  for (std::size_t d = 0; d < devices.size(); ++d) donors.emplace(devices[d].size(), -static_cast<std::int64_t>(d));
  for (auto& device : devices) {
    while (device.size() < least) {
      const auto [size, place] = donors.top();
      auto& donor = devices[static_cast<std::size_t>(-place)];
      donors.pop();
      if (donor.size() != size) {  // it has given or been given since
        donors.emplace(donor.size(), place);
        continue;
      }
      if (&donor == &device) break;  // nobody has more
      device.push_back(donor.back());
      donor.pop_back();
      donors.emplace(donor.size(), place);
    }
  }
}

}  // namespace

Lists deal_out(const Deal& deal) {
  Lists devices(deal.devices);
  switch (deal.config->kind) {
    case PartitionKind::kNatural: break;
    case PartitionKind::kIid: deal_evenly(deal, devices); break;
    case PartitionKind::kDirichlet: deal_by_dirichlet(deal, devices); break;
    case PartitionKind::kClasses: deal_classes(deal, devices); break;
  }
  fill_up(deal.config->least, devices);
  for (auto& records : devices) std::sort(records.begin(), records.end());
  return devices;
}

}  // namespace skink::internal
