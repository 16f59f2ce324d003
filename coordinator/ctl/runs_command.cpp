#include "runs_command.hpp"

#include <fmt/format.h>

#include <chrono>
#include <random>
#include <thread>

#include "failure.hpp"
#include "skink/host/program/progress_line.hpp"
#include "table.hpp"

namespace skink::ctl {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kPollTime{500};
constexpr std::chrono::seconds kMostAbsence{60};  // of a service that is started again

std::string random_key() {
  std::random_device random;  // the kernel's
  return fmt::format("{:08x}{:08x}{:08x}{:08x}", random(), random(), random(), random());
}

bool is_over(const std::string& phase) { return phase == "finished" || phase == "stopped" || phase == "failed"; }

std::string progress_of(const boost::json::object& run) {
  const std::string reason = text_of(run, "reason");
  return fmt::format("run {}: {}, round {} of {}{}", text_of(run, "number"), text_of(run, "phase"),
                     text_of(run, "rounds_done"), text_of(run, "rounds"), reason == "-" ? "" : ": " + reason);
}

int show_end(const ServiceLink& link, const boost::json::object& run) {
  if (link.json()) {
    std::printf("%s\n", boost::json::serialize(run).c_str());
  } else {
    std::printf("%s\n", progress_of(run).c_str());
  }
  return text_of(run, "phase") == "finished" ? kOk : static_cast<int>(ExitCode::kNothingLearned);
}

}  // namespace

RunsCommand::RunsCommand(Command app) : runs_(app.command("runs", "Runs of the service: lists, queues, changes them")) {
  options_.add_to(runs_);
  list_ = runs_.command("list", "All runs, as 'runs' alone does");
  for (Command command : {runs_, list_}) {
    command.option("--phase", phase_, "Those that are queued, waiting, running, paused, finished, stopped or failed");
  }
  queue_ = runs_.command("queue", "Puts a run at the end of the queue");
  order_.add_to(queue_);
  start_ = runs_.command("start", "As 'queue', and waits until its first round is done; says what it waits for");
  order_.add_to(start_);
  show_ = runs_.command("show", "One run");
  pause_ = runs_.command("pause", "Stops asking devices; the run keeps its turn");
  resume_ = runs_.command("resume", "A paused run goes on");
  stop_ = runs_.command("stop", "Ends a run; the model that it has learned is kept");
  wait_ = runs_.command("wait", "Waits until a run is over");
  wait_.option("--timeout", timeout_s_, "Seconds after which it gives up; default: never").range(1U, 0x7fffffffU);
  start_.option("--timeout", timeout_s_, "Seconds after which it gives up, and leaves the run queued; default: never")
      .range(1U, 0x7fffffffU);
  for (Command command : {show_, pause_, resume_, stop_, wait_}) {
    command.option("run", number_, "Its number").required();
  }
  for (Command command : {list_, queue_, start_, show_, pause_, resume_, stop_, wait_}) options_.add_to(command);
}

int RunsCommand::run() {
  const auto link = ServiceLink::open(options_);
  if (!link) return fail(link.error());
  if (queue_.parsed()) return queue(*link);
  if (start_.parsed()) return start(*link);
  if (show_.parsed()) return show(*link);
  if (pause_.parsed()) return change(*link, "pause");
  if (resume_.parsed()) return change(*link, "resume");
  if (stop_.parsed()) return change(*link, "stop");
  return wait_.parsed() ? wait(*link) : list(*link);
}

int RunsCommand::list(const ServiceLink& link) const {
  const auto runs = link.pages(with_query("/api/v1/runs", {{"phase", phase_}}));
  if (!runs) return fail(runs.error());
  return show_rows(link, *runs,
                   {{"run", "number"},
                    {"experiment", "experiment"},
                    {"kind", "kind"},
                    {"trial", "trial"},
                    {"phase", "phase"},
                    {"done", "rounds_done"},
                    {"rounds", "rounds"},
                    {"from model", "init_model"},
                    {"queued", "queued"},
                    {"ended", "ended"},
                    {"reason", "reason"}});
}

int RunsCommand::show(const ServiceLink& link) const { return show_object(link, link.get(target())); }

