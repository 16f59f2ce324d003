/// @file
/// Requests about what a run's devices did: evaluations, reports of single devices, places in rounds.

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>

#include "api_json.hpp"
#include "skink/common/limits.hpp"
#include "skink/coordinator/api/api.hpp"
#include "skink/coordinator/http/problem.hpp"
#include "skink/host/experiment/experiment.hpp"

namespace skink::coordinator::api {
namespace {

/// A number of rounds in the path; none: it is no such number.
std::optional<std::uint32_t> rounds_of(const http::Request& request, const char* name) {
  const std::string& text = request.parameter(name);
  std::uint32_t rounds = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), rounds);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
  return rounds;
}

/// Was accepted when the run was queued, so it can be read, but by a program that knows fewer keys.
std::optional<Experiment> experiment_of(const RunRow& run) {
  auto experiment = parse_experiment(run.order.experiment_text, "experiment", run.order.overrides);
  return experiment ? std::optional<Experiment>(std::move(*experiment)) : std::nullopt;
}

bool classifies(const RunRow& run) {
  const auto experiment = experiment_of(run);
  return experiment && nn::has_labels(experiment->model.loss);
}

boost::json::value number(const std::optional<double>& value) {
  return value && std::isfinite(*value) ? boost::json::value(*value) : boost::json::value();
}

/// Between the two values that are nearest, of ascending ones.
double quantile(const std::vector<double>& sorted, double share) {
  const double place = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (place - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

/// Over the devices that have the figure.
boost::json::value spread(const std::vector<rounds::EvaluationRecord>& devices,
                          std::optional<double> (rounds::EvaluationRecord::*figure)() const) {
  std::vector<double> values;
  for (const rounds::EvaluationRecord& device : devices) {
    if (const auto value = (device.*figure)()) values.push_back(*value);
  }
  if (values.empty()) return nullptr;
  std::sort(values.begin(), values.end());
  return boost::json::object{
      {"p10", quantile(values, 0.1)}, {"p50", quantile(values, 0.5)}, {"p90", quantile(values, 0.9)}};
}

rounds::EvaluationRecord record_of(const wire::Evaluation& sums) {
  rounds::EvaluationRecord record;
  record.total = sums;
  return record;
}

/// The four figures of a record; none of accuracy for a regression.
boost::json::object figures(const rounds::EvaluationRecord& record, bool has_accuracy) {
  return {{"loss_before", number(record.loss_before())},
          {"loss_after", number(record.loss_after())},
          {"accuracy_before", has_accuracy ? number(record.accuracy_before()) : boost::json::value()},
          {"accuracy_after", has_accuracy ? number(record.accuracy_after()) : boost::json::value()}};
}

boost::json::object to_json(const StoredEvaluation& evaluation, bool has_accuracy) {
  using Record = rounds::EvaluationRecord;
  const Record& record = evaluation.record;
  std::vector<Record> devices;
  for (const rounds::DeviceReport& report : record.reports) devices.push_back(record_of(report.sums));
  boost::json::object json{{"rounds", record.rounds},
                           {"devices", record.devices},
                           {"tasks", record.total.tasks},
                           {"diverged_tasks", record.total.diverged_tasks}};
  for (auto& [name, value] : figures(record, has_accuracy)) json[name] = std::move(value);
  json["over_devices"] = {
      {"loss_before", spread(devices, &Record::loss_before)},
      {"loss_after", spread(devices, &Record::loss_after)},
      {"accuracy_before", has_accuracy ? spread(devices, &Record::accuracy_before) : boost::json::value()},
      {"accuracy_after", has_accuracy ? spread(devices, &Record::accuracy_after) : boost::json::value()}};
  json["uplink_bytes"] = record.traffic.uplink_bytes;
  json["downlink_bytes"] = record.traffic.downlink_bytes;
  json["device_rounds"] = record.traffic.device_rounds;
  json["duration_ms"] = evaluation.duration_ms;
  return json;
}

boost::json::object to_json(const StoredReport& report, bool has_accuracy) {
  const rounds::EvaluationRecord record = record_of(report.sums);
  boost::json::object json{{"rounds", report.rounds},
                           {"device", report.device},
                           {"tasks", report.sums.tasks},
                           {"query_samples", report.sums.query_samples},
                           {"diverged_tasks", report.sums.diverged_tasks}};
  for (auto& [name, value] : figures(record, has_accuracy)) json[name] = std::move(value);
  const auto before = record.loss_before();
  const auto after = record.loss_after();
  json["gain"] = before && after ? number(*before - *after) : boost::json::value();
  return json;
}

std::uint32_t first_of(std::uint64_t after) {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(after, limits::kMaxRounds));
}

}  // namespace

