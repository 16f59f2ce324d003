#include "terminal.hpp"

#include <atomic>
#include <cstdio>

namespace skink::simulations::cli {
namespace {

std::atomic<bool> interrupted{false};

void interrupt(int /*signal*/) { interrupted = true; }

}  // namespace

int fail(ExitCode code, const std::string& message) {
  std::fprintf(stderr, "skink-sim: %s\n", message.c_str());
  return static_cast<int>(code);
}

void catch_interruptions() { catch_signals(interrupt); }

bool is_interrupted() { return interrupted; }

void RunProgress::show(const Progress& run) {
  const Work work = run.rounds_done == run.rounds ? Work::kIsDone : Work::kGoesOn;
  if (!line_.is_due(work)) return;
  const double seconds = run.wall_seconds;
  const double rate = seconds > 0 ? static_cast<double>(run.device_rounds) / seconds : 0;
  const double left = run.rounds_done > 0 ? seconds * (run.rounds - run.rounds_done) / run.rounds_done : 0;
  char text[240];
  int length = std::snprintf(text, sizeof text, "round %u/%u  %.0f device-rounds/s  %.0f s left", run.rounds_done,
                             run.rounds, rate, left);
  if (run.last_evaluation != nullptr) {
    const rounds::EvaluationRecord& last = *run.last_evaluation;
    std::snprintf(text + length, sizeof text - static_cast<std::size_t>(length),
                  "  loss on unseen tasks %.4f -> %.4f (after %u rounds)", last.loss_before(), last.loss_after(),
                  last.rounds);
  }
  line_.print(text, work);
}

int read(const ExperimentArguments& arguments, Experiment& out) {
  const auto overrides = parse_overrides(arguments.settings);
  if (!overrides) return fail(ExitCode::kUsage, overrides.error().message);
  auto experiment = read_experiment(arguments.file, *overrides);
  if (!experiment) return fail(ExitCode::kConfiguration, experiment.error().message);
  out = std::move(*experiment);
  return kOk;
}

int find_isa(const std::string& name, const LaneFunctions*& out) {
  out = name.empty() ? nullptr : find_lanes(name);
  if (name.empty() || out != nullptr) return kOk;
  std::string known;
  for (const LaneFunctions* lanes : available_lanes()) known += (known.empty() ? "" : ", ") + std::string(lanes->name);
  return fail(ExitCode::kUsage, "--isa: this machine has no '" + name + "', use one of " + known);
}

Result<std::optional<LineFile>> open_updates(const std::string& path) {
  if (path.empty()) return std::optional<LineFile>();
  auto opened = LineFile::open(path, coordinator::kUpdatesHeading, LineFile::Existing::kReplace);
  if (!opened) return opened.error();
  return std::optional<LineFile>(std::move(*opened));
}

std::function<void(const coordinator::TakenUpdate&)> observer_of(LineFile& updates) {
  return [&updates](const coordinator::TakenUpdate& update) { updates.add(coordinator::updates_line(update)); };
}

}  // namespace skink::simulations::cli
