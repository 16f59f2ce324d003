#include <fmt/format.h>

#include <cmath>

#include "skink/simulations/codecs.hpp"

namespace skink::simulations {
namespace {

/// 4,612; 1.3 of what is small.
std::string bytes_text(double bytes) {
  if (bytes < 100) return fmt::format("{:.1f}", bytes);
  std::string digits = fmt::format("{:.0f}", bytes);
  for (std::size_t place = digits.size(); place > 3;) digits.insert(place -= 3, 1, ',');
  return digits;
}

/// Three digits.
std::string megabytes_text(double bytes) {
  const double megabytes = bytes / 1e6;
  return fmt::format("{:.{}f}", megabytes, megabytes < 10 ? 2 : megabytes < 100 ? 1 : 0);
}

/// "-" where nothing was sent.
std::string times_text(double first, double here) {
  if (first <= 0 || here <= 0) return "-";
  const double times = first / here;
  return fmt::format("{:.{}f}", times, times < 100 ? 1 : 0);
}

std::string value_text(const std::optional<rounds::Spread>& found, bool classifies) {
  if (!found) return "-";
  const rounds::Spread& value = *found;
  const double factor = classifies ? 100 : 1;
  const int digits = classifies ? 2 : 4;
  if (std::isnan(value.half_width)) return fmt::format("{:.{}f}", factor * value.mean, digits);
  return fmt::format("{:.{}f} +- {:.{}f}", factor * value.mean, digits, factor * value.half_width, digits);
}

std::string instructions_text(const std::map<std::string, std::uint64_t>& instructions, const std::string& uplink) {
  const auto found = instructions.find(uplink);
  return found == instructions.end() ? "" : bytes_text(static_cast<double>(found->second));
}

std::string target_text(const CodecsResult& result) {
  if (!result.target) return "target";
  return result.classifies ? fmt::format("{:.1f} %", 100 * *result.target) : fmt::format("{:.4f}", *result.target);
}

/// What comes after "MB are those of all devices, ".
std::string until_text(const CodecsResult& result) {
  if (!result.target) return "until a target, which there is not: the first row has learned nothing";
  return fmt::format("up and down, until {} {} first", result.classifies ? "the accuracy is" : "the loss is",
                     target_text(result));
}

/// The columns of the target.
std::string reached_text(const CodecsResult& result, const CodecRow& row) {
  if (!result.target) return " - | - | - |";
  if (row.reached < row.seeds) return fmt::format(" by {} of {} seeds | | |", row.reached, row.seeds);
  return fmt::format(" {:.0f} | {} | {} |", row.rounds_to_target, megabytes_text(row.total_bytes_to_target),
                     times_text(result.rows.front().total_bytes_to_target, row.total_bytes_to_target));
}

}  // namespace

std::string codecs_table(const CodecsResult& result, const std::map<std::string, std::uint64_t>& encode_instructions) {
  const CodecRow& first = result.rows.front();
  const char* const measure = result.classifies ? "accuracy, %" : "loss";
  const std::string target = target_text(result);
  std::string text = fmt::format(
      "{}, {} {} each, {} rounds. Bytes of a device-round: the encoded change, then all of IP packets up and down, and "
      "how "
      "many times fewer\nthan in the first row; +- is half of a 95 % interval; MB are those of all devices, {}.\n\n",
      result.experiment, first.seeds, first.seeds == 1 ? "seed" : "seeds", first.curve.back().rounds,
      until_text(result));
  text += fmt::format(
      "| uplink | downlink | encoded | up | fewer | down | up and down, fewer | {} | rounds to {} | MB to it | fewer "
      "|{}\n",
      measure, target, encode_instructions.empty() ? "" : " encode, M4 |");
  text += fmt::format("|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|{}\n", encode_instructions.empty() ? "" : "--:|");
  for (const CodecRow& row : result.rows) {
    const double total = row.up_bytes + row.down_bytes;
    text += fmt::format("| {} | {} | {} | {} | {} | {} | {} | {} |", row.choice.uplink, row.choice.downlink,
                        bytes_text(row.encoded_bytes), bytes_text(row.up_bytes),
                        times_text(first.up_bytes, row.up_bytes), bytes_text(row.down_bytes),
                        times_text(first.up_bytes + first.down_bytes, total), value_text(row.value, result.classifies));
    text += reached_text(result, row);
    if (!encode_instructions.empty()) text += " " + instructions_text(encode_instructions, row.choice.uplink) + " |";
    text += "\n";
  }
  return text;
}

std::string codecs_csv(const CodecsResult& result, const std::map<std::string, std::uint64_t>& encode_instructions) {
  std::string text =
      "uplink,downlink,seeds,encoded_bytes,up_bytes,down_bytes,value,value_interval,target,reached,rounds_to_target,"
      "total_bytes_to_target,encode_instructions\n";
  for (const CodecRow& row : result.rows) {
    const bool has_interval = row.value && !std::isnan(row.value->half_width);
    text += fmt::format("{},{},{},{:.9g},{:.9g},{:.9g},{},{},{},{},", row.choice.uplink, row.choice.downlink, row.seeds,
                        row.encoded_bytes, row.up_bytes, row.down_bytes,
                        row.value ? fmt::format("{:.9g}", row.value->mean) : "",
                        has_interval ? fmt::format("{:.9g}", row.value->half_width) : "",
                        result.target ? fmt::format("{:.9g}", *result.target) : "", row.reached);
    text += row.reached > 0 ? fmt::format("{:.9g},{:.9g},", row.rounds_to_target, row.total_bytes_to_target) : ",,";
    const auto found = encode_instructions.find(row.choice.uplink);
    text += found == encode_instructions.end() ? "\n" : fmt::format("{}\n", found->second);
  }
  return text;
}

}  // namespace skink::simulations