std::optional<FoundRun> find_run(const FleetStore& fleet, const std::string& state_folder, const http::Request& request,
                                 http::Responder& respond) {
  auto row = fleet.run(number_of(request));
  if (!row) {
    respond(store_failed(row.error()));
    return std::nullopt;
  }
  if (!*row) {
    respond(not_found("run " + request.parameter("number")));
    return std::nullopt;
  }
  FoundRun found{std::move(**row), std::nullopt};
  const std::string path = state_folder + "/runs/" + std::to_string(found.row.number) + "/store.db";
  std::error_code code;
  if (!std::filesystem::exists(path, code)) return found;
  auto store = Store::open_to_read(path);
  if (!store && found.row.phase == RunPhase::kQueued) return found;  // it is being made, or will be looked at soon
  if (!store) {
    respond(store_failed(store.error()));
    return std::nullopt;
  }
  found.store.emplace(std::move(*store));
  return found;
}

void Api::add_evaluations(http::Router& router) {
  router.add(
      "GET", "/api/v1/runs/{number}/details", http::Scope::kRead, "What a run is made of",
      [this](const http::Request& request, http::Responder respond) { show_details(request, std::move(respond)); });
  router.add(
      "GET", "/api/v1/runs/{number}/evaluations", http::Scope::kRead, "Finished evaluations of a run",
      [this](const http::Request& request, http::Responder respond) { show_evaluations(request, std::move(respond)); });
  router.add(
      "GET", "/api/v1/runs/{number}/evaluations/{rounds}/devices", http::Scope::kRead,
      "What each device reported in one evaluation",
      [this](const http::Request& request, http::Responder respond) { show_reports(request, std::move(respond)); });
  router.add("GET", "/api/v1/runs/{number}/devices/{id}/evaluations", http::Scope::kRead,
             "What one device reported in the evaluations of a run",
             [this](const http::Request& request, http::Responder respond) {
               show_reports_of_device(request, std::move(respond));
             });
  router.add("GET", "/api/v1/runs/{number}/rounds/{round}/participants", http::Scope::kRead,
             "The devices of a recent round, when they answered, and what came of them",
             [this](const http::Request& request, http::Responder respond) {
               show_participants(request, std::move(respond));
             });
}

void Api::show_details(const http::Request& request, http::Responder respond) {
  const auto run = find_run(store_, state_folder_, request, respond);
  if (!run) return;
  StoredModel model;
  if (run->store) {
    const auto latest = run->store->latest_model();
    if (!latest) return respond(store_failed(latest.error()));
    model = *latest;
  }
  const auto experiment = experiment_of(run->row);
  const bool has_accuracy = experiment && nn::has_labels(experiment->model.loss);
  respond(http::json_response(boost::json::serialize(
      boost::json::object{{"experiment", run->row.order.experiment_text},
                          {"classifies", has_accuracy},
                          {"uplink", experiment ? boost::json::value(experiment->uplink) : boost::json::value()},
                          {"downlink", experiment ? boost::json::value(experiment->downlink) : boost::json::value()},
                          {"model_bytes", model.bytes == 0 ? boost::json::value() : boost::json::value(model.bytes)},
                          {"roster", model.roster}})));
}

