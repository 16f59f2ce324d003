#include "skink/host/config/config_reader.hpp"

#include <algorithm>
#include <utility>

#include "config_text.hpp"
#include "skink/common/wire/topics.hpp"

namespace skink {

using internal::ConfigNode;
using internal::ConfigState;
using internal::contains;
using internal::found_text;
using internal::is_number;
using internal::number_of;
using internal::number_text;
using internal::quoted;
using internal::range_text;
using Kind = ConfigNode::Kind;

namespace {

constexpr std::size_t kMaxWordBytes = 64;

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

WrittenAs ConfigReader::written_as(std::string_view key) const {
  if (!has(key)) return WrittenAs::kNothing;
  switch (node_->find(key)->kind) {
    case Kind::kInteger: return WrittenAs::kInteger;
    case Kind::kReal: return WrittenAs::kReal;
    case Kind::kText: return WrittenAs::kText;
    case Kind::kList: return WrittenAs::kList;
    default: return WrittenAs::kOther;
  }
}

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
