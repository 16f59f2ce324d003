#include "progress_command.hpp"

#include <algorithm>

#include "failure.hpp"

namespace skink::ctl {

ProgressCommand::ProgressCommand(Command app, std::string& store)
    : status_(
          app.command("status", "What the service does now; with --store: progress, evaluation, refusals of a run")),
      rounds_(app.command("rounds", "The latest rounds of a run")) {
  for (Command command : {status_, rounds_}) {
    command.option("--store", store, "From the store of a run, without the service");
    options_.add_to(command);
  }
  rounds_.option("run", run_, "Number of the run");
  rounds_.option("--last", last_, "How many; 0: all").shows_default();
}

int ProgressCommand::run() {
  if (rounds_.parsed() && run_ == 0) return fail(ExitCode::kUsage, "the number of a run, or --store, is required");
  const auto link = ServiceLink::open(options_);
  if (!link) return fail(link.error());
  return status_.parsed() ? show_object(*link, link->get("/api/v1/status")) : show_rounds(*link);
}

/// Of a run that is not there the list would be empty: the run is asked first.
int ProgressCommand::show_rounds(const ServiceLink& link) const {
  const std::string target = "/api/v1/runs/" + std::to_string(run_);
  const auto run = link.get(target);
  if (!run) return fail(run.error());
  auto rows = link.pages(target + "/rounds");
  if (!rows) return fail(rows.error());
  if (last_ != 0 && rows->size() > last_) {
    rows->erase(rows->begin(), rows->end() - static_cast<std::ptrdiff_t>(last_));
  }
  return show_rows(link, *rows,
                   {{"round", "round"},
                    {"updates", "updates"},
                    {"diverged", "diverged"},
                    {"refused", "refused"},
                    {"replaced", "replaced"},
                    {"rate", "meta_learning_rate"},
                    {"ms", "duration_ms"},
                    {"model", "model_sha256"}});
}

}  // namespace skink::ctl
