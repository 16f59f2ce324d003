#include "skink/simulations/wire_totals.hpp"

#include <fmt/format.h>

#include <cinttypes>
#include <cstdio>
#include <sstream>

#include "skink/host/files/files.hpp"

namespace skink::simulations {
namespace {

constexpr const char* kHeading =
    "rounds,device_rounds,encoded_bytes,up_bytes,down_bytes,query_loss_after,query_accuracy_after";

}  // namespace

std::string wire_path(const std::string& folder) { return folder + "/wire.csv"; }

std::string wire_csv(const std::vector<WireRow>& rows) {
  std::string text = std::string(kHeading) + "\n";
  for (const WireRow& row : rows) {
    const WireTotals& totals = row.totals;
    text += fmt::format("{},{},{},{},{},{:.17g},{:.17g}\n", totals.rounds, totals.device_rounds, totals.encoded_bytes,
                        totals.up_bytes, totals.down_bytes, row.loss_after, row.accuracy_after);
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
    WireTotals& totals = row.totals;
    int end = 0;
    is_sound = std::sscanf(line.c_str(), "%" SCNu32 ",%" SCNu64 ",%" SCNu64 ",%" SCNu64 ",%" SCNu64 ",%lf,%lf%n",
                           &totals.rounds, &totals.device_rounds, &totals.encoded_bytes, &totals.up_bytes,
                           &totals.down_bytes, &row.loss_after, &row.accuracy_after, &end) == 7 &&
               static_cast<std::size_t>(end) == line.size();
    rows.push_back(row);
  }
  if (!is_sound) return make_error(Status::kDamaged, path + ": is damaged; remove its folder to compute the run again");
  return rows;
}

}  // namespace skink::simulations
