#include "figure_files.hpp"

#include <algorithm>

#include "skink/host/files/files.hpp"

namespace skink::simulations {

namespace {

/// Without a confusion matrix nothing is noted.
void note_confusion(const rounds::TaskResults& results, const TaskGenerator& tasks, coordinator::Summary& summary) {
  const std::uint32_t classes = results.before.classes;
  if (classes == 0 || results.tasks.empty()) return;
  const std::vector<std::string> names = tasks.class_names();
  if (classes <= coordinator::kMostConfusedClasses) summary.confusion = {names, results.before, results.after};
  summary.unjudged_classes.emplace();
  for (std::uint32_t c = 0; c < classes; ++c) {
    const auto row = results.before.counts.begin() + std::ptrdiff_t{c} * classes;
    if (std::any_of(row, row + classes, [](std::uint64_t count) { return count > 0; })) continue;
    summary.unjudged_classes->push_back(c < names.size() ? names[c] : std::to_string(c));
  }
}

}  // namespace

void describe_clients(const TaskGenerator& tasks, const rounds::TaskResults& results, coordinator::Summary& summary) {
  if (tasks.dataset() == nullptr) return;
  summary.partition_sha256 = tasks.partition_sha256();
  summary.shared_readings = tasks.shared_readings();
  summary.known_clients = tasks.known_clients();
  note_confusion(results, tasks, summary);
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
