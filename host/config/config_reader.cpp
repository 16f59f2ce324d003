#include "skink/host/config/config_reader.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "config_tree.hpp"
#include "skink/common/wire/topics.hpp"

namespace skink {

using internal::ConfigNode;
using internal::ConfigState;
using Kind = ConfigNode::Kind;

namespace {

constexpr std::size_t kMaxWordBytes = 64;

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

}  // namespace

ConfigReader::ConfigReader(ConfigState* state, ConfigNode* node, std::string section, std::string prefix)
    : state_(state), node_(node), section_(std::move(section)), prefix_(std::move(prefix)) {
  if (node_ != nullptr) node_->opened = true;
}

std::string ConfigReader::label(std::string_view key) const {
  return internal::path_label(section_, prefix_ + std::string(key));
}

void ConfigReader::mute() const {
  if (node_ != nullptr) node_->muted = true;
}

bool ConfigReader::has(std::string_view key) const { return node_ != nullptr && node_->find(key) != nullptr; }

void ConfigReader::problem(std::string_view key, const std::string& sentence) const {
  if (node_ == nullptr || node_->muted) return;
  const ConfigNode* where = key.empty() ? nullptr : node_->find(key);
  state_->note(where != nullptr ? *where : *node_, label(key), sentence);
}

void ConfigReader::forbid(std::string_view key, const std::string& sentence) const {
  if (!has(key)) return;
  node_->find(key)->asked = true;
  problem(key, sentence);
}

ConfigNode* ConfigReader::ask(std::string_view key, bool demanded, const std::string& wanted) const {
  if (node_ == nullptr) return nullptr;
  if (std::find(node_->allowed.begin(), node_->allowed.end(), key) == node_->allowed.end()) {
    node_->allowed.emplace_back(key);
  }
  ConfigNode* child = node_->find(key);
  if (child != nullptr) child->asked = true;
  if (child == nullptr && demanded) problem(key, "missing, wanted " + wanted);
  return child;
}

void ConfigReader::wrong_type(std::string_view key, const ConfigNode& node, const std::string& wanted) const {
  problem(key, "wanted " + wanted + ", found " + found_text(node));
}

ConfigReader ConfigReader::table(std::string_view key, Presence presence) const {
  const bool is_section = prefix_.empty();
  const std::string name(key);
  std::string section = is_section ? section_ + (section_.empty() ? "" : ".") + name : section_;
  std::string prefix = is_section ? "" : prefix_ + name + ".";
  const std::string name_of_table = internal::path_label(section, prefix);
  ConfigNode* child = ask(key, false, "");
  if (child != nullptr && child->kind != Kind::kTable) {
    state_->note(*child, name_of_table, "wanted a table, found " + found_text(*child));
    child = nullptr;
  } else if (child == nullptr && node_ != nullptr && presence == Presence::kRequired) {
    state_->note(*node_, name_of_table, "missing, wanted a table");
  } else if (child == nullptr && node_ != nullptr) {
    child = &state_->absent.emplace_back();
    child->origin = node_->origin;
    child->line = node_->line;
  }
  return {state_, child, std::move(section), std::move(prefix)};
}

std::vector<ConfigReader> ConfigReader::tables(std::string_view key, IntegerRange count) const {
  const std::string wanted = "a list of " + range_text(count) + " tables";
  std::vector<ConfigReader> readers;
  ConfigNode* list = ask(key, true, wanted);
  if (list == nullptr) return readers;
  if (list->kind != Kind::kList) {
    wrong_type(key, *list, wanted);
    return readers;
  }
  if (!contains(count, static_cast<std::int64_t>(list->children.size()))) wrong_type(key, *list, wanted);
  for (std::size_t i = 0; i < list->children.size(); ++i) {
    ConfigNode& entry = list->children[i];
    std::string prefix = prefix_ + std::string(key) + "." + std::to_string(i);
    const bool is_table = entry.kind == Kind::kTable;
    if (!is_table)
      state_->note(entry, internal::path_label(section_, prefix), "wanted a table, found " + found_text(entry));
    readers.push_back({state_, is_table ? &entry : nullptr, section_, prefix + "."});
  }
  return readers;
}

std::int64_t ConfigReader::integer(std::string_view key, IntegerRange range,
                                   std::optional<std::int64_t> fallback) const {
  const std::string wanted = "a whole number " + range_text(range);
  const ConfigNode* node = ask(key, !fallback, wanted);
  if (node == nullptr) return fallback.value_or(range.min);
  if (node->kind != Kind::kInteger) {
    wrong_type(key, *node, wanted);
  } else if (!contains(range, node->integer)) {
    problem(key, std::to_string(node->integer) + " is not allowed, use " + range_text(range));
  } else {
    return node->integer;
  }
  return fallback.value_or(range.min);
}

std::uint32_t ConfigReader::count(std::string_view key, IntegerRange range,
                                  std::optional<std::uint32_t> fallback) const {
  const std::optional<std::int64_t> wide = fallback ? std::optional<std::int64_t>(*fallback) : std::nullopt;
  return static_cast<std::uint32_t>(integer(key, range, wide));
}

double ConfigReader::real(std::string_view key, RealRange range, std::optional<double> fallback) const {
  const std::string wanted = "a number " + range_text(range);
  const ConfigNode* node = ask(key, !fallback, wanted);
  if (node == nullptr) return fallback.value_or(range.min);
  if (!is_number(*node)) {
    wrong_type(key, *node, wanted);
  } else if (!contains(range, number_of(*node))) {
    problem(key,
            found_text(*node) + " is not allowed, use " + (range.excludes_min ? "a number " : "") + range_text(range));
  } else {
    return number_of(*node);
  }
  return fallback.value_or(range.min);
}

float ConfigReader::real32(std::string_view key, RealRange range, std::optional<float> fallback) const {
  const std::optional<double> wide = fallback ? std::optional<double>(*fallback) : std::nullopt;
  const double value = real(key, range, wide);
  const auto rounded = static_cast<float>(value);
  // Only a written value can be spoilt by rounding: 1e-60 becomes 0.
  const bool is_spoilt = value != 0.0 && rounded == 0.0F;
  if (is_spoilt) problem(key, number_text(value) + " is too small for a 32-bit float");
  return rounded;
}

bool ConfigReader::boolean(std::string_view key, std::optional<bool> fallback) const {
  const std::string wanted = "true or false";
  const ConfigNode* node = ask(key, !fallback, wanted);
  if (node != nullptr && node->kind == Kind::kBoolean) return node->boolean;
  if (node != nullptr) wrong_type(key, *node, wanted);
  return fallback.value_or(false);
}

std::string ConfigReader::text(std::string_view key, std::size_t max_bytes,
                               const std::optional<std::string>& fallback) const {
  const std::string wanted = "a text of 1.." + std::to_string(max_bytes) + " bytes";
  const ConfigNode* node = ask(key, !fallback, wanted);
  if (node == nullptr) return fallback.value_or("");
  if (node->kind != Kind::kText) {
    wrong_type(key, *node, wanted);
  } else if (node->text.empty() || node->text.size() > max_bytes) {
    problem(key, "wanted " + wanted + ", found one of " + std::to_string(node->text.size()));
  } else {
    return node->text;
  }
  return fallback.value_or("");
}

std::string ConfigReader::word(std::string_view key, std::string_view extra,
                               const std::optional<std::string>& fallback) const {
  std::string wanted = "a text of 1.." + std::to_string(kMaxWordBytes) + " characters a-z, 0-9";
  for (const char c : extra) wanted += std::string(", ") + c;
  const ConfigNode* node = ask(key, !fallback, wanted);
  if (node == nullptr) return fallback.value_or("");
  const auto is_allowed = [extra](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || extra.find(c) != std::string_view::npos;
  };
  if (node->kind != Kind::kText) {
    wrong_type(key, *node, wanted);
  } else if (node->text.empty() || node->text.size() > kMaxWordBytes ||
             !std::all_of(node->text.begin(), node->text.end(), is_allowed)) {
    problem(key, quoted(node->text) + " is not allowed, use " + wanted);
  } else {
    return node->text;
  }
  return fallback.value_or("");
}

std::string ConfigReader::id(std::string_view key) const {
  const std::string wanted = "a text of " + std::string(wire::kIdRule);
  const ConfigNode* node = ask(key, true, wanted);
  if (node == nullptr) return {};
  if (node->kind != Kind::kText) {
    wrong_type(key, *node, wanted);
  } else if (!wire::is_valid_id({node->text.data(), node->text.size()})) {
    problem(key, quoted(node->text) + " is not allowed, use " + wanted);
  } else {
    return node->text;
  }
  return {};
}

std::vector<std::int64_t> ConfigReader::integers(std::string_view key, IntegerRange count, IntegerRange range,
                                                 const std::optional<std::vector<std::int64_t>>& fallback) const {
  const std::string wanted = (count.max == 1 ? "" : "a list of " + range_text(count) + " ") +
                             std::string("whole numbers ") + range_text(range);
  std::vector<std::int64_t> failed =
      fallback.value_or(std::vector<std::int64_t>(static_cast<std::size_t>(count.min), range.min));
  const ConfigNode* node = ask(key, !fallback, wanted);
  if (node == nullptr) return failed;
  const std::span<const ConfigNode> entries =
      node->kind == Kind::kList ? std::span<const ConfigNode>(node->children) : std::span<const ConfigNode>(node, 1);
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

std::optional<std::size_t> ConfigReader::choice_index(std::string_view key, std::span<const std::string_view> texts,
                                                      bool has_fallback) const {
  std::string allowed;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const char* separator = i == 0 ? "" : (i + 1 == texts.size() ? " or " : ", ");
    allowed += separator + quoted(texts[i]);
  }
  const ConfigNode* node = ask(key, !has_fallback, allowed);
  if (node == nullptr) return std::nullopt;
  if (node->kind != Kind::kText) {
    wrong_type(key, *node, allowed);
    return std::nullopt;
  }
  const auto found = std::find(texts.begin(), texts.end(), node->text);
  if (found != texts.end()) return static_cast<std::size_t>(found - texts.begin());
  problem(key, quoted(node->text) + " is not allowed, use " + allowed);
  return std::nullopt;
}

}  // namespace skink
