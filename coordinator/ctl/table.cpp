#include "table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "skink/host/program/printable.hpp"

namespace skink::ctl {
namespace {

const boost::json::value* find(const boost::json::object& row, std::string_view field) {
  const std::size_t dot = field.find('.');
  const boost::json::value* value = row.if_contains(field.substr(0, dot));
  if (value == nullptr || dot == std::string_view::npos) return value;
  return value->is_object() ? find(value->get_object(), field.substr(dot + 1)) : nullptr;
}

/// Of a UTF-8 text, as most terminals show it.
std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; }));
}

std::string padded(const std::string& text, std::size_t width, bool to_the_right) {
  const std::string blanks(width - std::min(width, width_of(text)), ' ');
  return to_the_right ? blanks + text : text + blanks;
}

void print_line(std::string line) {
  while (!line.empty() && line.back() == ' ') line.pop_back();
  std::printf("%s\n", line.c_str());
}

using Line = std::pair<std::string, std::string>;

void add_fields(const boost::json::object& object, const std::string& before, std::vector<Line>& lines) {
  for (const auto& [key, value] : object) {
    const std::string name = before + printable(key);
    if (value.is_object() && !value.get_object().empty()) {
      add_fields(value.get_object(), name + " ", lines);
    } else {
      lines.emplace_back(name, text_of(value));
    }
  }
}

}  // namespace

std::string text_of(const boost::json::value& value) {
  std::string text;
  if (value.is_null()) return "-";
  if (value.is_bool()) return value.get_bool() ? "yes" : "no";
  if (value.is_double()) return fmt::format("{:.6g}", value.get_double());
  if (value.is_object() && value.get_object().empty()) return "-";
  text = value.is_string() ? printable(value.get_string()) : printable(boost::json::serialize(value));
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

std::string text_of(const boost::json::object& row, std::string_view field) {
  const boost::json::value* value = find(row, field);
  return value == nullptr ? "-" : text_of(*value);
}

std::uint64_t number_of(const boost::json::object& row, std::string_view field) {
  const boost::json::value* value = find(row, field);
  boost::system::error_code code;
  const auto number = value == nullptr ? 0 : value->to_number<std::uint64_t>(code);
  return code ? 0 : number;
}

void print_table(const std::vector<Column>& columns, const boost::json::array& rows) {
  std::vector<std::string> lines(rows.size() + 1);
  for (const Column& column : columns) {
    std::vector<std::string> cells{column.heading};
    bool to_the_right = false;
    for (const auto& row : rows) {
      const boost::json::value* value = row.is_object() ? find(row.get_object(), column.field) : nullptr;
      to_the_right = to_the_right || (value != nullptr && value->is_number());
      cells.push_back(value == nullptr ? "-" : text_of(*value));
    }
    std::size_t width = 0;
    for (const std::string& cell : cells) width = std::max(width, width_of(cell));
    for (std::size_t i = 0; i < cells.size(); ++i) lines[i] += padded(cells[i], width, to_the_right) + "  ";
  }
  for (std::string& line : lines) print_line(std::move(line));
}

void print_fields(const boost::json::object& object) {
  std::vector<Line> lines;
  add_fields(object, "", lines);
  std::size_t width = 0;
  for (const Line& line : lines) width = std::max(width, width_of(line.first));
  for (const Line& line : lines) print_line(padded(line.first, width, false) + "  " + line.second);
}

}  // namespace skink::ctl
