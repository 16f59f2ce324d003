// A gateway with a transport of its own: drives the coordinator's state machine by hand. C++20.

#include <skink/coordinator/core/coordinator.hpp>

#include <cstdio>
#include <variant>

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const auto experiment = skink::read_experiment(argv[1]);
  if (!experiment) {
    std::fprintf(stderr, "%s\n", experiment.error().message.c_str());
    return 1;
  }
  skink::coordinator::CoordinatorConfig config;
  config.experiment = *experiment;
  config.fleet = "lab";
  skink::coordinator::Coordinator coordinator(std::move(config));
  coordinator.on_connected(0);
  std::printf("phase %d, %zu actions, %zu devices\n", static_cast<int>(coordinator.phase()),
              coordinator.take_actions().size(), coordinator.devices_online());
  return coordinator.phase() == skink::coordinator::Phase::kWaitingForFleet ? 0 : 1;
}
