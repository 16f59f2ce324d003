#include "checkpoint.hpp"

#include <unistd.h>

#include <boost/json.hpp>
#include <cmath>
#include <limits>

#include "skink/coordinator/results/figures.hpp"
#include "skink/host/files/files.hpp"
#include "skink/host/files/float_bytes.hpp"

namespace skink::simulations {
namespace {

namespace json = boost::json;

constexpr int kVersion = 8;

std::string hex_of(const std::vector<std::uint8_t>& bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(2 * bytes.size());
  for (const std::uint8_t byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

/// @throws std::invalid_argument
std::uint8_t value_of(char digit) {
  if (digit >= '0' && digit <= '9') return static_cast<std::uint8_t>(digit - '0');
  if (digit >= 'a' && digit <= 'f') return static_cast<std::uint8_t>(digit - 'a' + 10);
  throw std::invalid_argument("not a hexadecimal digit");
}

std::vector<std::uint8_t> bytes_of_hex(const json::string& text) {
  if (text.size() % 2 != 0) throw std::invalid_argument("an odd number of hexadecimal digits");
  std::vector<std::uint8_t> bytes(text.size() / 2);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<std::uint8_t>(value_of(text[2 * i]) << 4 | value_of(text[2 * i + 1]));
  }
  return bytes;
}

json::array rows_of(const std::vector<rounds::RoundHistory::Stretch>& stretches) {
  json::array rows;
  for (const auto& [record, count] : stretches) {
    json::array row{count, record.updates, record.diverged, record.refused, record.total_weight};
    if (!record.model_sha256.empty()) row.emplace_back(record.model_sha256);
    rows.emplace_back(std::move(row));
  }
  return rows;
}

/// @param[in,out] left  rounds that the experiment has beyond those before
rounds::RoundHistory::Stretch stretch_from(const json::array& row, std::size_t& left) {
  rounds::RoundHistory::Stretch stretch;
  const auto count = row.at(0).to_number<std::size_t>();
  if (count == 0 || count > left) throw std::invalid_argument("more rounds than the experiment has");
  left -= count;
  stretch.count = static_cast<std::uint32_t>(count);
  stretch.first.updates = row.at(1).to_number<std::uint32_t>();
  stretch.first.diverged = row.at(2).to_number<std::uint32_t>();
  stretch.first.refused = row.at(3).to_number<std::uint32_t>();
  stretch.first.total_weight = row.at(4).to_number<std::uint32_t>();
  if (row.size() > 5) stretch.first.model_sha256 = std::string(row.at(5).as_string());
  return stretch;
}

/// Figures as a list of numbers; null: not measured.
json::array to_json(const rounds::EvaluationFigures& figures) {
  json::array row{figures.unit == rounds::Unit::kClient, figures.units, figures.diverged_samples.value_or(0)};
  const auto add = [&row](const rounds::Spread& spread) {
    for (const double number : {spread.mean, spread.half_width}) {
      row.push_back(std::isfinite(number) ? json::value(number) : json::value(nullptr));
    }
  };
  for (const coordinator::Measure& measure : coordinator::measures()) {
    add((figures.*measure.figure).before);
    add((figures.*measure.figure).after);
  }
  add(figures.persistence);
  return row;
}

rounds::EvaluationFigures figures_from(const json::array& row) {
  rounds::EvaluationFigures figures;
  figures.unit = row.at(0).as_bool() ? rounds::Unit::kClient : rounds::Unit::kTask;
  figures.units = row.at(1).to_number<std::uint32_t>();
  figures.diverged_samples = row.at(2).to_number<std::uint64_t>();
  std::size_t next = 3;
  const auto number = [&row, &next] {
    const json::value& value = row.at(next++);
    return value.is_null() ? std::numeric_limits<double>::quiet_NaN() : value.to_number<double>();
  };
  const auto read = [&number](rounds::Spread& spread) {
    spread.mean = number();
    spread.half_width = number();
  };
  for (const coordinator::Measure& measure : coordinator::measures()) {
    read((figures.*measure.figure).before);
    read((figures.*measure.figure).after);
  }
  read(figures.persistence);
  return figures;
}

json::array to_json(const rounds::EvaluationRecord& record) {
  const wire::Evaluation& total = record.total;
  return {
      record.rounds,          record.devices,    total.tasks,      total.query_samples,  total.correct_before,
      total.correct_after,    total.loss_before, total.loss_after, total.diverged_tasks, record.traffic.device_rounds,
      to_json(record.figures)};
}

rounds::EvaluationRecord evaluation_from(const json::array& row) {
  rounds::EvaluationRecord record;
  record.rounds = row.at(0).to_number<std::uint32_t>();
  record.devices = row.at(1).to_number<std::uint32_t>();
  record.total.tasks = row.at(2).to_number<std::uint64_t>();
  record.total.query_samples = row.at(3).to_number<std::uint64_t>();
  record.total.correct_before = row.at(4).to_number<std::uint64_t>();
  record.total.correct_after = row.at(5).to_number<std::uint64_t>();
  record.total.loss_before = row.at(6).to_number<std::uint64_t>();
  record.total.loss_after = row.at(7).to_number<std::uint64_t>();
  record.total.diverged_tasks = row.at(8).to_number<std::uint64_t>();
  record.traffic.device_rounds = row.at(9).to_number<std::uint64_t>();
  record.figures = figures_from(row.at(10).as_array());
  return record;
}

json::array to_json(const WireTotals& totals) {
  return {totals.rounds, totals.device_rounds, totals.encoded_bytes, totals.up_bytes, totals.down_bytes};
}

WireTotals totals_from(const json::array& row) {
  return {row.at(0).to_number<std::uint32_t>(), row.at(1).to_number<std::uint64_t>(),
          row.at(2).to_number<std::uint64_t>(), row.at(3).to_number<std::uint64_t>(),
          row.at(4).to_number<std::uint64_t>()};
}

std::vector<std::uint32_t> counts_from(const json::value& array) {
  std::vector<std::uint32_t> counts;
  for (const json::value& count : array.as_array()) counts.push_back(count.to_number<std::uint32_t>());
  return counts;
}

Checkpoint parse(const std::string& text, std::size_t most_rounds) {
  const json::object object = json::parse(text).as_object();
  if (object.at("version").to_number<int>() != kVersion) throw std::invalid_argument("another version");
  Checkpoint checkpoint;
  checkpoint.experiment = std::string(object.at("experiment").as_string());
  checkpoint.dataset = std::string(object.at("dataset").as_string());
  for (const json::value& row : object.at("rounds").as_array()) {
    checkpoint.rounds.push_back(stretch_from(row.as_array(), most_rounds));
  }
  for (const json::value& row : object.at("evaluations").as_array()) {
    checkpoint.evaluations.push_back(evaluation_from(row.as_array()));
  }
  checkpoint.wall_seconds = object.at("wall_seconds").to_number<double>();
  checkpoint.model = bytes_of_hex(object.at("model").as_string());
  for (const json::value& row : object.at("residuals").as_array()) {
    checkpoint.residuals.emplace_back(row.as_array().at(0).to_number<std::uint32_t>(),
                                      floats_of(bytes_of_hex(row.as_array().at(1).as_string())));
  }
  checkpoint.downlink_residual = floats_of(bytes_of_hex(object.at("downlink_residual").as_string()));
  checkpoint.strategy_state = bytes_of_hex(object.at("strategy_state").as_string());
  const json::object& wire = object.at("wire").as_object();
  for (const json::value& row : wire.at("rows").as_array()) {
    checkpoint.wire_rows.push_back(totals_from(row.as_array()));
  }
  checkpoint.wire.totals = totals_from(wire.at("totals").as_array());
  checkpoint.wire.models = counts_from(wire.at("models"));
  checkpoint.wire.patches = counts_from(wire.at("patches"));
  return checkpoint;
}

/// Of the line that holds all the rest: a digit that changed on the disk would give another model.
std::string hash_of(const std::string& text) {
  char hex[2 * crypto::kDigestBytes + 1];
  crypto::to_hex(crypto::sha256(bytes_of(text)), hex);
  return hex;
}

Error no_checkpoint(const std::string& path, const std::string& why) {
  return make_error(Status::kDamaged,
                    path + ": is no checkpoint (" + why + "); remove it to begin from round 0, or give --restart");
}

}  // namespace

std::string checkpoint_path(const std::string& folder) { return folder + "/checkpoint.json"; }

Result<void> write_checkpoint(const std::string& path, const Checkpoint& checkpoint) {
  json::array evaluations;
  for (const auto& record : checkpoint.evaluations) evaluations.emplace_back(to_json(record));
  json::array residuals;
  for (const auto& [device, numbers] : checkpoint.residuals) {
    residuals.emplace_back(json::array{device, hex_of(float_bytes(numbers))});
  }
  json::array wire_rows;
  for (const WireTotals& row : checkpoint.wire_rows) wire_rows.emplace_back(to_json(row));
  json::object wire{{"rows", std::move(wire_rows)},
                    {"totals", to_json(checkpoint.wire.totals)},
                    {"models", json::array(checkpoint.wire.models.begin(), checkpoint.wire.models.end())},
                    {"patches", json::array(checkpoint.wire.patches.begin(), checkpoint.wire.patches.end())}};
  const json::object object{{"version", kVersion},
                            {"experiment", checkpoint.experiment},
                            {"dataset", checkpoint.dataset},
                            {"wall_seconds", checkpoint.wall_seconds},
                            {"rounds", rows_of(checkpoint.rounds)},
                            {"evaluations", std::move(evaluations)},
                            {"model", hex_of(checkpoint.model)},
                            {"residuals", std::move(residuals)},
                            {"downlink_residual", hex_of(float_bytes(checkpoint.downlink_residual))},
                            {"strategy_state", hex_of(checkpoint.strategy_state)},
                            {"wire", std::move(wire)}};
  const std::string text = json::serialize(object) + "\n";
  return write_file(path, text + hash_of(text) + "\n");
}

Result<std::optional<std::string>> read_checkpoint_text(const std::string& path) {
  if (::access(path.c_str(), F_OK) != 0) return std::optional<std::string>();
  auto text = read_file(path);
  if (!text) return text.error();
  const std::size_t end = text->find('\n') + 1;  // 0: there is none
  if (text->substr(end) != hash_of(text->substr(0, end)) + "\n") return no_checkpoint(path, "its hash is another");
  text->resize(end);
  return std::optional<std::string>(std::move(*text));
}

Result<std::optional<std::string>> take_over(Peers& peers, const Result<std::optional<std::string>>& found) {
  enum Kind : std::uint8_t { kNone, kText, kError };
  std::vector<std::uint8_t> bytes{kNone};
  const auto put = [&bytes](Kind kind, const std::string& text) {
    bytes.front() = kind;
    bytes.insert(bytes.end(), text.begin(), text.end());
  };
  if (!found) {
    put(kError, found.error().message);
  } else if (*found) {
    put(kText, **found);
  }
  peers.take_over(bytes);
  if (bytes.empty() || bytes.front() == kNone) return std::optional<std::string>();
  std::string text(bytes.begin() + 1, bytes.end());
  if (bytes.front() == kError) return make_error(Status::kDamaged, text);
  return std::optional<std::string>(std::move(text));
}

Result<Checkpoint> parse_checkpoint(const std::string& text, const std::string& path, std::uint32_t most_rounds) {
  try {
    return parse(text, most_rounds);
  } catch (const std::exception& error) {
    return no_checkpoint(path, error.what());
  }
}

}  // namespace skink::simulations
