/// @file
/// Draws of support and query sets from the records of a group: docs/arithmetic.md, section 10.

#include <algorithm>

#include "skink/common/arithmetic/permutation.hpp"
#include "task_plan.hpp"

namespace skink::internal {
namespace {

using arithmetic::permute;
using arithmetic::PhiloxBlock;
using arithmetic::RandomStream;

/// A class that a task draws from.
struct Way {
  const ClassRecords* records;
  std::uint16_t label;
  std::uint8_t turns;
  PhiloxBlock order;
  ClassShare share;
};

/// One sample of each way after the other, until none has more.
std::vector<TaskSample> deal_samples(const std::vector<Way>& ways, bool query) {
  const auto count_of = [query](const Way& way) { return query ? way.share.query : way.share.support; };
  std::uint32_t most = 0;
  std::size_t total = 0;
  for (const Way& way : ways) {
    most = std::max(most, count_of(way));
    total += count_of(way);
  }
  std::vector<TaskSample> samples;
  samples.reserve(total);
  for (std::uint32_t s = 0; s < most; ++s) {
    for (const Way& way : ways) {
      if (s >= count_of(way)) continue;
      const std::uint32_t place = (query ? way.share.support : 0) + s;
      const auto size = static_cast<std::uint32_t>(way.records->records.size());
      samples.push_back({way.records->records[permute(place, size, way.order)], way.label, way.turns});
    }
  }
  return samples;
}

/// The classes of a task with permuted labels.
std::vector<Way> permuted_ways(const TaskPlan& plan, const TaskSide& side, const TaskGroup& group,
                               const RandomStream& draws, const RandomStream& samples) {
  const auto classes = static_cast<std::uint32_t>(group.classes.size());
  const std::uint32_t count =
      plan.task().ways == 0 ? static_cast<std::uint32_t>(plan.outputs.size()) : plan.task().ways;
  const PhiloxBlock class_order = draws.block(0);
  std::vector<Way> ways;
  ways.reserve(count);
  for (std::uint32_t w = 0; w < count; ++w) {
    const std::uint32_t drawn = permute(w, classes * side.rotations, class_order);
    const ClassRecords& one = group.classes[drawn % classes];
    ways.push_back({&one, static_cast<std::uint16_t>(w), static_cast<std::uint8_t>(drawn / classes), samples.block(w),
                    share_of(one, side, true)});
  }
  return ways;
}

/// The classes of a task with fixed labels: all of the group's, or as many as are wanted.
std::vector<Way> fixed_ways(const TaskPlan& plan, const TaskSide& side, const TaskGroup& group,
                            const RandomStream& draws, const RandomStream& samples) {
  const auto classes = static_cast<std::uint32_t>(group.classes.size());
  const bool takes_all = plan.task().ways == 0 || plan.task().ways >= classes;
  const std::uint32_t count = takes_all ? classes : plan.task().ways;
  const PhiloxBlock class_order = takes_all ? PhiloxBlock{} : draws.block(0);
  std::vector<Way> ways;
  ways.reserve(count);
  for (std::uint32_t w = 0; w < count; ++w) {
    const ClassRecords& one = group.classes[takes_all ? w : permute(w, classes, class_order)];
    ways.push_back({&one, one.output, 0, samples.block(w), share_of(one, side, false)});
  }
  return ways;
}

}  // namespace

ClassShare share_of(const ClassRecords& one, const TaskSide& side, bool permutes) {
  if (permutes) return {side.support_size.count, side.query_size.count};
  const auto available = static_cast<std::uint32_t>(one.records.size());
  std::uint32_t support = one.has_support ? side.support_size.wanted_of(available) : 0;
  const bool keeps_one = !side.query_size.is_none() && available >= 2 && one.has_support;
  if (keeps_one) support = std::min(support, available - 1);
  const std::uint32_t query = side.query_size.is_none() ? 0 : side.query_size.wanted_of(available);
  return {support, std::min(query, available - support)};
}

DrawnSets draw_sets(const TaskPlan& plan, const TaskSide& side, const TaskGroup& group, std::uint64_t seed,
                    std::uint32_t round, std::uint32_t number) {
  if (plan.task().order == SampleOrder::kTime) return {group.support, group.query};
  const RandomStream draws(seed, side.task_purpose, round, number);
  const RandomStream samples(seed, side.sample_purpose, round, number);
  const std::vector<Way> ways = plan.permutes() ? permuted_ways(plan, side, group, draws, samples)
                                                : fixed_ways(plan, side, group, draws, samples);
  return {deal_samples(ways, false), deal_samples(ways, true)};
}

namespace {

/// A record in the order of time.
struct Moment {
  float time;
  TaskSample sample;
  std::size_t of_class;
  bool may_support;
};

std::vector<Moment> moments_of(const TaskPlan& plan, const TaskGroup& group) {
  std::vector<Moment> moments;
  for (std::size_t c = 0; c < group.classes.size(); ++c) {
    const ClassRecords& one = group.classes[c];
    for (const std::uint32_t record : one.records) {
      moments.push_back({plan.dataset->time_of(record), {record, one.output, 0}, c, one.has_support});
    }
  }
  std::sort(moments.begin(), moments.end(), [](const Moment& a, const Moment& b) {
    return a.time != b.time ? a.time < b.time : a.sample.record < b.sample.record;
  });
  return moments;
}

/// How many of the moments, from the first on, hold the support set: up to its last sample.
std::size_t end_of_support(const TaskSide& side, const TaskGroup& group, const std::vector<Moment>& moments,
                           std::vector<TaskSample>& support) {
  const TaskSize& size = side.support_size;
  const auto all = static_cast<std::uint32_t>(moments.size());
  const std::uint32_t cut = size.is_count() ? all : size.wanted_of(all);
  std::vector<std::uint32_t> taken(group.classes.size(), 0);
  std::size_t end = 0;
  for (std::uint32_t i = 0; i < cut; ++i) {
    const Moment& moment = moments[i];
    const bool is_full = size.is_count() && taken[moment.of_class] >= size.count;
    if (!moment.may_support || is_full) continue;
    ++taken[moment.of_class];
    support.push_back(moment.sample);
    end = i + 1;
  }
  return end;
}

}  // namespace

DrawnSets split_by_time(const TaskPlan& plan, const TaskSide& side, const TaskGroup& group) {
  const std::vector<Moment> moments = moments_of(plan, group);
  DrawnSets sets;
  const std::size_t first = end_of_support(side, group, moments, sets.support) + plan.task().gap;
  std::vector<std::uint32_t> left(group.classes.size(), 0);
  for (std::size_t i = first; i < moments.size(); ++i) ++left[moments[i].of_class];
  for (std::uint32_t& count : left)
    count = side.query_size.is_none() || count == 0 ? 0 : side.query_size.wanted_of(count);
  for (std::size_t i = first; i < moments.size(); ++i) {
    if (left[moments[i].of_class] == 0) continue;
    --left[moments[i].of_class];
    sets.query.push_back(moments[i].sample);
  }
  return sets;
}

}  // namespace skink::internal
