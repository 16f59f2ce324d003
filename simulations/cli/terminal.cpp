#include "terminal.hpp"

#include <unistd.h>

#include <atomic>
#include <csignal>
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

void catch_interruptions() {
  std::signal(SIGINT, interrupt);
  std::signal(SIGTERM, interrupt);
}

bool is_interrupted() { return interrupted; }

ProgressLine::ProgressLine(bool is_quiet) : is_quiet_(is_quiet), on_terminal_(isatty(STDERR_FILENO) != 0) {}

void ProgressLine::show(const Progress& run) {
  const auto now = std::chrono::steady_clock::now();
  const std::uint32_t total = run.rounds;
  const auto pause = on_terminal_ ? std::chrono::milliseconds(500) : std::chrono::milliseconds(10000);
  if (is_quiet_ || (now - shown_ < pause && run.rounds_done != total)) return;
  shown_ = now;
  const double seconds = run.wall_seconds;
  const double rate = seconds > 0 ? static_cast<double>(run.device_rounds) / seconds : 0;
  const double left = run.rounds_done > 0 ? seconds * (total - run.rounds_done) / run.rounds_done : 0;
  std::fprintf(stderr, "%sround %u/%u  %.0f device-rounds/s  %.0f s left", on_terminal_ ? "\r\033[K" : "",
               run.rounds_done, total, rate, left);
  if (run.last_evaluation != nullptr) {
    const coordinator::EvaluationRecord& last = *run.last_evaluation;
    std::fprintf(stderr, "  loss on unseen tasks %.4f -> %.4f (after %u rounds)", last.loss_before(), last.loss_after(),
                 last.rounds);
  }
  if (!on_terminal_ || run.rounds_done == total) std::fputc('\n', stderr);
  std::fflush(stderr);
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
