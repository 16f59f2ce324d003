/// @file
/// Any text gives an experiment whose network stands, or a reason.

#include "harness.hpp"
#include "skink/host/experiment/experiment.hpp"

namespace skink::test {

void fuzz_experiment(Bytes input) {
  const std::string_view text(reinterpret_cast<const char*>(input.data()), input.size());
  const Result<Experiment> experiment = parse_experiment(text, "fuzz.toml");
  if (!experiment) {
    promise(experiment.error().message.find("fuzz.toml") != std::string::npos, "the reason names the file");
    return;
  }
  const nn::Network network = make_network(experiment->model);
  promise(network.trainable_count() > 0, "the network learns");
  promise(experiment->fleet.held_out < experiment->fleet.devices, "somebody trains");
  if (network.parameter_count() > 10000) return;
  promise(initial_parameters(experiment->model, experiment->seed).size() == network.parameter_count(),
          "phi has a size");
}

}  // namespace skink::test