int RunsCommand::queue(const ServiceLink& link) const {
  const auto order = order_.body();
  if (!order) return fail(order.error());
  const auto run = link.change("POST", "/api/v1/runs", *order, random_key());
  if (!run || link.json()) return show_object(link, run);
  std::printf("run %s is queued: '%s', %s rounds\n", text_of(*run, "number").c_str(),
              text_of(*run, "experiment").c_str(), text_of(*run, "rounds").c_str());
  note_empty_group(link, order_.group());
  note_empty_group(link, order_.gate_group());
  return kOk;
}

int RunsCommand::change(const ServiceLink& link, const char* action) const {
  const auto run = link.change("POST", target() + ":" + action, {});
  if (!run || link.json()) return show_object(link, run);
  std::printf("%s\n", progress_of(*run).c_str());
  return kOk;
}

/// A service that was there once may be away for a minute: it is started again, and its run goes on.
int RunsCommand::wait(const ServiceLink& link) const {
  const Clock::time_point begun = Clock::now();
  Clock::time_point seen = begun - 2 * kMostAbsence;  // not yet
  ProgressLine progress(link.json() ? Verbosity::kQuiet : Verbosity::kNormal);
  while (true) {
    auto run = link.get(target());
    const Clock::time_point now = Clock::now();
    if (run) seen = now;
    const bool is_lost = !run && (run.error().code != Status::kUnavailable || run.error().cause != Cause::kUnsaid ||
                                  now - seen > kMostAbsence);
    const bool is_late = timeout_s_ != 0 && now - begun >= std::chrono::seconds(timeout_s_);
    if (is_lost || is_late || (run && is_over(text_of(*run, "phase")))) {
      progress.clear();
      if (is_lost) return fail(run.error());
      if (run && is_over(text_of(*run, "phase"))) return show_end(link, *run);
      return fail(ExitCode::kUnreachable, fmt::format("run {} is not over after {} s", number_, timeout_s_));
    }
    if (run && progress.is_due()) progress.print(progress_of(*run));
    std::this_thread::sleep_for(kPollTime);
  }
}

/// Until it is under way: whoever looks away then has seen that nothing is missing. The run stays in the queue,
/// whatever becomes of this program.
int RunsCommand::start(const ServiceLink& link) {
  const auto order = order_.body();
  if (!order) return fail(order.error());
  const auto queued = link.change("POST", "/api/v1/runs", *order, random_key());
  if (!queued) return fail(queued.error());
  number_ = static_cast<std::uint32_t>(number_of(*queued, "number"));
  const Clock::time_point begun = Clock::now();
  Clock::time_point seen = begun;
  std::string said;
  while (true) {
    const auto run = link.get(target());
    if (run) seen = Clock::now();
    if (!run && (run.error().code != Status::kUnavailable || Clock::now() - seen > kMostAbsence)) {
      return fail(run.error());
    }
    if (!run) {  // it is started again
      std::this_thread::sleep_for(kPollTime);
      continue;
    }
    if (is_over(text_of(*run, "phase"))) return show_end(link, *run);
    if (text_of(*run, "phase") == "running" && number_of(*run, "rounds_done") > 0) {
      if (link.json()) return show_object(link, run);
      std::printf("%s\n", progress_of(*run).c_str());
      return kOk;
    }
    const auto status = link.get("/api/v1/status");
    const std::uint64_t open = status ? number_of(*status, "run.number") : 0;
    const std::string reason = open == number_ ? text_of(*status, "reason")
                               : open != 0     ? fmt::format("run {} is before it", open)
                                               : "-";
    const std::string text = fmt::format("run {}: {}: {}", number_, text_of(*run, "phase"), reason);
    if (timeout_s_ != 0 && Clock::now() - begun >= std::chrono::seconds(timeout_s_)) {
      return fail(ExitCode::kUnreachable,
                  fmt::format("no round is done after {} s, and the run stays; {}", timeout_s_, text));
    }
    if (!link.json() && reason != "-" && text != said) std::fprintf(stderr, "%s\n", text.c_str());
    said = text;
    std::this_thread::sleep_for(kPollTime);
  }
}

}  // namespace skink::ctl
