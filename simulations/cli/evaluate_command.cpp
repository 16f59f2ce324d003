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
  text += fmt::format("  loss          {:.4f} before adaptation, {:.4f} after\n", record.loss_before(),
                      record.loss_after());
  if (summary.classifies) {
    text += fmt::format("  accuracy      {:.2f} % before adaptation, {:.2f} % after\n", 100 * record.accuracy_before(),
                        100 * record.accuracy_after());
  }
  if (record.total.diverged_tasks > 0) text += fmt::format("  diverged      {} tasks\n", record.total.diverged_tasks);
  return text + fmt::format("  model         {} parameters, sha256 {}\n", summary.parameters, summary.model_sha256);
}

std::string evaluation_json(const coordinator::Summary& summary) {
  const rounds::EvaluationRecord& record = summary.last_evaluation;
  return boost::json::serialize(boost::json::object{{"experiment", summary.experiment},
                                                    {"seed", summary.seed},
                                                    {"evaluation_tasks", record.total.tasks},
                                                    {"diverged_tasks", record.total.diverged_tasks},
                                                    {"query_samples", record.total.query_samples},
                                                    {"query_loss_before", record.loss_before()},
                                                    {"query_loss_after", record.loss_after()},
                                                    {"query_accuracy_before", record.accuracy_before()},
                                                    {"query_accuracy_after", record.accuracy_after()},
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
  if (arguments.json.empty()) return kOk;
  const auto written = write_file(arguments.json, evaluation_json(result->summary));
  return written ? kOk : fail(ExitCode::kStore, written.error().message);
}

}  // namespace skink::simulations::cli
