#include "skink/coordinator/results/metrics.hpp"

#include <fmt/format.h>

#include <cmath>
#include <utility>

#include "skink/coordinator/results/figures.hpp"

namespace skink::coordinator {
namespace {

constexpr std::size_t kPartBytes = std::size_t{1} << 16;

constexpr const char* kHeading =
    "rounds,updates,diverged,refused,replaced,meta_learning_rate,duration_ms,uplink_bytes,downlink_bytes,"
    "evaluation_tasks,query_loss_before,query_loss_after,query_accuracy_before,query_accuracy_after,"
    "evaluation_diverged_tasks,model_sha256";

/// Over clients or tasks, at the end of a line.
std::string figure_names() {
  std::string names;
  for (const Measure& measure : measures()) names += fmt::format(",{0}_before,{0}_after", measure.name);
  return names;
}

std::string column(const std::optional<double>& value) { return value ? fmt::format("{:.9g}", *value) : ""; }

std::string byte_columns(const rounds::Traffic& traffic) {
  return traffic.counts_bytes ? fmt::format("{},{}", traffic.uplink_bytes, traffic.downlink_bytes) : ",";
}

}  // namespace

MetricsTable::MetricsTable(const rounds::RoundHistory& rounds, const std::vector<rounds::EvaluationRecord>& evaluations,
                           nn::Loss loss)
    : reader_(rounds), classifies_(nn::has_labels(loss)) {
  for (const rounds::EvaluationRecord& record : evaluations) evaluations_.emplace(record.rounds, &record);
}

std::string MetricsTable::evaluation_columns(std::uint32_t rounds_done) const {
  const auto found = evaluations_.find(rounds_done);
  if (found == evaluations_.end()) return ",,,,,";
  const rounds::EvaluationRecord& record = *found->second;
  const auto accuracy = [this](const std::optional<double>& value) { return classifies_ ? column(value) : ""; };
  return fmt::format("{},{},{},{},{},{}", record.total.tasks, column(record.loss_before()), column(record.loss_after()),
                     accuracy(record.accuracy_before()), accuracy(record.accuracy_after()),
                     record.total.diverged_tasks);
}

std::string MetricsTable::figure_columns(std::uint32_t rounds_done) const {
  const auto found = evaluations_.find(rounds_done);
  std::string columns;
  for (const Measure& measure : measures()) {
    const bool is_known = found != evaluations_.end();
    const rounds::BeforeAfter figure = is_known ? found->second->figures.*measure.figure : rounds::BeforeAfter();
    for (const rounds::Spread& spread : {figure.before, figure.after}) {
      columns += std::isfinite(spread.mean) ? fmt::format(",{:.9g}", spread.mean) : ",";
    }
  }
  return columns;
}

bool MetricsTable::next(std::string_view& part) {
  part_.clear();
  if (!std::exchange(has_begun_, true)) {
    part_ = kHeading + figure_names() + "\n0,,,,,,,,," + evaluation_columns(0) + "," + figure_columns(0) + "\n";
  }
  rounds::RoundRecord record;
  while (part_.size() < kPartBytes && reader_.next(record)) {
    part_ +=
        fmt::format("{},{},{},{},{},{:.9g},{},{},", record.round + 1, record.updates, record.diverged, record.refused,
                    record.replaced, record.meta_learning_rate, record.duration_ms, byte_columns(record.traffic));
    part_ += evaluation_columns(record.round + 1) + "," + record.model_sha256;
    part_ += figure_columns(record.round + 1) + "\n";
  }
  part = part_;
  return !part.empty();
}

}  // namespace skink::coordinator
