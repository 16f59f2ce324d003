#include <fmt/format.h>

#include <boost/json.hpp>
#include <cstdio>

#include "skink/host/files/files.hpp"
#include "terminal.hpp"

namespace skink::simulations::cli {
namespace {

std::string evaluation_text(const coordinator::Summary& summary) {
  const rounds::EvaluationRecord& record = summary.last_evaluation;
  std::string text =
      fmt::format("  unseen tasks  {}, {} query samples\n", record.total.tasks, record.total.query_samples);
  text += fmt::format("  loss          {}\n", coordinator::loss_text(record));
  if (summary.classifies) text += fmt::format("  accuracy      {}\n", coordinator::accuracy_text(record, 2));
  return text + fmt::format("  model         {} parameters, sha256 {}\n", summary.parameters, summary.model_sha256);
}

std::string evaluation_json(const coordinator::Summary& summary) {
  const rounds::EvaluationRecord& record = summary.last_evaluation;
  const auto or_null = [](const std::optional<double>& value) {
    return value ? boost::json::value(*value) : boost::json::value(nullptr);
  };
  const auto of_classifier = [&](const std::optional<double>& value) {
    return or_null(summary.classifies ? value : std::nullopt);
  };
  return boost::json::serialize(boost::json::object{{"experiment", summary.experiment},
                                                    {"seed", summary.seed},
                                                    {"evaluation_tasks", record.total.tasks},
                                                    {"evaluation_diverged_tasks", record.total.diverged_tasks},
                                                    {"query_samples", record.total.query_samples},
                                                    {"query_loss_before", or_null(record.loss_before())},
                                                    {"query_loss_after", or_null(record.loss_after())},
                                                    {"query_accuracy_before", of_classifier(record.accuracy_before())},
                                                    {"query_accuracy_after", of_classifier(record.accuracy_after())},
                                                    {"parameters", summary.parameters},
                                                    {"model_sha256", summary.model_sha256}}) +
         "\n";
}

}  // namespace

int evaluate(const EvaluateArguments& arguments) {
  const auto writable = check_writable(arguments.json);
  if (!writable) return fail(ExitCode::kStore, writable.error().message);
  RunOptions options;
  int code = read(arguments.experiment, options.experiment);
  if (code == kOk) code = find_isa(arguments.speed.isa, options.isa);
  if (code != kOk) return code;
  const bool are_clients = options.experiment.fleet.devices_are_clients;
  if (options.experiment.evaluation.final_tasks == 0 && !are_clients) {
    return fail(ExitCode::kConfiguration,
                arguments.experiment.file + ": [evaluation] final_tasks is 0, there is nothing to evaluate");
  }
  options.data_dir = arguments.experiment.data;
  options.lanes = arguments.speed.lanes;
  options.threads = arguments.speed.threads;
  const auto result = evaluate_model(options, arguments.model);
  if (!result) return fail(ExitCode::kData, result.error().message);
  std::printf("%s", evaluation_text(result->summary).c_str());
  if (!arguments.json.empty()) {
    const auto written = write_file(arguments.json, evaluation_json(result->summary));
    if (!written) return fail(ExitCode::kStore, written.error().message);
  }
  coordinator::Summary judged = result->summary;
  judged.rounds = 0;  // of which nothing is known here
  return warn(coordinator::verdict_of(judged, options.experiment, {}));
}

}  // namespace skink::simulations::cli
