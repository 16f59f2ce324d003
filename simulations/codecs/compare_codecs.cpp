#include <algorithm>
#include <sstream>

#include "skink/host/experiment/strategies.hpp"
#include "skink/host/files/files.hpp"
#include "skink/rounds/evaluation_figures.hpp"
#include "skink/simulations/codecs.hpp"

namespace skink::simulations {
namespace {

using Rows = std::vector<WireRow>;

std::optional<double> value_of(const WireRow& row, bool classifies) {
  return classifies ? row.accuracy_after : row.loss_after;
}

/// The values of all runs at an evaluation, where there are any.
std::vector<double> values_at(const std::vector<Rows>& runs, std::size_t place, bool classifies) {
  std::vector<double> values;
  for (const Rows& run : runs) {
    const std::optional<double> value = value_of(run[place], classifies);
    if (value) values.push_back(*value);
  }
  return values;
}

std::optional<rounds::Spread> spread_at(const std::vector<double>& values) {
  return values.empty() ? std::nullopt : std::optional<rounds::Spread>(rounds::spread_of(values));
}
double total_of(const WireRow& row) { return static_cast<double>(row.totals.up_bytes + row.totals.down_bytes); }

template <class Values, class Get>
double mean_of(const Values& values, Get get) {
  double sum = 0;
  for (const auto& value : values) sum += get(value);
  return sum / static_cast<double>(values.size());
}

/// Bytes of a device-round, in one run.
double per_device_round(const Rows& run, std::uint64_t WireTotals::*bytes) {
  const WireTotals& last = run.back().totals;
  return static_cast<double>(last.*bytes) / static_cast<double>(last.device_rounds);
}

/// `share` of the way from what the first codec begins with to what it ends with; of an accuracy, that share of it.
/// Nothing where it is not better at the end.
std::optional<double> target_of(const std::vector<Rows>& first, bool classifies, double share) {
  const auto begin = spread_at(values_at(first, 0, classifies));
  const auto end = spread_at(values_at(first, first.front().size() - 1, classifies));
  if (!begin || !end) return std::nullopt;
  const bool has_learned = classifies ? end->mean > begin->mean : end->mean < begin->mean;
  if (!has_learned) return std::nullopt;
  return classifies ? share * end->mean : begin->mean - share * (begin->mean - end->mean);
}

/// The first evaluation that comes to the target; null if none does.
const WireRow* reach(const Rows& run, bool classifies, const std::optional<double>& target) {
  const auto found = std::find_if(run.begin(), run.end(), [&](const WireRow& row) {
    const std::optional<double> value = value_of(row, classifies);
    if (!value || !target) return false;
    return classifies ? *value >= *target : *value <= *target;
  });
  return found == run.end() ? nullptr : &*found;
}

CodecRow summarize(const CodecChoice& choice, const std::vector<Rows>& runs, bool classifies,
                   const std::optional<double>& target) {
  CodecRow row;
  row.choice = choice;
  row.seeds = runs.size();
  row.encoded_bytes = mean_of(runs, [](const Rows& run) { return per_device_round(run, &WireTotals::encoded_bytes); });
  row.up_bytes = mean_of(runs, [](const Rows& run) { return per_device_round(run, &WireTotals::up_bytes); });
  row.down_bytes = mean_of(runs, [](const Rows& run) { return per_device_round(run, &WireTotals::down_bytes); });
  row.value = spread_at(values_at(runs, runs.front().size() - 1, classifies));
  for (const Rows& run : runs) {
    const WireRow* reached = reach(run, classifies, target);
    if (reached == nullptr) continue;
    ++row.reached;
    row.rounds_to_target += reached->totals.rounds;
    row.total_bytes_to_target += total_of(*reached);
  }
  if (row.reached > 0) {
    row.rounds_to_target /= static_cast<double>(row.reached);
    row.total_bytes_to_target /= static_cast<double>(row.reached);
  }
  for (std::size_t i = 0; i < runs.front().size(); ++i) {
    const auto value = spread_at(values_at(runs, i, classifies));
    row.curve.push_back({runs.front()[i].totals.rounds,
                         mean_of(runs, [i](const Rows& run) { return total_of(run[i]); }),
                         value ? std::optional<double>(value->mean) : std::nullopt});
  }
  return row;
}

/// The runs of one choice, all with as many evaluations. They are finished.
Result<std::vector<Rows>> read_runs(const CodecsResult& result, const std::string& folder, std::size_t point) {
  std::vector<Rows> runs;
  for (const SweepRun& run : result.sweep.runs) {
    if (run.point != point) continue;
    const std::string path = wire_path(folder + "/" + run.folder);
    auto rows = read_wire(path);
    if (!rows) return rows.error();
    if (rows->empty() || rows->back().totals.device_rounds == 0 || (!runs.empty() && rows->size() != runs[0].size())) {
      return make_error(Status::kDamaged, path + ": is damaged; remove its folder to compute the run again");
    }
    runs.push_back(std::move(*rows));
  }
  return runs;
}

/// Whether any run of a point took an update.
bool has_learned(const SweepResult& sweep, std::size_t point) {
  return std::any_of(sweep.runs.begin(), sweep.runs.end(),
                     [point](const SweepRun& run) { return run.point == point && run.updates.taken > 0; });
}

Result<void> write_files(const CodecsOptions& options, const CodecsResult& result) {
  const std::string folder = options.sweep.out_dir;
  Result<void> written = write_file(folder + "/codecs.csv", codecs_csv(result, options.encode_instructions));
  if (written) written = write_file(folder + "/codecs.md", codecs_table(result, options.encode_instructions));
  if (written) written = write_file(folder + "/codecs.svg", codecs_svg(result));
  return written;
}

}  // namespace

std::string CodecChoice::name() const { return downlink == kWholeModel ? uplink : uplink + "/" + downlink; }

std::vector<CodecChoice> usual_choices() {
  return {{"float32", kWholeModel},
          {"int8", kWholeModel},
          {"eden:4", kWholeModel},
          {"eden:1", kWholeModel},
          {"topk:0.01+ternary+ef", kWholeModel},
          {"int8", "int8:nearest"},
          {"eden:1", "eden:1+ef"},
          {"topk:0.05+ternary+ef", "topk:0.05+ternary+ef"},
          {"topk:0.01+ternary+ef", "topk:0.01+ternary+ef"}};
}

Result<std::vector<CodecChoice>> parse_choices(const std::vector<std::string>& texts) {
  std::vector<CodecChoice> choices;
  for (const std::string& text : texts) {
    const std::size_t slash = text.find('/');
    const bool has_downlink = slash != std::string::npos;
    CodecChoice choice{text.substr(0, slash), has_downlink ? text.substr(slash + 1) : kWholeModel};
    if (choice.uplink.empty() || choice.downlink.find('/') != std::string::npos || choice.downlink.empty()) {
      return make_error(Status::kInvalidArgument,
                        "--codecs: '" + text + "' is not allowed, use UPLINK or UPLINK/DOWNLINK (docs/codec.md)");
    }
    const auto same = [&](const CodecChoice& other) { return other.name() == choice.name(); };
    if (std::any_of(choices.begin(), choices.end(), same)) {
      return make_error(Status::kInvalidArgument, "--codecs: '" + text + "' is there twice");
    }
    choices.push_back(std::move(choice));
  }
  return choices;
}

Result<CodecsResult> compare_codecs(const CodecsOptions& options) {
  const auto experiment = read_experiment(options.sweep.experiment_file, options.sweep.overrides);
  if (!experiment) return experiment.error();
  if (experiment->evaluation.every == 0) {
    return make_error(Status::kInvalidArgument, options.sweep.experiment_file +
                                                    ": [evaluation] every: use 1 or more, " +
                                                    "so that it is seen when a codec comes to the target");
  }
  const auto sends = check_runs_in_fleets(*experiment);
  if (!sends) return sends.error();
  SweepOptions sweep = options.sweep;
  sweep.counts_wire = true;
  for (const CodecChoice& choice : options.choices) {
    sweep.points.push_back({{"codec.uplink", choice.uplink}, {"codec.downlink", choice.downlink}});
  }
  auto swept = run_sweep(sweep);
  if (!swept) return swept.error();
  CodecsResult result;
  result.sweep = std::move(*swept);
  result.is_complete = result.sweep.finished == result.sweep.runs.size();
  if (!result.is_complete) return result;
  result.classifies = result.sweep.runs.front().classifies;
  result.experiment = experiment->name;
  for (std::size_t point = 0; point < options.choices.size(); ++point) {
    const auto runs = read_runs(result, options.sweep.out_dir, point);
    if (!runs) return runs.error();
    if (point == 0 && has_learned(result.sweep, point)) {
      result.target = target_of(*runs, result.classifies, options.share);
    }
    result.rows.push_back(summarize(options.choices[point], *runs, result.classifies, result.target));
  }
  result.written = write_files(options, result);
  return result;
}

Result<std::map<std::string, std::uint64_t>> read_encode_instructions(const std::string& path) {
  const auto text = read_file(path);
  if (!text) return text.error();
  std::istringstream lines(*text);
  std::string line;
  std::map<std::string, std::uint64_t> instructions;
  bool is_sound = std::getline(lines, line) && line == "codec,instructions";
  while (is_sound && std::getline(lines, line)) {
    const std::size_t comma = line.find(',');
    is_sound = comma != std::string::npos && comma + 1 < line.size() && line.size() - comma < 20 &&
               line.find_first_not_of("0123456789", comma + 1) == std::string::npos;
    if (is_sound) instructions[line.substr(0, comma)] = std::stoull(line.substr(comma + 1));
  }
  if (is_sound) return instructions;
  return make_error(Status::kDamaged,
                    path + ": is not what scripts/cycle-report --encoding writes: codec,instructions");
}

}  // namespace skink::simulations
