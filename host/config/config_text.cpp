#include "config_text.hpp"

#include <array>
#include <charconv>
#include <cmath>

namespace skink::internal {

using Kind = ConfigNode::Kind;

std::string quoted(std::string_view text) { return "\"" + std::string(text) + "\""; }

std::string number_text(double value) {
  std::array<char, 64> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  return {buffer.data(), end};
}

std::string range_text(IntegerRange range) {
  if (range.min == range.max) return std::to_string(range.min);
  return std::to_string(range.min) + ".." + std::to_string(range.max);
}

std::string range_text(RealRange range) {
  if (range.excludes_min) return "above " + number_text(range.min) + ", at most " + number_text(range.max);
  return number_text(range.min) + ".." + number_text(range.max);
}

std::string found_text(const ConfigNode& node) {
  switch (node.kind) {
    case Kind::kBoolean: return node.boolean ? "true" : "false";
    case Kind::kInteger: return std::to_string(node.integer);
    case Kind::kReal: return number_text(node.real);
    case Kind::kText: return "the text " + quoted(node.text);
    case Kind::kDate: return "a date or time";
    case Kind::kList: return "a list of " + std::to_string(node.children.size());
    case Kind::kTable: return "a table";
  }
  return "something else";
}

bool contains(IntegerRange range, std::int64_t value) { return value >= range.min && value <= range.max; }

bool contains(RealRange range, double value) {
  return std::isfinite(value) && (range.excludes_min ? value > range.min : value >= range.min) && value <= range.max;
}

bool is_number(const ConfigNode& node) { return node.kind == Kind::kInteger || node.kind == Kind::kReal; }

double number_of(const ConfigNode& node) {
  return node.kind == Kind::kInteger ? static_cast<double>(node.integer) : node.real;
}

}  // namespace skink::internal
