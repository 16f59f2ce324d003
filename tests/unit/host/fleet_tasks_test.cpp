/// Who has which records: clients, uneven ones too, and records that are dealt out.

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include "experiment/partition.hpp"
#include "skink/host/experiment/membership.hpp"
#include "task_experiments.hpp"

using namespace skink;
using namespace skink::test;

namespace {

constexpr std::uint16_t kClients = 28;

/// 28 clients, five of them of the test split; client c has c mod 5 records less of each class than others.
DatasetFolder uneven_clients() {
  DatasetFolder content;
  content.json = "{}";
  for (auto* column : {&content.classes, &content.clients}) column->clear();
  content.splits.clear();
  content.x.clear();
  for (std::uint16_t client = 0; client < kClients; ++client) {
    for (std::uint16_t label = 0; label < 3; ++label) {
      for (int k = 0; k < 6 - client % 5; ++k) {
        content.classes.push_back(label);
        content.clients.push_back(client);
        content.splits.push_back(client % 6 == 5 ? 2 : 0);
        for (int pixel = 0; pixel < 4; ++pixel) content.x.push_back(static_cast<std::uint8_t>(client + pixel));
      }
    }
  }
  return content;
}

Experiment fixed_experiment() {
  Experiment experiment = image_experiment();
  experiment.task.labels = TaskLabels::kFixed;
  experiment.task.group = TaskGrouping::kClient;
  experiment.task.ways = 0;
  experiment.task.support_size = TaskSize::all();
  experiment.task.query_size = 0;
  experiment.evaluation.support_size = 1;
  experiment.evaluation.query_size = TaskSize::all();
  return experiment;
}

/// How often each training client is adapted to when every device that trains takes part in every round.
std::map<std::uint32_t, std::uint32_t> count_clients(const TaskGenerator& tasks, const Experiment& experiment,
                                                     std::uint32_t rounds) {
  std::map<std::uint32_t, std::uint32_t> counts;
  const std::uint32_t clients = tasks.census(TaskUse::kAdapt).clients;
  for (std::uint32_t client = 0; client < clients; ++client) counts[client] = 0;
  for (std::uint32_t round = 0; round < rounds; ++round) {
    for (const std::uint32_t device : split_roster(experiment).training) {
      ++counts[tasks.draw({experiment.seed, round, device, TaskUse::kAdapt}).client()];
    }
  }
  return counts;
}

std::uint32_t spread_of(const std::map<std::uint32_t, std::uint32_t>& counts) {
  const auto [least, most] = std::minmax_element(counts.begin(), counts.end(),
                                                 [](const auto& a, const auto& b) { return a.second < b.second; });
  return most->second - least->second;
}

}  // namespace

TEST_CASE("tasks: every training client takes part as often as any other, within one", "[host][tasks]") {
  const auto dataset = load(uneven_clients());
  Experiment experiment = fixed_experiment();
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    for (const std::uint32_t devices : {2U, 7U, 23U, 24U, 30U, 46U, 100U}) {
      for (const HoldOut hold_out : {HoldOut::kDrawn, HoldOut::kLast}) {
        experiment.seed = seed;
        experiment.fleet.devices = devices;
        experiment.fleet.held_out = devices / 5;
        experiment.fleet.hold_out = hold_out;
        CAPTURE(seed, devices, hold_out);
        const auto tasks = TaskGenerator::create(experiment, dataset);
        REQUIRE(tasks.has_value());
        REQUIRE(tasks->census(TaskUse::kAdapt).clients == 24);
        const auto assigned = tasks->devices_of_clients();
        const auto [least, most] = std::minmax_element(assigned.begin(), assigned.end());
        CHECK(*most - *least <= 1);
        CHECK(std::accumulate(assigned.begin(), assigned.end(), 0U) == devices - devices / 5);
        const bool takes_turns = devices - devices / 5 < 24;
        for (const std::uint32_t rounds : {1U, 13U}) {
          // Where clients take turns, they are counted over the rounds; else each round gives the same counts again.
          const std::uint32_t allowed = takes_turns ? 1 : rounds;
          CHECK(spread_of(count_clients(*tasks, experiment, rounds)) <= allowed);
        }
      }
    }
  }
}

