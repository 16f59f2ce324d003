// A researcher's program: simulates the experiment that is named and prints the hash of the model it ends with. C++20.

#include <skink/host/experiment/experiment.hpp>
#include <skink/simulations/run.hpp>

#include <cstdio>

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const auto experiment = skink::read_experiment(argv[1]);
  if (!experiment) {
    std::fprintf(stderr, "%s\n", experiment.error().message.c_str());
    return 1;
  }
  skink::simulations::RunOptions options;
  options.experiment = *experiment;
  const auto result = skink::simulations::run_experiment(options);
  if (!result) {
    std::fprintf(stderr, "%s\n", result.error().message.c_str());
    return 1;
  }
  std::printf("%s\n", result->summary.model_sha256.c_str());
  return 0;
}
