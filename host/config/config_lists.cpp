/// @file
/// The getters of ConfigReader that give lists.

#include <algorithm>
#include <span>

#include "config_text.hpp"
#include "skink/host/config/config_reader.hpp"

namespace skink {

using internal::ConfigNode;
using internal::contains;
using internal::found_text;
using internal::is_number;
using internal::number_of;
using internal::number_text;
using internal::quoted;
using internal::range_text;
using Kind = ConfigNode::Kind;

namespace {

/// Of a list its entries, of a lone value that value.
std::span<const ConfigNode> entries_of(const ConfigNode& node) {
  return node.kind == Kind::kList ? std::span<const ConfigNode>(node.children) : std::span<const ConfigNode>(&node, 1);
}

}  // namespace

std::vector<std::int64_t> ConfigReader::integers(std::string_view key, IntegerRange count, IntegerRange range,
                                                 const std::optional<std::vector<std::int64_t>>& fallback) const {
  const std::string wanted = (count.max == 1 ? "" : "a list of " + range_text(count) + " ") +
                             std::string("whole numbers ") + range_text(range);
  std::vector<std::int64_t> failed =
      fallback.value_or(std::vector<std::int64_t>(static_cast<std::size_t>(count.min), range.min));
  const ConfigNode* node = ask(key, !fallback, wanted);
  if (node == nullptr) return failed;
  const std::span<const ConfigNode> entries = entries_of(*node);
  if (!contains(count, static_cast<std::int64_t>(entries.size()))) {
    wrong_type(key, *node, wanted);
    return failed;
  }
  std::vector<std::int64_t> values;
  for (const ConfigNode& entry : entries) {
    if (entry.kind != Kind::kInteger) {
      wrong_type(key, entry, wanted);
      return failed;
    }
    if (!contains(range, entry.integer)) {
      problem(key, std::to_string(entry.integer) + " is not allowed, use " + range_text(range));
      return failed;
    }
    values.push_back(entry.integer);
  }
  return values;
}

std::vector<float> ConfigReader::reals32(std::string_view key, IntegerRange count, RealRange range,
                                         const std::optional<std::vector<float>>& fallback) const {
  const std::string wanted = "a number, or a list of " + range_text(count) + " numbers, " + range_text(range);
  const std::vector<float> failed = fallback.value_or(std::vector<float>(static_cast<std::size_t>(count.min)));
  const ConfigNode* node = ask(key, !fallback, wanted);
  if (node == nullptr) return failed;
  const std::span<const ConfigNode> entries = entries_of(*node);
  if (!contains(count, static_cast<std::int64_t>(entries.size()))) {
    wrong_type(key, *node, wanted);
    return failed;
  }
  std::vector<float> values;
  for (const ConfigNode& entry : entries) {
    if (!is_number(entry)) {
      wrong_type(key, entry, wanted);
      return failed;
    }
    const double value = number_of(entry);
    const auto rounded = static_cast<float>(value);
    const bool is_spoilt = value != 0.0 && rounded == 0.0F;
    if (!contains(range, value)) {
      problem(key, found_text(entry) + " is not allowed, use " + range_text(range));
    } else if (is_spoilt) {
      problem(key, number_text(value) + " is too small for a 32-bit float");
    }
    values.push_back(rounded);
  }
  return values;
}

std::vector<std::string> ConfigReader::names(std::string_view key, IntegerRange count, std::size_t max_bytes) const {
  const std::string wanted = "a list of " + range_text(count) + " names or whole numbers";
  const ConfigNode* node = ask(key, false, wanted);
  std::vector<std::string> names;
  if (node == nullptr) return names;
  const std::span<const ConfigNode> entries = entries_of(*node);
  if (!contains(count, static_cast<std::int64_t>(entries.size()))) {
    wrong_type(key, *node, wanted);
    return names;
  }
  for (const ConfigNode& entry : entries) {
    const bool is_text = entry.kind == Kind::kText && !entry.text.empty() && entry.text.size() <= max_bytes;
    const bool is_whole = entry.kind == Kind::kInteger && entry.integer >= 0;
    if (!is_text && !is_whole) {
      wrong_type(key, entry, wanted);
      return names;
    }
    names.push_back(is_text ? entry.text : std::to_string(entry.integer));
    if (std::count(names.begin(), names.end(), names.back()) > 1)
      problem(key, quoted(names.back()) + " is there twice");
  }
  return names;
}

std::array<float, 2> ConfigReader::interval(std::string_view key, RealRange range,
                                            std::optional<std::array<float, 2>> fallback) const {
  const std::string wanted = "[low, high], two numbers " + range_text(range);
  const std::array<float, 2> failed = fallback.value_or(std::array<float, 2>{});
  const ConfigNode* node = ask(key, !fallback, wanted);
  if (node == nullptr) return failed;
  if (node->kind != Kind::kList || node->children.size() != 2 || !is_number(node->children[0]) ||
      !is_number(node->children[1])) {
    wrong_type(key, *node, wanted);
    return failed;
  }
  const double low = number_of(node->children[0]);
  const double high = number_of(node->children[1]);
  for (const double value : {low, high}) {
    if (contains(range, value)) continue;
    problem(key, number_text(value) + " is not allowed, use " + range_text(range));
    return failed;
  }
  if (low > high) problem(key, "low is above high, use [" + number_text(high) + ", " + number_text(low) + "]");
  return {static_cast<float>(low), static_cast<float>(high)};
}

}  // namespace skink
