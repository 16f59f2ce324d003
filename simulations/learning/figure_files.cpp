#include "figure_files.hpp"

#include "skink/host/files/files.hpp"

namespace skink::simulations {

void describe_clients(const TaskGenerator& tasks, coordinator::Summary& summary) {
  if (tasks.dataset() == nullptr) return;
  summary.partition_sha256 = tasks.partition_sha256();
  summary.shared_readings = tasks.shared_readings();
  summary.training_clients = tasks.census(TaskUse::kAdapt);
  summary.evaluation_clients = tasks.census(TaskUse::kEvaluate);
}

Result<void> write_figures(const std::string& folder, const rounds::TaskResults& results, const Experiment& experiment,
                           const coordinator::Clients& clients, const TaskGenerator& tasks) {
  if (results.tasks.empty()) return {};
  Result<void> written = write_file(folder + "/devices.csv", coordinator::devices_csv(results, experiment, clients));
  const bool has_confusion = results.after.classes > 0;
  if (written && has_confusion) {
    written = write_file(folder + "/confusion.csv", coordinator::confusion_csv(results, tasks.class_names()));
  }
  return written;
}

}  // namespace skink::simulations
