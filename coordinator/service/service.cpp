#include "skink/coordinator/service/service.hpp"

#include "skink/host/files/files.hpp"
#include "skink/host/program/time_of_day.hpp"

namespace skink::coordinator {

Result<std::unique_ptr<Service>> Service::create(const Settings& settings, const std::vector<Override>& overrides) {
  RunSource source;
  auto text = read_file(settings.experiment);
  if (!text) return text.error();
  source.store = settings.store;
  source.text = std::move(*text);
  source.text_name = settings.experiment;
  source.overrides = overrides;
  source.init_file = settings.init;
  source.run = settings.run != 0 ? settings.run : unix_time_ms();
  source.checkpoint_rounds = settings.checkpoint_rounds;
  auto loop = FleetLoop::create(settings);
  if (!loop) return loop.error();
  auto run = ActiveRun::open(source, (*loop)->run_host());
  if (!run) return run.error();
  return std::unique_ptr<Service>(new Service(std::move(*loop), std::move(*run)));
}

ServiceEnd Service::run(const ServiceObserver& observer, const std::function<bool()>& stop) {
  const auto cleared = run_->is_cleared();
  if (cleared && *cleared) return ServiceEnd::kFinished;
  const auto connected = loop_->connect(Refusal::kEnds);
  if (!connected) {
    failure_ = connected.error().message;
    return ServiceEnd::kCredentialsRefused;
  }
  loop_->begin(std::move(run_), observer);
  const ServiceEnd end = lead(observer, stop);
  run_ = loop_->end();
  return end;
}

ServiceEnd Service::lead(const ServiceObserver& observer, const std::function<bool()>& stop) {
  std::uint64_t told_ms = 0;
  while (!stop()) {
    const Turn turn = loop_->turn(observer);
    failure_ = loop_->failure();
    if (turn == Turn::kStoreFailed) return ServiceEnd::kStoreFailed;
    if (turn == Turn::kCredentialsRefused) return ServiceEnd::kCredentialsRefused;
    const Coordinator& core = loop_->run()->core();
    if (core.phase() == Phase::kFinished && loop_->is_over(observer)) {
      loop_->leave();
      return ServiceEnd::kFinished;
    }
    if (core.phase() == Phase::kWaitingForFleet && observer.on_waiting && loop_->now_ms() - told_ms > 1000) {
      told_ms = loop_->now_ms();
      observer.on_waiting(core);
    }
  }
  loop_->withdraw(observer);
  loop_->leave();
  return ServiceEnd::kStopped;
}

}  // namespace skink::coordinator
