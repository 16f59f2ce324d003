#include "terminal.hpp"

#include <fmt/format.h>

#include <atomic>
#include <csignal>
#include <cstdio>

#include "skink/host/experiment/model_match.hpp"
#include "skink/host/program/printable.hpp"

namespace skink::simulations::cli {
namespace {

std::atomic<int> interrupted{0};  // by which signal

void interrupt(int signal) { interrupted = signal; }

}  // namespace

int fail(ExitCode code, const std::string& message) {
  std::fprintf(stderr, "skink-sim: %s\n", printable(message).c_str());
  return static_cast<int>(code);
}

void catch_interruptions() { catch_signals(interrupt); }

bool is_interrupted() { return interrupted != 0; }

int end_interrupted(const std::string& message) {
  std::fprintf(stderr, "skink-sim: %s\n", printable(message).c_str());
  const int signal = interrupted;
  std::signal(signal, SIG_DFL);
  std::raise(signal);
  return static_cast<int>(ExitCode::kInternal);
}

void RunProgress::show(const Progress& run) {
  const Work work = run.rounds_done == run.rounds ? Work::kIsDone : Work::kGoesOn;
  if (!line_.is_due(work)) return;
  const double seconds = run.wall_seconds;
  const double rate = seconds > 0 ? static_cast<double>(run.device_rounds) / seconds : 0;
  const double left = run.rounds_done > 0 ? seconds * (run.rounds - run.rounds_done) / run.rounds_done : 0;
  std::string text =
      fmt::format("round {}/{}  {:.0f} device-rounds/s  {:.0f} s left", run.rounds_done, run.rounds, rate, left);
  if (run.last_evaluation != nullptr) {
    const rounds::EvaluationRecord& last = *run.last_evaluation;
    text +=
        fmt::format("  loss on unseen tasks {} -> {} (after {} rounds)", coordinator::number_text(last.loss_before()),
                    coordinator::number_text(last.loss_after()), last.rounds);
  }
  line_.print(text, work);
}

int warn(const coordinator::Verdict& verdict) {
  if (!verdict.has_learned) return fail(ExitCode::kNothingLearned, verdict.text);
  std::string_view rest = verdict.text;
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    std::fprintf(stderr, "skink-sim: warning: %s\n", printable(rest.substr(0, end)).c_str());
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  }
  return kOk;
}

Result<std::vector<Override>> overrides_of(const ExperimentArguments& arguments) {
  auto overrides = parse_overrides(arguments.settings);
  if (!overrides) return overrides;
  if (arguments.rounds != 0) overrides->push_back({"meta.rounds", std::to_string(arguments.rounds)});
  if (!arguments.init.empty()) {
    const auto digest = model_digest(arguments.init);
    if (!digest) return digest.error();
    overrides->insert(overrides->begin(), {"init", *digest});  // --set init=HASH holds the file to it
  }
  return overrides;
}

int read(const ExperimentArguments& arguments, Experiment& out) {
  const auto overrides = overrides_of(arguments);
  if (!overrides) return fail(exit_code_of(overrides.error(), ExitCode::kUsage), overrides.error().message);
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