TEST_CASE("tasks: clients with few records take part with what they have", "[host][tasks]") {
  const auto dataset = load(uneven_clients());
  Experiment experiment = fixed_experiment();
  experiment.fleet.devices = 24;
  experiment.task.support_size = 4;
  experiment.task.query_size = 2;
  const auto tasks = TaskGenerator::create(experiment, dataset);
  REQUIRE(tasks.has_value());
  CHECK(tasks->census(TaskUse::kAdapt).clients == 24);
  CHECK(tasks->census(TaskUse::kAdapt).short_of_records > 0);
  CHECK_FALSE(tasks->is_even(TaskUse::kAdapt));
  for (std::uint32_t device = 0; device < 24; ++device) {
    const Task task = tasks->draw({1, 0, device, TaskUse::kAdapt});
    const auto client = static_cast<std::uint32_t>(std::stoul(task.client_name()));
    const std::uint32_t available = 6 - client % 5;  // of each of three classes
    const std::uint32_t support = std::min(4U, available - 1);
    CHECK(task.support_count() == 3 * support);
    CHECK(task.query_count() == 3 * std::min(2U, available - support));
  }
  experiment.task.min_records = 10;
  const auto fewer = TaskGenerator::create(experiment, dataset);
  REQUIRE(fewer.has_value());
  const TaskCensus& census = fewer->census(TaskUse::kAdapt);
  CHECK(census.clients + census.left_out.size() == 24);
  CHECK(census.left_out.front().client == "3");
  CHECK(census.left_out.front().reason == "it has 9 records, min_records is 10");
}

TEST_CASE("tasks: clients of an evaluation that train too are counted", "[host][tasks]") {
  DatasetFolder content = uneven_clients();
  const auto known = [&](const Experiment& experiment) {
    return TaskGenerator::create(experiment, load(content)).value().known_clients();
  };
  Experiment experiment = fixed_experiment();
  experiment.fleet.devices = 28;
  experiment.fleet.held_out = 4;
  experiment.evaluation.tasks = 4;
  CHECK(known(experiment) == 0);
  const auto last = std::find(content.splits.rbegin(), content.splits.rend(), std::uint8_t{2});
  const auto first = std::find(content.splits.begin(), content.splits.end(), std::uint8_t{0});
  REQUIRE(last != content.splits.rend());
  // One record of a client that is judged is taken for training.
  content.clients[static_cast<std::size_t>(first - content.splits.begin())] =
      content.clients[static_cast<std::size_t>(content.splits.rend() - last - 1)];
  CHECK(known(experiment) == 1);
}

TEST_CASE("tasks: windows that overlap do not leak from support to query unnoticed", "[host][tasks]") {
  DatasetFolder content = uneven_clients();
  content.json = R"({"overlap": 2})";
  std::vector<float> times(content.classes.size());
  std::iota(times.begin(), times.end(), 0.0F);
  const TemporaryFolder folder;
  content.write(folder);
  folder.write("time.npy", npy_of(times, {times.size()}));
  const auto dataset = std::make_shared<const Dataset>(Dataset::load(folder.path()).value());
  Experiment experiment = fixed_experiment();
  experiment.fleet.devices = 28;
  experiment.fleet.held_out = 4;
  experiment.evaluation.tasks = 4;
  experiment.evaluation.passes = 1;
  const auto shared = [&] { return TaskGenerator::create(experiment, dataset).value().shared_readings(); };
  CHECK(shared() == 2);
  experiment.task.order = SampleOrder::kTime;
  experiment.task.gap = 1;
  CHECK(shared() == 2);
  experiment.task.gap = 2;
  CHECK(shared() == 0);
  experiment.task.order = SampleOrder::kRandom;
  experiment.evaluation.passes = 0;
  CHECK(shared() == 0);
}

TEST_CASE("tasks: times that float32 cannot tell apart are refused", "[host][tasks]") {
  DatasetFolder content = uneven_clients();
  std::vector<float> times(content.classes.size());
  const TemporaryFolder folder;
  Experiment experiment = fixed_experiment();
  experiment.task.order = SampleOrder::kTime;
  experiment.fleet.devices = 28;
  for (const double begin : {0.0, 1772368200.0}) {
    for (std::size_t i = 0; i < times.size(); ++i) times[i] = static_cast<float>(begin + static_cast<double>(i));
    content.write(folder);
    folder.write("time.npy", npy_of(times, {times.size()}));
    const auto dataset = std::make_shared<const Dataset>(Dataset::load(folder.path()).value());
    const auto tasks = TaskGenerator::create(experiment, dataset);
    CHECK(tasks.has_value() == (begin == 0.0));
    if (!tasks)
      CHECK_THAT(tasks.error().message, Catch::Matchers::Contains("float32 cannot tell such large ones apart"));
  }
}