/// A page ends early when the reports behind it are many: nobody else is answered meanwhile.
void Api::show_evaluations(const http::Request& request, http::Responder respond) {
  const auto after = after_of(request);
  const auto limit = limit_of(request);
  if (!after || !limit) return respond(bad_parameter((after ? limit.error() : after.error())));
  const auto run = find_run(store_, state_folder_, request, respond);
  if (!run) return;
  std::vector<StoredEvaluation> evaluations;
  if (run->store) {
    auto read = run->store->evaluations(first_of(*after), *limit);
    if (!read) return respond(store_failed(read.error()));
    evaluations = std::move(*read);
  }
  std::size_t reports = 0;
  for (const StoredEvaluation& one : evaluations) reports += one.record.reports.size();
  const bool ends_early = reports >= Store::kMostReports;
  const bool has_accuracy = classifies(run->row);
  respond(page_of(
      evaluations, ends_early ? static_cast<std::uint32_t>(evaluations.size()) : *limit,
      [](const StoredEvaluation& one) { return one.record.rounds + 1; },
      [has_accuracy](const StoredEvaluation& one) { return to_json(one, has_accuracy); }));
}

void Api::show_reports(const http::Request& request, http::Responder respond) {
  const auto limit = limit_of(request);
  if (!limit) return respond(bad_parameter(limit.error()));
  const std::string* after = request.query_parameter("after");
  const auto run = find_run(store_, state_folder_, request, respond);
  if (!run) return;
  const auto rounds = rounds_of(request, "rounds");
  const auto there = rounds && run->store ? run->store->evaluations(*rounds, 1) : std::vector<StoredEvaluation>();
  if (!there) return respond(store_failed(there.error()));
  if (there->empty() || there->front().record.rounds != *rounds) {
    return respond(not_found("evaluation after " + request.parameter("rounds") + " rounds"));
  }
  const auto reports = run->store->reports(*rounds, after == nullptr ? "" : *after, *limit);
  if (!reports) return respond(store_failed(reports.error()));
  respond(page_of(
      *reports, *limit, [](const StoredReport& report) { return report.device; },
      [has_accuracy = classifies(run->row)](const StoredReport& report) { return to_json(report, has_accuracy); }));
}

void Api::show_reports_of_device(const http::Request& request, http::Responder respond) {
  const auto after = after_of(request);
  const auto limit = limit_of(request);
  if (!after || !limit) return respond(bad_parameter((after ? limit.error() : after.error())));
  const auto run = find_run(store_, state_folder_, request, respond);
  if (!run) return;
  std::vector<StoredReport> reports;
  if (run->store) {
    auto read = run->store->reports_of(request.parameter("id"), first_of(*after), *limit);
    if (!read) return respond(store_failed(read.error()));
    reports = std::move(*read);
  }
  respond(page_of(
      reports, *limit, [](const StoredReport& report) { return report.rounds + 1; },
      [has_accuracy = classifies(run->row)](const StoredReport& report) { return to_json(report, has_accuracy); }));
}

/// They are in the memory of the service's thread.
void Api::show_participants(const http::Request& request, http::Responder respond) {
  const std::uint32_t number = number_of(request);
  const auto round = rounds_of(request, "round");
  if (!round) return respond(not_found("round " + request.parameter("round")));
  service_.post(
      [number, round = *round, respond = std::make_shared<http::Responder>(std::move(respond))](FleetService& service) {
        const auto found = service.participants(number, round);
        if (found) return (*respond)(http::json_response(boost::json::serialize(api::to_json(*found))));
        (*respond)(http::problem(404, "not-found",
                                 "the devices of round " + std::to_string(round) + " of run " + std::to_string(number) +
                                     " are not at hand: the service has those of the open round and of the last " +
                                     std::to_string(RoundRing::kMostRounds) + " since it was started"));
      });
}

}  // namespace skink::coordinator::api
