#include <fmt/format.h>

#include <boost/json.hpp>

#include "skink/simulations/airtime.hpp"

namespace skink::simulations {
namespace {

const char* way_text(AirMessage::Way way) {
  switch (way) {
    case AirMessage::Way::kUp: return "up";
    case AirMessage::Way::kDown: return "down";
    case AirMessage::Way::kBoth: return "both";
  }
  return "";
}

/// "61.7 ms", "2.79 s", "4.65 min", "7.75 h", "3.2 days": three digits or more.
std::string time_text(double seconds) {
  constexpr double kMinute = 60;
  constexpr double kHour = 3600;
  constexpr double kDay = 86400;
  if (seconds < 1) return fmt::format("{:.1f} ms", 1000 * seconds);
  if (seconds < 2 * kMinute) return fmt::format("{:.2f} s", seconds);
  if (seconds < 2 * kHour) return fmt::format("{:.1f} min", seconds / kMinute);
  if (seconds < 2 * kDay) return fmt::format("{:.1f} h", seconds / kHour);
  return fmt::format("{:.1f} days", seconds / kDay);
}

double seconds(AirTime time) { return std::chrono::duration<double>(time).count(); }

/// One block: what `cell` says of each row and link.
template <class Cell>
void add_block(const AirTable& table, const std::string& title, std::string& text, Cell cell) {
  text += fmt::format("{:<24} {:>5} {:>9} {:>10}", title, "way", "messages", "bytes");
  for (const AirLink& link : table.links) text += fmt::format(" {:>11}", link.name);
  text += "\n";
  for (const AirTable::Row& row : table.rows) {
    text += fmt::format("{:<24} {:>5} {:>9} {:>10}", row.name, way_text(row.way), row.messages, row.bytes);
    for (std::size_t l = 0; l < table.links.size(); ++l) {
      text += fmt::format(" {:>11}", cell(row.costs[l], table.links[l]));
    }
    text += "\n";
  }
}

bool has_duty_cycle(const AirTable& table) { return !table.links.empty() && table.links.front().duty_cycle < 1; }

}  // namespace

std::string to_text(const AirTable& table) {
  std::string text;
  const AirKind kind = table.links.empty() ? AirKind::kPlain : table.links.front().kind;
  if (kind == AirKind::kRate) {
    add_block(table, "with MQTT, TLS, TCP/IP", text,
              [](const AirCost& cost, const AirLink& /*link*/) { return std::to_string(cost.bytes); });
    text += "\n";
  }
  if (kind != AirKind::kPlain) {
    add_block(table, kind == AirKind::kRate ? "packets" : "frames", text,
              [](const AirCost& cost, const AirLink& /*link*/) { return std::to_string(cost.frames); });
    text += "\n";
  }
  add_block(table, "time on air", text,
            [](const AirCost& cost, const AirLink& /*link*/) { return time_text(seconds(cost.air)); });
  if (!has_duty_cycle(table)) return text;
  text += "\n";
  add_block(
      table, fmt::format("duty cycle {:g} %", 100 * table.links.front().duty_cycle), text,
      [](const AirCost& cost, const AirLink& link) { return time_text(cost.seconds_with_silence(link.duty_cycle)); });
  return text;
}

std::string to_csv(const AirTable& table) {
  std::string text = "link,message,way,messages,bytes,link_bytes,frames,air_seconds,seconds_with_silence\n";
  for (std::size_t l = 0; l < table.links.size(); ++l) {
    const AirLink& link = table.links[l];
    for (const AirTable::Row& row : table.rows) {
      const AirCost& cost = row.costs[l];
      text += fmt::format("{},\"{}\",{},{},{},{},{},{:.6f},{:.6f}\n", link.name, row.name, way_text(row.way),
                          row.messages, row.bytes, cost.bytes, cost.frames, seconds(cost.air),
                          cost.seconds_with_silence(link.duty_cycle));
    }
  }
  return text;
}

std::string to_json(const AirTable& table) {
  boost::json::array rows;
  for (std::size_t l = 0; l < table.links.size(); ++l) {
    const AirLink& link = table.links[l];
    for (const AirTable::Row& row : table.rows) {
      const AirCost& cost = row.costs[l];
      rows.push_back(boost::json::object{{"link", link.name},
                                         {"message", row.name},
                                         {"way", way_text(row.way)},
                                         {"messages", row.messages},
                                         {"bytes", row.bytes},
                                         {"link_bytes", cost.bytes},
                                         {"frames", cost.frames},
                                         {"air_seconds", seconds(cost.air)},
                                         {"seconds_with_silence", cost.seconds_with_silence(link.duty_cycle)}});
    }
  }
  boost::json::object all{{"rows", std::move(rows)}};
  if (!table.what.empty()) all["experiment"] = table.what;
  if (!table.links.empty()) all["duty_cycle"] = table.links.front().duty_cycle;
  return boost::json::serialize(all) + "\n";
}

}  // namespace skink::simulations
