#include "device_figures.hpp"

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <optional>

#include "skink/simulations/import/csv.hpp"

namespace skink::simulations {
namespace {

/// A squared error is averaged before its root is taken.
constexpr const char* kRootFigure = "root_mean_square_error";
/// A figure of a task, not of its samples.
bool is_of_task(const std::string& figure) { return figure == "auc" || figure == "partial_auc"; }

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

Result<RunFigures> read_figures(const std::string& path, const std::string& figure) {
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
  const auto before = columns.find(figure + "_before");
  const auto after = columns.find(figure + "_after");
  if (!before || !after) {
    return make_error(Status::kInvalidArgument, path + ": has no figure '" + figure + "'");
  }
  RunFigures figures;
  std::map<std::string, Sums> sums;
  const bool is_root = figure == kRootFigure;
  for (row = reader.next(); row && *row; row = reader.next()) {
    if (reader.field_count() != columns.count()) return damaged(path, reader.line());
    const std::string name(reader.field(*client));
    const auto weight = number(reader.field(*samples));
    const auto first = number(reader.field(*before));
    const auto second = number(reader.field(*after));
    if (!weight || !first || !second) return damaged(path, reader.line());
    figures.units_are_clients = !name.empty();
    Sums& unit = sums[name.empty() ? "task " + std::string(reader.field(*task)) : name];
    const double counts = is_of_task(figure) ? 1 : *weight;
    unit.before.add(is_root ? *first * *first : *first, counts);
    unit.after.add(is_root ? *second * *second : *second, counts);
  }
  if (!row) return row.error();
  bool is_measured = false;
  for (const auto& [name, unit] : sums) {
    const UnitFigure value{unit.before.mean(), unit.after.mean()};
    figures.units[name] = is_root ? UnitFigure{std::sqrt(value.before), std::sqrt(value.after)} : value;
    is_measured = is_measured || !std::isnan(value.before);
  }
  if (!is_measured) {
    return make_error(Status::kInvalidArgument, path + ": '" + figure + "' was not measured; name another --figure");
  }
  return figures;
}

}  // namespace skink::simulations
