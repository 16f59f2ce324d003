#include "skink/simulations/wire_totals.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <sstream>
#include <string_view>

#include "skink/host/files/files.hpp"

namespace skink::simulations {
namespace {

constexpr const char* kHeading =
    "rounds,device_rounds,encoded_bytes,up_bytes,down_bytes,query_loss_after,query_accuracy_after";

std::string column(const std::optional<double>& value) { return value ? fmt::format("{:.17g}", *value) : ""; }

/// Takes a number and the comma, or the end, behind it off the text. @returns false: there is none.
template <class Number>
bool take(std::string_view& text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const auto length = static_cast<std::size_t>(end - text.data());
  if (error != std::errc() || (length < text.size() && text[length] != ',')) return false;
  text.remove_prefix(std::min(length + 1, text.size()));
  return true;
}

bool take(std::string_view& text, std::optional<double>& value) {
  if (text.empty() || text.front() == ',') {
    text.remove_prefix(text.empty() ? 0 : 1);
    return true;
  }
  value = 0;
  return take(text, *value) && std::isfinite(*value);
}

bool read_row(std::string_view line, WireRow& row) {
  WireTotals& totals = row.totals;
  if (std::count(line.begin(), line.end(), ',') != 6) return false;
  return take(line, totals.rounds) && take(line, totals.device_rounds) && take(line, totals.encoded_bytes) &&
         take(line, totals.up_bytes) && take(line, totals.down_bytes) && take(line, row.loss_after) &&
         take(line, row.accuracy_after) && line.empty();
}

}  // namespace

std::string wire_path(const std::string& folder) { return folder + "/wire.csv"; }

std::string wire_csv(const std::vector<WireRow>& rows) {
  std::string text = std::string(kHeading) + "\n";
  for (const WireRow& row : rows) {
    const WireTotals& totals = row.totals;
    text += fmt::format("{},{},{},{},{},{},{}\n", totals.rounds, totals.device_rounds, totals.encoded_bytes,
                        totals.up_bytes, totals.down_bytes, column(row.loss_after), column(row.accuracy_after));
  }
  return text;
}

Result<std::vector<WireRow>> read_wire(const std::string& path) {
  const auto text = read_file(path);
  if (!text) return text.error();
  std::istringstream lines(*text);
  std::string line;
  std::vector<WireRow> rows;
  bool is_sound = std::getline(lines, line) && line == kHeading;
  while (is_sound && std::getline(lines, line)) {
    WireRow row;
    is_sound = read_row(line, row);
    rows.push_back(row);
  }
  if (!is_sound) return make_error(Status::kDamaged, path + ": is damaged; remove its folder to compute the run again");
  return rows;
}

}  // namespace skink::simulations
