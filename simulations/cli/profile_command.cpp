#include "skink/simulations/profile.hpp"

#include <cstdio>

#include "skink/host/files/files.hpp"
#include "terminal.hpp"

namespace skink::simulations::cli {

int profile(const ProfileArguments& arguments) {
  const auto writable = check_writable(arguments.json);
  if (!writable) return fail(ExitCode::kStore, writable.error().message);
  ProfileOptions options;
  int code = read(arguments.experiment, options.run.experiment);
  if (code == kOk) code = find_isa(arguments.speed.isa, options.run.isa);
  if (code != kOk) return code;
  options.run.data_dir = arguments.experiment.data;
  options.run.lanes = arguments.speed.lanes;
  options.seconds = arguments.seconds;
  const auto profile = run_profile(options);
  if (!profile) return fail(ExitCode::kData, profile.error().message);
  std::printf("%s", to_table(*profile).c_str());
  if (arguments.json.empty()) return kOk;
  const auto written = write_file(arguments.json, to_json(*profile));
  return written ? kOk : fail(ExitCode::kStore, written.error().message);
}

}  // namespace skink::simulations::cli
