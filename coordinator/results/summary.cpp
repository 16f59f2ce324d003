#include "skink/coordinator/results/summary.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <cmath>

#include "skink/common/wire/versions.hpp"
#include "skink/coordinator/results/figures.hpp"
#include "skink/host/experiment/experiment_text.hpp"
#include "skink/host/program/build.hpp"

namespace skink::coordinator {
namespace {

double per(std::uint64_t bytes, std::uint64_t count) {
  return count == 0 ? 0.0 : static_cast<double>(bytes) / static_cast<double>(count);
}

/// Values that a program reads: null where nothing was measured.
boost::json::value or_null(const std::optional<double>& value) {
  return value ? boost::json::value(*value) : boost::json::value(nullptr);
}
boost::json::value or_null(const std::string& text) {
  return text.empty() ? boost::json::value(nullptr) : boost::json::value(text);
}

/// What made the result.
boost::json::object versions() {
  return {{"skink", kSkinkVersion},
          {"protocol", wire::kProtocolVersion},
          {"arithmetic", wire::kArithmeticVersion},
          {"codec", wire::kCodecVersion},
          {"compiler", kCompiler}};
}

/// Bytes that a program reads: null where nothing was sent.
boost::json::value if_counted(const Summary& summary, std::uint64_t bytes) {
  return summary.traffic.counts_bytes ? boost::json::value(bytes) : boost::json::value(nullptr);
}

std::uint64_t timed_device_rounds(const Summary& summary) {
  return summary.traffic.device_rounds - summary.device_rounds_before;
}

/// A line of the table.
std::string bytes_text(const Summary& summary) {
  if (!summary.traffic.counts_bytes) return "not counted; --engine protocol counts them";
  return fmt::format("{:.0f} up ({}), {:.0f} down", summary.uplink_bytes_per_device_round(), summary.uplink,
                     summary.downlink_bytes_per_device_round());
}

}  // namespace

double Summary::uplink_bytes_per_device_round() const { return per(traffic.uplink_bytes, traffic.device_rounds); }
double Summary::downlink_bytes_per_device_round() const { return per(traffic.downlink_bytes, traffic.device_rounds); }

RunState state_of(const Coordinator& coordinator) {
  return {coordinator.experiment(),
          coordinator.run(),
          static_cast<std::uint32_t>(coordinator.roster().size()),
          static_cast<std::uint32_t>(coordinator.membership().held_out.size()),
          coordinator.rounds_done(),
          coordinator.traffic(),
          coordinator.evaluations(),
          coordinator.model().file(),
          coordinator.model().digest(),
          coordinator.model().parameters().size(),
          coordinator.roster()};
}

Summary summarize(const RunState& state, const rounds::RoundHistory& rounds, const std::string& source,
                  double wall_seconds) {
  Summary summary;
  summary.experiment = state.experiment.name;
  summary.source = source;
  summary.seed = state.experiment.seed;
  summary.run = state.run;
  summary.devices = state.devices;
  summary.held_out = state.held_out;
  summary.rounds = state.rounds_done;
  summary.wall_seconds = wall_seconds;
  summary.traffic = state.traffic;
  summary.updates = rounds.counts();
  summary.classifies = nn::has_labels(state.experiment.model.loss);
  summary.evaluated = !state.evaluations.empty();
  if (summary.evaluated) summary.last_evaluation = state.evaluations.back();
  char hex[2 * crypto::kDigestBytes + 1];
  crypto::to_hex(state.model_digest, hex);
  summary.model_sha256 = hex;
  summary.model_bytes = state.model_file.size();
  summary.parameters = state.parameters;
  summary.uplink = state.experiment.uplink;
  summary.experiment_sha256 = experiment_sha256(state.experiment);
  if (state.experiment.task.source == TaskSource::kDataset) summary.dataset = state.experiment.task.dataset;
  return summary;
}

namespace {

boost::json::value number_or_null(double value) {
  return std::isfinite(value) ? boost::json::value(value) : boost::json::value(nullptr);
}

boost::json::object to_json(const rounds::BeforeAfter& figure) {
  return {{"before", number_or_null(figure.before.mean)},
          {"before_interval", number_or_null(figure.before.half_width)},
          {"after", number_or_null(figure.after.mean)},
          {"after_interval", number_or_null(figure.after.half_width)}};
}

/// Null without an evaluation.
boost::json::value to_json(const rounds::EvaluationFigures& figures) {
  if (figures.units == 0) return nullptr;
  boost::json::object object{{"over", std::string(unit_name(figures.unit)) + "s"}, {"units", figures.units}};
  for (const Measure& measure : measures()) {
    const rounds::BeforeAfter& figure = figures.*measure.figure;
    const bool is_measured = std::isfinite(figure.before.mean) || std::isfinite(figure.after.mean);
    object[measure.name] = is_measured ? boost::json::value(to_json(figure)) : boost::json::value(nullptr);
  }
  object["persistence"] = number_or_null(figures.persistence.mean);
  object["persistence_interval"] = number_or_null(figures.persistence.half_width);
  return object;
}

boost::json::array to_json(const rounds::Confusion& confusion) {
  boost::json::array rows;
  for (std::size_t wanted = 0; wanted < confusion.classes; ++wanted) {
    const auto row = confusion.counts.begin() + static_cast<std::ptrdiff_t>(wanted * confusion.classes);
    rows.push_back(boost::json::array(row, row + confusion.classes));
  }
  return rows;
}

boost::json::value to_json(const std::optional<ConfusionTables>& confusion) {
  if (!confusion) return nullptr;
  return boost::json::object{{"classes", boost::json::value_from(confusion->classes)},
                             {"before", to_json(confusion->before)},
                             {"after", to_json(confusion->after)}};
}

boost::json::value to_json(const TaskCensus& census) {
  if (census.clients == 0) return nullptr;
  boost::json::array left_out;
  for (const TaskCensus::LeftOut& one : census.left_out) {
    left_out.push_back(boost::json::object{{"client", one.client}, {"reason", one.reason}});
  }
  return boost::json::object{{"clients", census.clients},
                             {"lacking_classes", census.lacking_classes},
                             {"short_of_records", census.short_of_records},
                             {"records", census.records},
                             {"fewest_records", census.fewest_records},
                             {"most_records", census.most_records},
                             {"label_entropy", census.label_entropy},
                             {"left_out", std::move(left_out)}};
}

/// What figures are of, and what their intervals are over.
std::string over_text(const rounds::EvaluationFigures& figures) {
  const std::string unit = unit_name(figures.unit);
  if (figures.units == 1) return "(of one " + unit + ")";
  return fmt::format("(mean and 95 % interval over {} {}s)", figures.units, unit);
}

/// "90.1 % ± 2.3 over 9 clients": what a person wants to know of a spread.
std::string spread_text(const rounds::EvaluationFigures& figures) {
  const auto text = [](const rounds::Spread& spread) {
    if (!std::isfinite(spread.mean)) return std::string("-");
    return fmt::format("{:.1f} %{}", 100 * spread.mean,
                       std::isfinite(spread.half_width) ? fmt::format(" +- {:.1f}", 100 * spread.half_width) : "");
  };
  return fmt::format("{} before, {} after {}", text(figures.accuracy.before), text(figures.accuracy.after),
                     over_text(figures));
}

std::string text_of(const rounds::Spread& spread) {
  if (!std::isfinite(spread.mean)) return "-";
  return fmt::format("{:.4f}{}", spread.mean,
                     std::isfinite(spread.half_width) ? fmt::format(" +- {:.4f}", spread.half_width) : "");
}

std::string pair_text(const rounds::BeforeAfter& figure) {
  return text_of(figure.before) + " before, " + text_of(figure.after) + " after";
}

/// Lines of those figures that were measured.
std::string figure_lines(const rounds::EvaluationFigures& figures, bool classifies) {
  std::string lines;
  if (figures.units == 0) return lines;
  if (classifies)
    lines += fmt::format("  {:<24}{}\n", std::string("by ") + unit_name(figures.unit), spread_text(figures));
  for (const Measure& measure : measures()) {
    const rounds::BeforeAfter& figure = figures.*measure.figure;
    if (measure.is_own_line && std::isfinite(figure.before.mean)) {
      const bool is_of_units = measure.figure != &rounds::EvaluationFigures::macro_f1;
      lines +=
          fmt::format("  {:<24}{}{}\n", measure.title, pair_text(figure), is_of_units ? " " + over_text(figures) : "");
    }
  }
  if (std::isfinite(figures.persistence.mean)) {
    lines += fmt::format("  {:<24}{} {}\n", "persistence, RMS error", text_of(figures.persistence), over_text(figures));
  }
  return lines;
}

/// Who takes part, where that is not simply everybody with everything.
std::string census_lines(const char* title, const TaskCensus& census) {
  if (census.clients == 0) return "";
  std::string lines;
  const bool is_plain = census.lacking_classes == 0 && census.short_of_records == 0 && census.left_out.empty();
  if (census.clients > 1 || !is_plain) {
    lines =
        fmt::format("  {:<24}{}, {} to {} records", title, census.clients, census.fewest_records, census.most_records);
    if (census.lacking_classes > 0) lines += fmt::format("; {} lack classes", census.lacking_classes);
    if (census.short_of_records > 0) lines += fmt::format("; {} are short of records", census.short_of_records);
    lines += "\n";
  }
  constexpr std::size_t kNamed = 5;
  for (std::size_t i = 0; i < census.left_out.size() && i < kNamed; ++i) {
    const TaskCensus::LeftOut& one = census.left_out[i];
    lines += fmt::format("  {:<24}{}: {}\n", "left out", one.client.empty() ? "the pool" : one.client, one.reason);
  }
  if (census.left_out.size() > kNamed) {
    lines += fmt::format("  {:<24}and {} more; summary.json names them\n", "left out", census.left_out.size() - kNamed);
  }
  return lines;
}

}  // namespace

std::string to_json(const Summary& summary) {
  const rounds::EvaluationRecord& evaluation = summary.last_evaluation;  // without any: of nobody
  const double rate =
      summary.wall_seconds > 0 ? static_cast<double>(timed_device_rounds(summary)) / summary.wall_seconds : 0.0;
  const auto of_classifier = [&](const std::optional<double>& value) {
    return or_null(summary.classifies ? value : std::nullopt);
  };
  const boost::json::object object{
      {"experiment", summary.experiment},
      {"experiment_sha256", summary.experiment_sha256},
      {"dataset", or_null(summary.dataset)},
      {"dataset_sha256", or_null(summary.dataset_sha256)},
      {"source", summary.source},
      {"seed", summary.seed},
      {"run", summary.run},
      {"versions", versions()},
      {"devices", summary.devices},
      {"held_out", summary.held_out},
      {"parameters", summary.parameters},
      {"uplink", summary.uplink},
      {"rounds", summary.rounds},
      {"device_rounds", summary.traffic.device_rounds},
      {"updates_taken", summary.updates.taken},
      {"updates_diverged", summary.updates.diverged},
      {"updates_refused", summary.updates.refused},
      {"wall_seconds", summary.wall_seconds},
      {"device_rounds_per_second", rate},
      {"uplink_bytes", if_counted(summary, summary.traffic.uplink_bytes)},
      {"downlink_bytes", if_counted(summary, summary.traffic.downlink_bytes)},
      {"evaluation_tasks", evaluation.total.tasks},
      {"evaluation_diverged_tasks", evaluation.total.diverged_tasks},
      {"evaluation_rounds", evaluation.rounds},
      {"query_samples", evaluation.total.query_samples},
      {"query_loss_before", or_null(evaluation.loss_before())},
      {"query_loss_after", or_null(evaluation.loss_after())},
      {"query_accuracy_before", of_classifier(evaluation.accuracy_before())},
      {"query_accuracy_after", of_classifier(evaluation.accuracy_after())},
      {"figures", to_json(evaluation.figures)},
      {"partition_sha256", or_null(summary.partition_sha256)},
      {"shared_readings", summary.partition_sha256.empty() ? boost::json::value(nullptr) : summary.shared_readings},
      {"known_clients", summary.partition_sha256.empty() ? boost::json::value(nullptr) : summary.known_clients},
      {"unjudged_classes", summary.unjudged_classes ? boost::json::value_from(*summary.unjudged_classes) : nullptr},
      {"confusion", to_json(summary.confusion)},
      {"training_clients", to_json(summary.training_clients)},
      {"evaluation_clients", to_json(summary.evaluation_clients)},
      {"model_bytes", summary.model_bytes},
      {"model_sha256", summary.model_sha256},
  };
  return boost::json::serialize(object) + "\n";
}

std::string number_text(const std::optional<double>& value, int digits) {
  return value ? fmt::format("{:.{}f}", *value, digits) : "-";
}

std::string loss_text(const rounds::EvaluationRecord& record) {
  if (record.total.query_samples == 0)
    return fmt::format("nobody answered the evaluation after {} rounds", record.rounds);
  const std::uint64_t diverged = record.total.diverged_tasks;
  std::string text = fmt::format("{} before adaptation, ", number_text(record.loss_before()));
  if (diverged >= record.total.tasks) return text + "every task diverged in it";
  text += number_text(record.loss_after()) + " after";
  if (diverged > 0) text += fmt::format(" ({} of {} tasks diverged and are not in it)", diverged, record.total.tasks);
  return text;
}

std::string accuracy_text(const rounds::EvaluationRecord& record, int digits) {
  const auto percent = [&](const std::optional<double>& value) {
    return value ? fmt::format("{:.{}f} %", 100 * *value, digits) : "-";
  };
  return fmt::format("{} before adaptation, {} after", percent(record.accuracy_before()),
                     percent(record.accuracy_after()));
}

std::string to_table(const Summary& summary) {
  const rounds::EvaluationRecord& evaluation = summary.last_evaluation;
  std::string text;
  text += fmt::format("  experiment              {}, seed {}\n", summary.experiment, summary.seed);
  text += fmt::format("  devices                 {}, of them {} held out\n", summary.devices, summary.held_out);
  text +=
      fmt::format("  rounds, device-rounds   {}, {}{} in {:.1f} s\n", summary.rounds, summary.traffic.device_rounds,
                  summary.device_rounds_before == 0 ? "" : fmt::format("; {} of them", timed_device_rounds(summary)),
                  summary.wall_seconds);
  text += census_lines("training clients", summary.training_clients);
  text += census_lines("evaluation clients", summary.evaluation_clients);
  text += fmt::format("  updates                 {} taken, {} diverged, {} refused\n", summary.updates.taken,
                      summary.updates.diverged, summary.updates.refused);
  if (summary.evaluated) {
    text += fmt::format("  unseen tasks            {}, {} query samples\n", evaluation.total.tasks,
                        evaluation.total.query_samples);
    text += fmt::format("  loss                    {}\n", loss_text(evaluation));
    if (summary.classifies && evaluation.total.query_samples > 0) {
      text += fmt::format("  accuracy                {}\n", accuracy_text(evaluation));
    }
    text += figure_lines(evaluation.figures, summary.classifies);
  }
  text += fmt::format("  bytes per device-round  {}\n", bytes_text(summary));
  text += fmt::format("  model                   {} parameters, sha256 {}\n", summary.parameters, summary.model_sha256);
  return text;
}

std::string updates_line(const TakenUpdate& update) {
  char digest[2 * crypto::kDigestBytes + 1];
  crypto::to_hex(crypto::sha256(update.change), digest);
  return fmt::format("{},{},{},{},{},{},{}", update.id.round, update.id.attempt, update.device_index, update.device_id,
                     update.support_samples, update.change.size(), digest);
}

}  // namespace skink::coordinator
