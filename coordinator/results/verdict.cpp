#include "skink/coordinator/results/verdict.hpp"

#include <fmt/format.h>

#include <cmath>

#include "skink/host/experiment/strategies.hpp"

namespace skink::coordinator {
namespace {

/// Networks start for inputs of about 1; from here on the first step of every usual rate overshoots.
constexpr double kLargeInput = 100;
/// Rates above it are unusual for online SGD.
constexpr double kLargeRate = 0.05;
constexpr double kUsualRate = 0.01;

/// At most three digits, and of numbers from 10 on two after the point, never with an exponent: 0.0000305.
std::string plain(double value) {
  if (value == 0) return "0";
  const int magnitude = static_cast<int>(std::floor(std::log10(std::abs(value))));
  std::string text = fmt::format("{:.{}f}", value, std::max(2, 2 - magnitude));
  if (text.find('.') == std::string::npos) return text;
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

/// 32,767
std::string with_commas(double value) {
  std::string digits = fmt::format("{:.0f}", std::abs(value));
  for (std::size_t place = digits.size(); place > 3;) digits.insert(place -= 3, 1, ',');
  return (value < 0 ? "-" : "") + digits;
}

std::string counted(std::uint64_t count, const char* what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

/// @param[in] what  "The network sees"
/// @param[in] keys  "[model] input", to which _scale and _offset are added
std::string scale_advice(const char* what, const char* keys, const InputRange& range) {
  const std::string text = fmt::format("{} values from {} to {}: set {}_scale", what, with_commas(range.least),
                                       with_commas(range.most), keys);
  if (range.stored_deviation == 0) return text + " so that they are about -1 to 1.";
  const double scale = std::stod(plain(1 / range.stored_deviation));  // as it is said
  const double mean = std::abs(range.stored_mean) < 1e-3 * range.stored_deviation ? 0 : range.stored_mean;
  const std::string offset = std::string(keys).substr(std::string(keys).find(' ') + 1);
  return text + fmt::format(" = {} and {}_offset = {}, which give the training data mean 0 and deviation 1.",
                            plain(scale), offset, plain(-mean * scale));
}

/// What is too large for a network at any usual rate; empty: nothing is.
std::string large_values(const DataRanges& ranges) {
  if (ranges.inputs && ranges.inputs->largest() > kLargeInput) {
    return scale_advice("The network sees", "[model] input", *ranges.inputs);
  }
  if (ranges.targets && ranges.targets->largest() > kLargeInput) {
    return scale_advice("The network is to give", "[task] target", *ranges.targets);
  }
  return "";
}

std::string rate_advice(const char* section, float rate) {
  const auto number = static_cast<double>(rate);
  const double lower = number > kLargeRate ? kUsualRate : number / 10;
  return fmt::format("[{}] inner_learning_rate = {} is too large for this network and these inputs: try {}.", section,
                     rate, plain(lower));
}

/// Why numbers grew beyond all bounds, and what helps.
std::string advice(const char* section, float rate, const DataRanges& ranges) {
  std::string text = large_values(ranges);
  if (!text.empty()) return text;
  text = rate_advice(section, rate);
  if (!ranges.inputs)
    text +=
        " Or the samples of the devices are large: [model] input_scale and input_offset should bring them to about -1 "
        "to 1.";
  return text;
}

std::string reason_of(const rounds::UpdateCounts& updates) {
  const std::uint64_t count = updates.diverged + updates.refused;
  if (updates.diverged > 0 && updates.refused > 0) {
    return fmt::format("no update was taken: {} diverged, {} were too large", updates.diverged, updates.refused);
  }
  const char* const what = updates.refused == 0 ? "diverged" : count == 1 ? "was too large" : "were too large";
  return count == 1 ? fmt::format("the only update {}", what) : fmt::format("all {} updates {}", count, what);
}

std::string known_clients_text(const Summary& summary) {
  return fmt::format(
      "{} of {} evaluation clients train too: the figures are of people or machines that are known. For new ones, all "
      "records of a client belong to one split",
      summary.known_clients, summary.evaluation_clients.clients);
}

/// With [task] order = "time" they end before the query set begins, mostly.
std::string unjudged_text(const std::vector<std::string>& classes) {
  constexpr std::size_t kNamed = 5;
  std::string names;
  for (std::size_t i = 0; i < classes.size() && i < kNamed; ++i) names += (i == 0 ? "" : ", ") + classes[i];
  if (classes.size() > kNamed) names += fmt::format(" and {} more", classes.size() - kNamed);
  return "no query sample is of class " + names + ": the figures say nothing of that";
}

/// What helps a run that has learned and lost updates or tasks on the way. Large inputs are said even if nothing was
/// lost.
std::string remedy(const Summary& summary, const Experiment& experiment, const DataRanges& ranges) {
  std::string large = large_values(ranges);
  if (!large.empty()) return large;
  if (summary.updates.diverged + summary.updates.refused > 0) {
    return advice("meta", experiment.meta.inner_learning_rate, ranges);
  }
  if (summary.evaluated && summary.last_evaluation.total.diverged_tasks > 0) {
    return advice("evaluation", experiment.evaluation.inner_learning_rate, ranges);
  }
  return "";
}

std::string warnings(const Summary& summary) {
  std::string text;
  const auto add = [&text](const std::string& line) { text += (text.empty() ? "" : "\n") + line; };
  const rounds::UpdateCounts& updates = summary.updates;
  const std::uint64_t all = updates.taken + updates.diverged + updates.refused;
  if (updates.diverged > 0) add(fmt::format("{} of {} updates diverged and count for nothing", updates.diverged, all));
  if (updates.refused > 0) {
    add(fmt::format("{} of {} updates were too large and count for nothing", updates.refused, all));
  }
  if (!summary.evaluated) return text;
  if (summary.shared_readings > 0) add(shared_readings_text(summary.shared_readings));
  if (summary.known_clients > 0) add(known_clients_text(summary));
  if (summary.unjudged_classes && !summary.unjudged_classes->empty()) add(unjudged_text(*summary.unjudged_classes));
  const wire::Evaluation& evaluation = summary.last_evaluation.total;
  if (evaluation.query_samples == 0) add(loss_text(summary.last_evaluation) + ": there is no figure of it");
  if (evaluation.diverged_tasks > 0) {
    add(fmt::format("{} of {} evaluation tasks diverged; the loss after adaptation is that of the others",
                    evaluation.diverged_tasks, evaluation.tasks));
  }
  return text;
}

}  // namespace

std::string shared_readings_text(std::uint64_t readings) {
  return fmt::format(
      "what a device adapts to and what it is judged by share readings, so that the figures are too good: "
      "windows overlap with the next {0}; set [task] order = \"time\" and gap = {0}",
      readings);
}

Verdict verdict_of(const Summary& summary, const Experiment& experiment, const DataRanges& ranges) {
  const rounds::UpdateCounts& updates = summary.updates;
  const bool asks_devices = learns_from(experiment) != LearnsFrom::kNothing;
  if (asks_devices && summary.rounds > 0 && updates.taken == 0) {
    if (updates.diverged + updates.refused == 0) {
      return {false,
              fmt::format("nothing was learned: no device gave an update in {}.\nSee the log for what they answered.",
                          counted(summary.rounds, "round"))};
    }
    return {false, "nothing was learned: " + reason_of(updates) + ".\n" +
                       advice("meta", experiment.meta.inner_learning_rate, ranges)};
  }
  const wire::Evaluation& evaluation = summary.last_evaluation.total;
  if (summary.evaluated && evaluation.tasks > 0 && evaluation.diverged_tasks >= evaluation.tasks) {
    return {false, fmt::format("nothing was learned that is of use: all {} diverged.\n",
                               counted(evaluation.tasks, "evaluation task")) +
                       advice("evaluation", experiment.evaluation.inner_learning_rate, ranges)};
  }
  std::string text = warnings(summary);
  const std::string help = remedy(summary, experiment, ranges);
  if (!help.empty()) text += (text.empty() ? "" : "\n") + help;
  return {true, text};
}

}  // namespace skink::coordinator
