#include "task_plan.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numeric>
#include <set>
#include <utility>

#include "partition.hpp"
#include "skink/common/crypto/crypto.hpp"
#include "skink/common/limits.hpp"
#include "skink/common/little_endian.hpp"
#include "skink/host/experiment/strategies.hpp"

namespace skink::internal {
namespace {

const char* split_name(Split split) {
  switch (split) {
    case Split::kTrain: return "train";
    case Split::kValidation: return "validation";
    case Split::kTest: return "test";
  }
  return "unknown";
}

using Labels = std::set<std::uint16_t>;

/// Permuted labels: the training classes that validate, those with the largest labels.
Result<Labels> find_validation_classes(const TaskPlan& plan) {
  const Dataset& dataset = *plan.dataset;
  Labels labels;
  if (plan.task().validation_classes == 0) return labels;
  for (std::size_t record = 0; record < dataset.record_count(); ++record) {
    const std::uint16_t label = dataset.class_of(record);
    if (dataset.split_of(record) == Split::kTrain && plan.outputs.count(label) > 0) labels.insert(label);
  }
  if (labels.size() <= plan.task().validation_classes) {
    return refuse(dataset, "the train split has " + std::to_string(labels.size()) +
                               " classes, but validation_classes is " + std::to_string(plan.task().validation_classes));
  }
  labels.erase(labels.begin(), std::prev(labels.end(), plan.task().validation_classes));
  return labels;
}

/// The records of a split whose class takes part, ascending.
Result<std::vector<ClassedRecord>> records_of(const TaskPlan& plan, Split wanted) {
  const Dataset& dataset = *plan.dataset;
  const Result<Labels> validation = find_validation_classes(plan);
  if (!validation) return validation.error();
  std::vector<ClassedRecord> records;
  for (std::size_t record = 0; record < dataset.record_count(); ++record) {
    const std::uint16_t label = dataset.class_of(record);
    const auto output = plan.outputs.find(label);
    if (output == plan.outputs.end()) continue;
    const Split split = dataset.split_of(record);
    const bool is_moved = split == Split::kTrain && validation->count(label) > 0;
    if ((is_moved ? Split::kValidation : split) != wanted) continue;
    records.push_back({static_cast<std::uint32_t>(record), output->second});
  }
  if (records.empty()) {
    return refuse(dataset, std::string("the ") + split_name(wanted) + " split is empty" +
                               (plan.task().classes.empty() ? "" : " but for classes that [task] classes leaves out"));
  }
  return records;
}

/// One who has records, and which.
struct Owner {
  std::string name;
  std::vector<std::uint32_t> records;  ///< ascending
};

std::vector<Owner> owners_by_client(const TaskPlan& plan, const std::vector<ClassedRecord>& records, bool is_pool) {
  std::map<std::uint16_t, Owner> owners;
  for (const ClassedRecord& one : records) {
    const std::uint16_t client = is_pool ? std::uint16_t{0} : plan.dataset->client_of(one.record);
    owners[client].records.push_back(one.record);
  }
  std::vector<Owner> sorted;
  for (auto& [client, owner] : owners) {
    if (!is_pool) owner.name = plan.dataset->client_name(client);
    sorted.push_back(std::move(owner));
  }
  return sorted;
}

Result<std::vector<Owner>> owners_by_partition(const TaskPlan& plan, const std::vector<ClassedRecord>& records,
                                               std::uint32_t devices, const TaskSide& side) {
  const PartitionConfig& config = plan.experiment.fleet.partition;
  const auto classes = static_cast<std::uint32_t>(plan.outputs.size());
  if (std::uint64_t{devices} * config.least > records.size()) {
    return refuse(*plan.dataset, "the " + std::string(split_name(side.split)) + " split has " +
                                     std::to_string(records.size()) + " records, too few for " +
                                     std::to_string(devices) +
                                     " devices with least_records = " + std::to_string(config.least) + " each");
  }
  if (config.classes_per_device > classes) {
    return refuse(*plan.dataset, "has " + std::to_string(classes) + " classes, but classes_per_device is " +
                                     std::to_string(config.classes_per_device));
  }
  const Deal deal{&config, plan.experiment.seed, side.use == TaskUse::kEvaluate ? 1U : 0U, devices, classes, &records};
  std::vector<Owner> owners;
  for (auto& dealt : deal_out(deal)) owners.push_back({"part-" + std::to_string(owners.size()), std::move(dealt)});
  return owners;
}

/// The records of one owner by class; without classes all in one, or what is normal and what is not.
TaskGroup group_of(const TaskPlan& plan, Owner&& owner) {
  const Objective objective = objective_of(plan.experiment);
  const bool is_labelled = objective == Objective::kClassify;
  const bool has_normal = !plan.task().normal.empty();
  std::map<std::uint16_t, ClassRecords> classes;
  for (const std::uint32_t record : owner.records) {
    const std::uint16_t label = plan.dataset->class_of(record);
    const std::uint16_t output = plan.outputs.at(label);
    const std::uint16_t key = is_labelled ? label : has_normal ? output : std::uint16_t{0};
    ClassRecords& one = classes[key];
    one.label = key;
    one.output = is_labelled || has_normal ? output : std::uint16_t{0};
    one.has_support = !has_normal || output == 0;
    one.records.push_back(record);
  }
  TaskGroup group;
  group.name = std::move(owner.name);
  for (auto& [key, records] : classes) group.classes.push_back(std::move(records));
  return group;
}

std::uint64_t record_count(const TaskGroup& group) {
  std::uint64_t count = 0;
  for (const ClassRecords& one : group.classes) count += one.records.size();
  return count;
}

double entropy_of(const TaskGroup& group) {
  const auto total = static_cast<double>(record_count(group));
  double bits = 0;
  for (const ClassRecords& one : group.classes) {
    const double share = static_cast<double>(one.records.size()) / total;
    if (share > 0) bits -= share * std::log2(share);
  }
  return bits;
}

/// Does a class lack what the sizes say? Asked of sizes that are numbers.
bool is_short(const ClassRecords& one, const TaskSide& side) {
  const std::uint64_t support = side.support_size.is_count() && one.has_support ? side.support_size.count : 0;
  const std::uint64_t query = side.query_size.is_count() ? side.query_size.count : 0;
  return one.records.size() < support + query;
}

/// Permuted labels: classes without enough records are not drawn from. @returns why no task can be drawn, else "".
std::string prepare_permuted(const TaskPlan& plan, const TaskSide& side, TaskGroup& group, bool& lacks) {
  const std::size_t before = group.classes.size();
  const std::uint32_t needed = side.support_size.count + side.query_size.count;
  std::uint64_t most = 0;
  for (const ClassRecords& one : group.classes) most = std::max<std::uint64_t>(most, one.records.size());
  const auto is_too_short = [&](const ClassRecords& one) { return one.records.size() < needed; };
  group.classes.erase(std::remove_if(group.classes.begin(), group.classes.end(), is_too_short), group.classes.end());
  lacks = group.classes.size() < before;
  const std::uint32_t ways = plan.task().ways == 0 ? static_cast<std::uint32_t>(plan.outputs.size()) : plan.task().ways;
  const std::size_t classes = group.classes.size() * side.rotations;
  if (classes >= ways) return "";
  return std::to_string(group.classes.size()) + " of its " + std::to_string(before) + " classes have " +
         std::to_string(needed) + " records (support_size + query_size; the most is " + std::to_string(most) + ")" +
         (side.rotations > 1 ? ", in " + std::to_string(side.rotations) + " rotations" : "") + ", ways is " +
         std::to_string(ways);
}

/// @returns why no task can be drawn, else "".
std::string prepare_fixed(const TaskPlan& plan, const TaskSide& side, TaskGroup& group) {
  ClassShare most;
  if (plan.task().order == SampleOrder::kTime) {
    DrawnSets sets = split_by_time(plan, side, group);
    most = {static_cast<std::uint32_t>(sets.support.size()), static_cast<std::uint32_t>(sets.query.size())};
    group.support = std::move(sets.support);
    group.query = std::move(sets.query);
  } else {
    for (const ClassRecords& one : group.classes) {
      const ClassShare share = share_of(one, side, false);
      most.support += share.support;
      most.query += share.query;
    }
  }
  const bool needs_support = !side.support_size.is_none();
  if (needs_support && most.support == 0) {
    return plan.task().normal.empty() ? "it has no records to adapt to"
                                      : "it has no records of class " + plan.task().normal + " to adapt to";
  }
  if (most.query > 0) return "";
  if (side.use == TaskUse::kEvaluate) return "no records are left to judge it by";
  const bool needs_query = learns_from(plan.experiment) == LearnsFrom::kQuery;
  if (needs_query) return "no records are left for a query set to learn from";
  return "";
}

void count_group(const TaskPlan& plan, const TaskSide& side, const TaskGroup& group, TaskCensus& census) {
  const std::uint64_t records = record_count(group);
  const bool is_labelled = objective_of(plan.experiment) == Objective::kClassify;
  const auto lacks_records = [&](const ClassRecords& one) { return is_short(one, side); };
  ++census.clients;
  census.records += records;
  census.fewest_records = census.clients == 1 ? records : std::min(census.fewest_records, records);
  census.most_records = std::max(census.most_records, records);
  if (std::any_of(group.classes.begin(), group.classes.end(), lacks_records)) ++census.short_of_records;
  if (!is_labelled) return;
  if (!plan.permutes() && group.classes.size() < plan.outputs.size()) ++census.lacking_classes;
  census.label_entropy += entropy_of(group);
}

/// The most samples of a task of this group, and whether all of its tasks have as many.
void note_sizes(const TaskPlan& plan, TaskSide& side, const TaskGroup& group) {
  std::vector<std::uint32_t> support;
  std::vector<std::uint32_t> query;
  for (const ClassRecords& one : group.classes) {
    const ClassShare share = share_of(one, side, plan.permutes());
    support.push_back(share.support);
    query.push_back(share.query);
  }
  const auto ways = plan.task().ways == 0 ? support.size() : std::size_t{plan.task().ways};
  const auto most_of = [&](std::vector<std::uint32_t>& counts) {
    if (plan.permutes()) return counts.front() * static_cast<std::uint32_t>(ways);
    std::sort(counts.rbegin(), counts.rend());
    const auto end = counts.begin() + static_cast<std::ptrdiff_t>(std::min(ways, counts.size()));
    if (counts.front() != *(end - 1)) side.is_even = side.is_even && ways >= counts.size();
    return std::accumulate(counts.begin(), end, 0U);
  };
  std::uint32_t most_support = most_of(support);
  std::uint32_t most_query = most_of(query);
  if (plan.task().order == SampleOrder::kTime) {
    most_support = static_cast<std::uint32_t>(group.support.size());
    most_query = static_cast<std::uint32_t>(group.query.size());
  }
  const bool is_first = side.groups.empty();
  const bool is_same = most_support == side.most_support && most_query == side.most_query;
  if (!is_first && !is_same) side.is_even = false;
  side.most_support = std::max(side.most_support, most_support);
  side.most_query = std::max(side.most_query, most_query);
}

Result<void> check_limits(const TaskPlan& plan, const TaskSide& side) {
  const std::uint64_t most = support_samples(plan.experiment);
  if (side.use == TaskUse::kAdapt && side.most_support > most) {
    return refuse(*plan.dataset, "a client adapts to " + std::to_string(side.most_support) + " samples, at most " +
                                     std::to_string(most) +
                                     " are allowed (with weights that are sample counts, those "
                                     "of a cohort stay below 1048576): use a number or a smaller fraction");
  }
  if (side.most_query > limits::kMaxSamples || side.most_support > limits::kMaxSamples) {
    return refuse(*plan.dataset, "a task has more than " + std::to_string(limits::kMaxSamples) +
                                     " samples: use numbers or smaller fractions");
  }
  return {};
}

}  // namespace

Error refuse(const Dataset& dataset, const std::string& reason) {
  return make_error(Status::kInvalidArgument, "data set " + dataset.name() + ": " + reason);
}

Result<void> group_records(const TaskPlan& plan, std::uint32_t devices, TaskSide& side) {
  const auto records = records_of(plan, side.split);
  if (!records) return records.error();
  const bool is_pooled = learns_from(plan.experiment) == LearnsFrom::kPool && side.use == TaskUse::kAdapt;
  const bool is_dealt = plan.experiment.fleet.partition.kind != PartitionKind::kNatural;
  const bool is_pool = is_pooled || (!is_dealt && plan.task().group == TaskGrouping::kClass);
  Result<std::vector<Owner>> owners = is_pool || !is_dealt ? owners_by_client(plan, *records, is_pool)
                                                           : owners_by_partition(plan, *records, devices, side);
  if (!owners) return owners.error();
  const bool is_labelled = objective_of(plan.experiment) == Objective::kClassify;
  for (Owner& owner : *owners) {
    TaskGroup group = group_of(plan, std::move(owner));
    const std::uint64_t count = record_count(group);
    bool lacks = false;
    std::string reason;
    if (count < plan.task().min_records) {
      reason =
          "it has " + std::to_string(count) + " records, min_records is " + std::to_string(plan.task().min_records);
    } else {
      reason = plan.permutes() ? prepare_permuted(plan, side, group, lacks) : prepare_fixed(plan, side, group);
    }
    if (!reason.empty()) {
      side.census.left_out.push_back({group.name, reason});
      continue;
    }
    if (lacks) ++side.census.lacking_classes;
    count_group(plan, side, group, side.census);
    note_sizes(plan, side, group);
    side.groups.push_back(std::move(group));
  }
  if (is_labelled && side.census.clients > 0) side.census.label_entropy /= side.census.clients;
  if (!side.groups.empty()) return check_limits(plan, side);
  const TaskCensus::LeftOut& first = side.census.left_out.front();
  const std::string split = std::string("the ") + split_name(side.split) + " split";
  if (first.client.empty()) return refuse(*plan.dataset, split + ": " + first.reason);
  return refuse(*plan.dataset,
                "no client of " + split + " can have a task; client " + first.client + ": " + first.reason);
}

std::string hash_partition(const TaskPlan& plan) {
  crypto::Sha256 hash;
  const auto add = [&hash](std::uint32_t number) {
    std::uint8_t bytes[4];
    store_u32(bytes, number);
    hash.add({bytes, sizeof bytes});
  };
  for (const TaskSide* side : {&plan.adapt, &plan.evaluate}) {
    add(static_cast<std::uint32_t>(side->groups.size()));
    for (const TaskGroup& group : side->groups) {
      std::vector<std::uint32_t> records;
      for (const ClassRecords& one : group.classes) {
        records.insert(records.end(), one.records.begin(), one.records.end());
      }
      std::sort(records.begin(), records.end());
      add(static_cast<std::uint32_t>(records.size()));
      for (const std::uint32_t record : records) add(record);
    }
  }
  char hex[2 * crypto::kDigestBytes + 1];
  crypto::to_hex(hash.finish(), hex);
  return hex;
}

}  // namespace skink::internal
