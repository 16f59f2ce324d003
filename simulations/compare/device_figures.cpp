#include "device_figures.hpp"

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <optional>

#include "skink/simulations/import/csv.hpp"

namespace skink::simulations {
namespace {

bool classifies(const Experiment& experiment) { return objective_of(experiment) == Objective::kClassify; }
bool regresses(const Experiment& experiment) { return objective_of(experiment) == Objective::kRegress; }
bool finds_anomalies(const Experiment& experiment) { return !experiment.task.normal.empty(); }

constexpr DeviceFigure kFigures[] = {{"loss", false, Pooling::kBySamples, [](const Experiment&) { return true; }},
                                     {"accuracy", true, Pooling::kBySamples, classifies},
                                     {"auc", true, Pooling::kByTasks, finds_anomalies},
                                     {"partial_auc", true, Pooling::kByTasks, finds_anomalies},
                                     {"mean_absolute_error", false, Pooling::kBySamples, regresses},
                                     {"root_mean_square_error", false, Pooling::kRoot, regresses},
                                     {"skill", true, Pooling::kPersistence, [](const Experiment& experiment) {
                                        return !experiment.task.persistence.empty();
                                      }}};

struct Sum {
  double values = 0;
  double weights = 0;
  void add(double value, double weight) {
    if (std::isnan(value)) return;
    values += weight * value;
    weights += weight;
  }
  double mean() const { return weights > 0 ? values / weights : rounds::kNotMeasured; }
};

struct Sums {
  Sum before;
  Sum after;
};

/// NaN for an empty field.
std::optional<double> number(std::string_view text) {
  if (text.empty()) return rounds::kNotMeasured;
  const std::string copy(text);
  char* end = nullptr;
  const double value = std::strtod(copy.c_str(), &end);
  return *end == '\0' ? std::optional<double>(value) : std::nullopt;
}

/// Where the columns are.
class Columns {
 public:
  explicit Columns(const CsvReader& heading) {
    for (std::size_t c = 0; c < heading.field_count(); ++c) places_[std::string(heading.field(c))] = c;
  }
  std::optional<std::size_t> find(const std::string& name) const {
    const auto found = places_.find(name);
    return found == places_.end() ? std::nullopt : std::optional<std::size_t>(found->second);
  }
  std::size_t count() const { return places_.size(); }

 private:
  std::map<std::string, std::size_t> places_;
};

Error damaged(const std::string& path, std::uint64_t line) {
  return make_error(Status::kDamaged, path + ":" + std::to_string(line) +
                                          ": is not a devices.csv of this version; remove its folder to compute the "
                                          "run again");
}

}  // namespace

const DeviceFigure* find_figure(const std::string& name) {
  for (const DeviceFigure& figure : kFigures) {
    if (name == figure.name) return &figure;
  }
  return nullptr;
}

std::string figure_names(const Experiment* experiment) {
  std::string names;
  for (const DeviceFigure& figure : kFigures) {
    if (experiment == nullptr || figure.is_of(*experiment))
      names += (names.empty() ? "" : ", ") + std::string(figure.name);
  }
  return names;
}

Result<RunFigures> read_figures(const std::string& path, const DeviceFigure& figure) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return make_error(Status::kUnavailable, path + ": cannot be opened");
  CsvReader reader(file, path);
  auto row = reader.next();
  if (!row) return row.error();
  if (!*row) return damaged(path, 1);
  const Columns columns(reader);
  const auto task = columns.find("task");
  const auto client = columns.find("client");
  const auto samples = columns.find("query_samples");
  if (!task || !client || !samples) return damaged(path, 1);
  const auto before = columns.find(std::string(figure.name) + "_before");
  const auto after = columns.find(std::string(figure.name) + "_after");
  const auto persistence = columns.find("persistence");
  if (!before || !after || !persistence) return damaged(path, 1);
  RunFigures figures;
  std::map<std::string, Sums> sums;
  const bool is_root = figure.pooling == Pooling::kRoot;
  for (row = reader.next(); row && *row; row = reader.next()) {
    if (reader.field_count() != columns.count()) return damaged(path, reader.line());
    const std::string name(reader.field(*client));
    const auto samples_of = number(reader.field(*samples));
    const auto first = number(reader.field(*before));
    const auto second = number(reader.field(*after));
    const auto reference = number(reader.field(*persistence));
    if (!samples_of || !first || !second || !reference) return damaged(path, reader.line());
    figures.has_names = !name.empty();
    Sums& unit = sums[name.empty() ? "task " + std::string(reader.field(*task)) : name];
    double weight = figure.pooling == Pooling::kByTasks ? 1 : *samples_of;
    if (figure.pooling == Pooling::kPersistence) weight *= *reference * *reference;
    unit.before.add(is_root ? *first * *first : *first, weight);
    unit.after.add(is_root ? *second * *second : *second, weight);
  }
  if (!row) return row.error();
  bool is_measured = false;
  for (const auto& [name, unit] : sums) {
    const UnitFigure value{unit.before.mean(), unit.after.mean()};
    figures.units[name] = is_root ? UnitFigure{std::sqrt(value.before), std::sqrt(value.after)} : value;
    is_measured = is_measured || !std::isnan(value.before);
  }
  if (!is_measured) {
    return make_error(Status::kInvalidArgument, path + ": '" + figure.name + "' was not measured in any task");
  }
  return figures;
}

}  // namespace skink::simulations
