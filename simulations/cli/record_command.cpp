#include "skink/simulations/record.hpp"

#include <cstdio>

#include "skink/edge/host/recorder.hpp"
#include "skink/host/experiment/strategies.hpp"
#include "skink/host/files/files.hpp"
#include "terminal.hpp"

namespace skink::simulations::cli {

int record(const RecordArguments& arguments) {
  const auto writable = check_writable(arguments.out);
  if (!writable) return fail(ExitCode::kStore, writable.error().message);
  Experiment experiment;
  const int code = read(arguments.experiment, experiment);
  if (code != kOk) return code;
  const auto prepared = prepare_tasks(experiment, arguments.experiment.data);
  if (!prepared) return fail(ExitCode::kData, prepared.error().message);
  const std::uint32_t devices = prepared->experiment.fleet.devices;
  if (arguments.device_index >= devices) {
    return fail(ExitCode::kUsage, "--device-index: the experiment has devices 0.." + std::to_string(devices - 1));
  }
  auto keys = tasks_of_device(prepared->experiment, arguments.device_index);
  const bool is_held_out = !keys.empty() && keys.front().use == TaskUse::kEvaluate;
  if (arguments.has_own_samples) add_own_samples(prepared->experiment, keys);
  const auto bytes = edge::record_tasks(prepared->tasks, keys, learns_from(experiment));
  if (!bytes) return fail(ExitCode::kData, bytes.error().message);
  const auto written = write_file(arguments.out, text_of({bytes->data(), bytes->size()}));
  if (!written) return fail(ExitCode::kStore, written.error().message);
  std::printf("%s: %zu tasks of device %u (%s), %zu bytes\n", arguments.out.c_str(), keys.size(),
              arguments.device_index, is_held_out ? "held out" : "training", bytes->size());
  return kOk;
}

}  // namespace skink::simulations::cli
