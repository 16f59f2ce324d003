/// @file
/// Models of runs go into the registry: the last one by itself, others that a run's store keeps when they are asked
/// for.

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "skink/common/crypto/crypto.hpp"
#include "skink/common/model/model_file.hpp"
#include "skink/coordinator/service/fleet_service.hpp"
#include "skink/host/experiment/experiment.hpp"

namespace skink::coordinator {
namespace {

constexpr std::size_t kNamedRounds = 20;

/// Of an evaluation, for the registry: docs/fleet-store.md.
std::string figures_text(const rounds::EvaluationRecord& record, bool classifies) {
  boost::json::object figures{{"rounds", record.rounds},
                              {"devices", record.devices},
                              {"tasks", record.total.tasks},
                              {"diverged_tasks", record.total.diverged_tasks}};
  const auto number = [](const std::optional<double>& value) {
    return value ? boost::json::value(*value) : boost::json::value();
  };
  figures["loss_before"] = number(record.loss_before());
  figures["loss_after"] = number(record.loss_after());
  if (classifies) {
    figures["accuracy_before"] = number(record.accuracy_before());
    figures["accuracy_after"] = number(record.accuracy_after());
  }
  return boost::json::serialize(figures);
}

/// "40, 50, 59, 60", the latest ones where there are many.
std::string rounds_text(const std::vector<std::uint32_t>& rounds) {
  const std::size_t first = rounds.size() > kNamedRounds ? rounds.size() - kNamedRounds : 0;
  std::string text = first == 0 ? "" : fmt::format("{} earlier ones, ", first);
  for (std::size_t i = first; i < rounds.size(); ++i) text += (i == first ? "" : ", ") + std::to_string(rounds[i]);
  return text;
}

/// The SHA-256 that a model file has in itself.
Result<std::string> digest_of(const std::vector<std::uint8_t>& file) {
  model::ModelInfo info;
  const Status status = model::inspect(model::source_of({file.data(), file.size()}), info);
  if (status != Status::kOk) return make_error(Status::kDamaged, "a model of the run's store is damaged");
  char hex[2 * crypto::kDigestBytes + 1];
  crypto::to_hex(info.digest, hex);
  return std::string(hex);
}

}  // namespace

Result<std::uint32_t> FleetService::keep_model(const Coordinator& core) {
  ModelRow model;
  model.sha256 = core.model().digest_text();
  model.parent = core.experiment().init.digest;
  model.run = current_->number;
  model.rounds = core.rounds_done();
  model.experiment = core.experiment().name;
  model.figures = "null";
  const bool classifies = nn::has_labels(core.experiment().model.loss);
  const auto& evaluations = core.evaluations();
  if (!evaluations.empty() && evaluations.back().rounds == core.rounds_done()) {
    model.figures = figures_text(evaluations.back(), classifies);
  }
  const auto number = store_.add_model(model, core.model().file());
  if (!number) return number.error();
  event("info", "model.added",
        fmt::format("model {} is {} of run {} after {} rounds", *number, model.sha256, model.run, model.rounds));
  return *number;
}

/// Which round, of those whose models the run keeps. `round` 0: the latest.
Result<std::uint32_t> FleetService::kept_round(const Store& run_store, std::uint32_t run, std::uint32_t round) const {
  const auto kept = run_store.kept_models();
  if (!kept) return kept.error();
  if (kept->empty()) {
    return make_error(Status::kInvalidArgument, fmt::format("run {} has no model yet: no round is finished", run),
                      Cause::kUsage);
  }
  if (round == 0) return kept->back();
  if (std::find(kept->begin(), kept->end(), round) != kept->end()) return round;
  return make_error(Status::kInvalidArgument,
                    fmt::format("run {} does not keep the model after {} rounds; it keeps those after {}. Runs that "
                                "are queued with checkpoint_rounds keep more",
                                run, round, rounds_text(*kept)),
                    Cause::kUsage);
}

Result<std::uint32_t> FleetService::add_model(std::uint32_t run, std::uint32_t round, const std::string& who) {
  const auto row = store_.run(run);
  if (!row) return row.error();
  if (!*row) return make_error(Status::kInvalidArgument, fmt::format("there is no run {}", run), Cause::kUsage);
  if ((*row)->run == 0)
    return make_error(Status::kInvalidArgument, fmt::format("run {} has not begun", run), Cause::kUsage);
  const auto run_store = Store::open_to_read(run_folder(run) + "/store.db");
  if (!run_store) return run_store.error();
  const auto rounds = kept_round(*run_store, run, round);
  if (!rounds) return rounds.error();
  const auto file = run_store->model_after(*rounds);
  if (!file) return file.error();
  const auto digest = digest_of(*file);
  if (!digest) return digest.error();
  ModelRow model;
  model.sha256 = *digest;
  model.run = run;
  model.rounds = *rounds;
  model.experiment = (*row)->order.name;
  model.figures = "null";
  const std::uint32_t parent = (*row)->order.init_model;
  const auto initial = parent == 0 ? Result<std::optional<ModelRow>>(std::nullopt) : store_.model(parent);
  if (!initial) return initial.error();
  if (*initial) model.parent = (*initial)->sha256;
  const auto evaluations = run_store->evaluations(*rounds, 1);
  if (!evaluations) return evaluations.error();
  if (!evaluations->empty() && evaluations->front().record.rounds == *rounds) {
    const auto experiment = parse_experiment((*row)->order.experiment_text, "experiment", (*row)->order.overrides);
    if (!experiment) return experiment.error();
    model.figures = figures_text(evaluations->front().record, nn::has_labels(experiment->model.loss));
  }
  const auto noted = note_audit(who, "model.add", fmt::format("run {}", run), fmt::format("round {}", *rounds));
  if (!noted) return noted.error();
  const auto number = store_.add_model(model, *file);
  if (!number) return number.error();
  event_of(run, "info", "model.added",
           fmt::format("model {} is {} of run {} after {} rounds", *number, model.sha256, run, model.rounds));
  return *number;
}

}  // namespace skink::coordinator
