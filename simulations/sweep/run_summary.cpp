#include "run_summary.hpp"

#include <boost/json.hpp>

namespace skink::simulations {

void take_summary(const std::string& text, SweepRun& run) {
  const boost::json::object summary = boost::json::parse(text).as_object();
  const auto count = [&summary](const char* name) { return summary.at(name).to_number<std::uint64_t>(); };
  const auto number = [&summary](const char* name) { return summary.at(name).to_number<double>(); };
  run.devices = count("devices");
  run.held_out = count("held_out");
  run.parameters = count("parameters");
  run.uplink = std::string(summary.at("uplink").as_string());
  run.rounds = count("rounds");
  run.device_rounds = count("device_rounds");
  run.wall_seconds = number("wall_seconds");
  run.device_rounds_per_second = number("device_rounds_per_second");
  run.model_bytes = count("model_bytes");
  run.model_sha256 = std::string(summary.at("model_sha256").as_string());
  run.updates = {count("updates_taken"), count("updates_diverged"), count("updates_refused")};
  run.evaluation_tasks = count("evaluation_tasks");
  run.is_evaluated = run.evaluation_tasks > 0;
  if (!run.is_evaluated) return;
  const auto measure = [&](const char* name) {
    return summary.at(name).is_null() ? std::nullopt : std::optional<double>(number(name));
  };
  run.evaluation_diverged_tasks = count("evaluation_diverged_tasks");
  run.evaluation_rounds = count("evaluation_rounds");
  const boost::json::value& shared = summary.at("shared_readings");
  run.shared_readings = shared.is_null() ? 0 : shared.to_number<std::uint64_t>();
  run.query_samples = count("query_samples");
  run.loss_before = measure("query_loss_before");
  run.loss_after = measure("query_loss_after");
  run.accuracy_before = measure("query_accuracy_before");
  run.accuracy_after = measure("query_accuracy_after");
}

}  // namespace skink::simulations
