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
  if (arguments.device_index >= experiment.fleet.devices) {
    return fail(ExitCode::kUsage,
                "--device-index: the experiment has devices 0.." + std::to_string(experiment.fleet.devices - 1));
  }
  const auto dataset = load_dataset(experiment.task, arguments.experiment.data);
  if (!dataset) return fail(ExitCode::kData, dataset.error().message);
  const auto generator = TaskGenerator::create(experiment, *dataset);
  if (!generator) return fail(ExitCode::kData, generator.error().message);
  const auto keys = tasks_of_device(experiment, arguments.device_index);
  const auto bytes = edge::record_tasks(*generator, keys, traits_of(experiment.meta.strategy).learning);
  if (!bytes) return fail(ExitCode::kData, bytes.error().message);
  const auto written = write_file(arguments.out, text_of({bytes->data(), bytes->size()}));
  if (!written) return fail(ExitCode::kStore, written.error().message);
  const bool is_held_out = !keys.empty() && keys.front().use == TaskUse::kEvaluate;
  std::printf("%s: %zu tasks of device %u (%s), %zu bytes\n", arguments.out.c_str(), keys.size(),
              arguments.device_index, is_held_out ? "held out" : "training", bytes->size());
  return kOk;
}

}  // namespace skink::simulations::cli