TEST_CASE("tasks: devices that are clients are counted from the data set", "[host][tasks]") {
  const auto dataset = load(uneven_clients());
  Experiment experiment = fixed_experiment();
  experiment.fleet.devices_are_clients = true;
  experiment.evaluation.says_tasks = experiment.evaluation.says_final_tasks = false;
  const auto resolved = resolve(experiment, dataset.get());
  REQUIRE(resolved.has_value());
  CHECK(resolved->fleet.devices == 28);
  CHECK(resolved->fleet.held_out == 4);
  CHECK(resolved->evaluation.tasks == 4);
  CHECK(resolved->evaluation.final_tasks == 4);
  experiment.meta.cohort = 25;
  CHECK(resolve(experiment, dataset.get()).error().message.find("25 is more than the 24 clients") != std::string::npos);
  CHECK(resolve(experiment, nullptr).error().code == Status::kUnavailable);
}

TEST_CASE("tasks: a pool for central training, and people to judge it by", "[host][tasks]") {
  const auto dataset = load(uneven_clients());
  Experiment experiment = fixed_experiment();
  experiment.meta.strategy = StrategyKind::kCentral;
  experiment.evaluation.tasks = 4;
  experiment.fleet.devices = 5;
  experiment.fleet.held_out = 4;
  const auto tasks = TaskGenerator::create(experiment, dataset);
  REQUIRE(tasks.has_value());
  std::size_t training = 0;
  for (std::size_t record = 0; record < dataset->record_count(); ++record) {
    training += dataset->split_of(record) == Split::kTrain ? 1U : 0U;
  }
  CHECK(tasks->census(TaskUse::kAdapt).clients == 1);
  CHECK(tasks->draw({1, 0, 0, TaskUse::kAdapt}).support_count() == training);
  CHECK(tasks->client_names(TaskUse::kEvaluate) == std::vector<std::string>{"5", "11", "17", "23"});
}

TEST_CASE("partition: every record is dealt once, to devices with at least the floor", "[host][partition]") {
  std::vector<internal::ClassedRecord> records;
  for (std::uint32_t record = 0; record < 600; ++record) {
    records.push_back({record + 7, static_cast<std::uint16_t>(record * record % 6)});
  }
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    for (const PartitionKind kind : {PartitionKind::kIid, PartitionKind::kDirichlet}) {
      for (const PartitionSizes sizes : {PartitionSizes::kEqual, PartitionSizes::kLinear, PartitionSizes::kSquare}) {
        for (const double alpha : {0.001, 0.1, 100.0}) {
          PartitionConfig config;
          config.kind = kind;
          config.sizes = sizes;
          config.alpha = alpha;
          config.least = 10;
          CAPTURE(seed, kind, sizes, alpha);
          const auto dealt = internal::deal_out({&config, seed, 0, 50, 6, &records});
          REQUIRE(dealt.size() == 50);
          std::set<std::uint32_t> seen;
          for (const auto& own : dealt) {
            CHECK(own.size() >= 10);
            CHECK(std::is_sorted(own.begin(), own.end()));
            seen.insert(own.begin(), own.end());
          }
          CHECK(seen.size() == 600);
          CHECK(dealt == internal::deal_out({&config, seed, 0, 50, 6, &records}));
          CHECK(dealt != internal::deal_out({&config, seed + 1, 0, 50, 6, &records}));
        }
      }
    }
  }
}

TEST_CASE("partition: classes are held by as many devices, within one", "[host][partition]") {
  std::vector<internal::ClassedRecord> records;
  for (std::uint32_t record = 0; record < 900; ++record)
    records.push_back({record, static_cast<std::uint16_t>(record % 9)});
  PartitionConfig config;
  config.kind = PartitionKind::kClasses;
  config.least = 1;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    for (const std::uint32_t devices : {9U, 10U, 31U}) {
      for (const std::uint32_t each : {1U, 2U, 9U}) {
        config.classes_per_device = each;
        CAPTURE(seed, devices, each);
        std::map<std::uint32_t, std::uint32_t> holders;
        for (std::uint32_t c = 0; c < 9; ++c) holders[c] = 0;
        for (const auto& own : internal::deal_out({&config, seed, 0, devices, 9, &records})) {
          std::set<std::uint32_t> classes;
          for (const std::uint32_t record : own) classes.insert(record % 9);
          CHECK(classes.size() == each);
          for (const std::uint32_t c : classes) ++holders[c];
        }
        CHECK(spread_of(holders) <= 1);
      }
    }
  }
}
