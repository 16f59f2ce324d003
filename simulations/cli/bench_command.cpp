#include "skink/simulations/bench.hpp"

#include <algorithm>
#include <cstdio>

#include "skink/host/files/files.hpp"
#include "terminal.hpp"

namespace skink::simulations::cli {
namespace {

std::string known_nets() {
  std::string names;
  for (const BenchNet& net : bench_nets()) names += net.name + ", ";
  return names + "or an experiment file";
}

}  // namespace

Result<BenchNet> find_bench_net(const std::string& name) {
  for (const BenchNet& net : bench_nets()) {
    if (net.name == name) return net;
  }
  const bool is_file = name.find_first_of("./") != std::string::npos;
  if (is_file) return bench_net_of(name);
  return make_error(Status::kInvalidArgument, "--net: there is no net '" + name + "', use " + known_nets());
}

int bench(const BenchArguments& arguments) {
  const auto writable = check_writable(arguments.json);
  if (!writable) return fail(ExitCode::kStore, writable.error().message);
  BenchOptions options;
  options.support_sizes = arguments.support_sizes;
  options.seconds = arguments.seconds;
  options.threads = arguments.speed.threads;
  const LaneFunctions* isa = nullptr;
  const int code = find_isa(arguments.speed.isa, isa);
  if (code != kOk) return code;
  if (isa != nullptr) options.isas = {isa->name};
  for (const std::string& name : arguments.nets) {
    const auto net = find_bench_net(name);
    if (!net) return fail(ExitCode::kUsage, net.error().message);
    options.nets.push_back(*net);
  }
  if (options.nets.empty()) options.nets = bench_nets();
  options.on_progress = [&arguments](const std::string& text) {
    if (!arguments.is_quiet) std::fprintf(stderr, "measuring %s\n", text.c_str());
  };
  const auto rows = run_bench(options);
  if (!rows) return fail(ExitCode::kInternal, rows.error().message);
  std::printf("%s", to_table(*rows).c_str());
  if (arguments.json.empty()) return kOk;
  const auto written = write_file(arguments.json, to_json(*rows));
  return written ? kOk : fail(ExitCode::kStore, written.error().message);
}

}  // namespace skink::simulations::cli
