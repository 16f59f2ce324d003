/// @file
/// The section [fleet]: how many devices there are, and how records are dealt out to them.

#include <string>

#include "experiment_sections.hpp"
#include "skink/common/limits.hpp"

namespace skink::internal {
namespace {

constexpr IntegerRange kDevicesRange{1, limits::kMaxDevices};
constexpr RealRange kAlphaRange{0.001, 1e6};

void read_law(const ConfigReader& reader, PartitionConfig& partition) {
  if (partition.kind == PartitionKind::kDirichlet) {
    partition.alpha = reader.real("alpha", kAlphaRange);
  } else {
    reader.forbid("alpha", "belongs to partition = \"dirichlet\"");
  }
  if (partition.kind == PartitionKind::kClasses) {
    partition.classes_per_device = reader.count("classes_per_device", {1, limits::kMaxWays});
  } else {
    reader.forbid("classes_per_device", "belongs to partition = \"classes\"");
  }
  if (partition.kind == PartitionKind::kIid) {
    partition.sizes = reader.choice<PartitionSizes>(
        "sizes",
        {{"equal", PartitionSizes::kEqual}, {"linear", PartitionSizes::kLinear}, {"square", PartitionSizes::kSquare}},
        PartitionSizes::kEqual);
  } else {
    reader.forbid("sizes", "belongs to partition = \"iid\"");
  }
}

void read_partition(const ConfigReader& reader, PartitionConfig& partition) {
  partition.kind = reader.choice<PartitionKind>("partition",
                                                {{"natural", PartitionKind::kNatural},
                                                 {"iid", PartitionKind::kIid},
                                                 {"dirichlet", PartitionKind::kDirichlet},
                                                 {"classes", PartitionKind::kClasses}},
                                                PartitionKind::kNatural);
  read_law(reader, partition);
  if (partition.kind == PartitionKind::kNatural) {
    reader.forbid("least_records", "belongs to a partition other than \"natural\"");
  } else {
    partition.least = reader.count("least_records", {1, limits::kMaxSamples}, 10);
  }
}

void check_clients(const ConfigReader& reader, const Experiment& experiment) {
  const TaskConfig& task = experiment.task;
  if (task.source != TaskSource::kDataset || task.group != TaskGrouping::kClient) {
    reader.problem("devices", "\"clients\" needs [task] source = \"dataset\" and group = \"client\"");
  }
  if (experiment.fleet.partition.kind != PartitionKind::kNatural) {
    reader.problem("devices", "\"clients\" are the data set's own; with another partition write a number");
  }
}

void check_partition(const ConfigReader& reader, const Experiment& experiment) {
  const PartitionKind kind = experiment.fleet.partition.kind;
  if (kind == PartitionKind::kNatural) return;
  const bool goes_by_class = kind != PartitionKind::kIid;
  if (experiment.task.labels == TaskLabels::kPermuted) {
    reader.problem("partition", "records are dealt out to devices where [task] labels = \"fixed\"");
  } else if (goes_by_class && objective_of(experiment) != Objective::kClassify) {
    reader.problem("partition",
                   "goes by classes, which loss = \"softmax_cross_entropy\" and \"multiclass_hinge\" have: use \"iid\" "
                   "or \"natural\"");
  }
  if (experiment.task.order == SampleOrder::kTime) {
    reader.problem("partition", "order = \"time\" is of a client's own records: use \"natural\"");
  }
}

}  // namespace

void read_fleet(const ConfigReader& reader, const Experiment& experiment, FleetConfig& fleet) {
  if (reader.written_as("devices") == WrittenAs::kText) {
    (void)reader.choice<int>("devices", {{"clients", 0}});
    fleet.devices_are_clients = true;
    fleet.hold_out = HoldOut::kLast;
    for (const char* key : {"held_out", "hold_out"}) {
      reader.forbid(key, "devices = \"clients\" holds out the clients of the split that evaluation uses");
    }
  } else {
    fleet.devices = reader.count("devices", kDevicesRange);
    fleet.held_out = reader.count("held_out", {0, kDevicesRange.max}, 0);
    fleet.hold_out =
        reader.choice<HoldOut>("hold_out", {{"drawn", HoldOut::kDrawn}, {"last", HoldOut::kLast}}, HoldOut::kDrawn);
  }
  if (experiment.task.source == TaskSource::kDataset) {
    read_partition(reader, fleet.partition);
  } else {
    for (const char* key : {"partition", "alpha", "classes_per_device", "sizes", "least_records"}) {
      reader.forbid(key, "belongs to [task] source = \"dataset\"");
    }
  }
  fleet.deadline_ms = reader.count("deadline_ms", {1, limits::kMaxWaitMs}, 30'000);
  fleet.offline_ms = reader.count("offline_ms", {0, limits::kMaxWaitMs}, 3'000);
}

void check_fleet(const ConfigReader& reader, const Experiment& experiment) {
  const FleetConfig& fleet = experiment.fleet;
  check_partition(reader, experiment);
  if (fleet.devices_are_clients) {
    check_clients(reader, experiment);
    return;
  }
  if (fleet.held_out >= fleet.devices) {
    reader.problem("held_out", std::to_string(fleet.held_out) + " of " + std::to_string(fleet.devices) +
                                   " devices leave none to train, use 0.." + std::to_string(fleet.devices - 1));
  }
  if (fleet.held_out == 0 && (experiment.evaluation.tasks > 0 || experiment.evaluation.final_tasks > 0)) {
    reader.problem("held_out",
                   "0 is not allowed when [evaluation] has tasks: they run on held-out devices, use 1 or more");
  }
}

}  // namespace skink::internal
