#include "config_tree.hpp"

#include <toml++/toml.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

namespace skink::internal {
namespace {

using Kind = ConfigNode::Kind;

/// Where nodes come from: a file with lines, or one override.
struct Origin {
  std::string name;
  bool has_lines = true;
};

ConfigNode convert(const toml::node& node, const Origin& origin) {
  ConfigNode result;
  result.line = origin.has_lines ? static_cast<std::uint32_t>(node.source().begin.line) : 0;
  result.origin = origin.has_lines ? origin.name + ":" + std::to_string(result.line) : origin.name;
  if (const auto* table = node.as_table()) {
    result.kind = Kind::kTable;
    for (const auto& [key, value] : *table) {
      result.children.push_back(convert(value, origin));
      result.children.back().key = key.str();
    }
  } else if (const auto* array = node.as_array()) {
    result.kind = Kind::kList;
    for (const auto& value : *array) result.children.push_back(convert(value, origin));
  } else if (const auto* text = node.as_string()) {
    result.kind = Kind::kText;
    result.text = text->get();
  } else if (const auto* integer = node.as_integer()) {
    result.kind = Kind::kInteger;
    result.integer = integer->get();
  } else if (const auto* real = node.as_floating_point()) {
    result.kind = Kind::kReal;
    result.real = real->get();
  } else if (const auto* boolean = node.as_boolean()) {
    result.kind = Kind::kBoolean;
    result.boolean = boolean->get();
  } else {
    result.kind = Kind::kDate;
  }
  return result;
}

/// The one place where exceptions of the parser are caught.
Result<ConfigNode> parse(std::string_view text, const Origin& origin) {
  try {
    return convert(toml::parse(text, std::string_view(origin.name)), origin);
  } catch (const toml::parse_error& error) {
    const std::string line = origin.has_lines ? ":" + std::to_string(error.source().begin.line) : "";
    return make_error(Status::kInvalidArgument,
                      origin.name + line + ": this is not TOML: " + std::string(error.description()));
  }
}

/// A value as TOML would read it; whatever is not TOML is a text, so that nobody must quote twice in a shell.
ConfigNode parse_override_value(const Override& change, const Origin& origin) {
  Result<ConfigNode> parsed = parse("value = " + change.value, origin);
  if (parsed && parsed->children.size() == 1) return std::move(parsed->children.front());
  ConfigNode text;
  text.kind = Kind::kText;
  text.text = change.value;
  text.origin = origin.name;
  return text;
}

std::optional<std::size_t> list_index(std::string_view segment) {
  std::size_t index = 0;
  const char* end = segment.data() + segment.size();
  const auto parsed = std::from_chars(segment.data(), end, index);
  if (segment.empty() || parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return index;
}

Error override_error(const Origin& origin, const std::string& sentence) {
  return make_error(Status::kInvalidArgument, origin.name + ": " + sentence);
}

/// The child that `segment` names; tables grow a new one, lists do not. `path` is what was followed so far.
Result<ConfigNode*> descend(ConfigNode& node, std::string_view segment, const std::string& path, const Origin& origin) {
  if (segment.empty()) return override_error(origin, "the key has an empty part; write --set section.key=value");
  if (node.kind == Kind::kList) {
    const std::optional<std::size_t> index = list_index(segment);
    if (index && *index < node.children.size()) return &node.children[*index];
    const std::string allowed =
        node.children.empty() ? "it is empty" : "use 0.." + std::to_string(node.children.size() - 1);
    return override_error(origin, path + " has no entry " + std::string(segment) + ", " + allowed);
  }
  if (node.kind != Kind::kTable) return override_error(origin, path + " is a value, nothing stands below it");
  if (ConfigNode* child = node.find(segment)) return child;
  ConfigNode& child = node.children.emplace_back();
  child.key = segment;
  child.origin = origin.name;
  return &child;
}

Result<void> apply(ConfigNode& root, const Override& change) {
  const Origin origin{"--set " + change.key + "=" + change.value, false};
  ConfigNode* node = &root;
  std::string path;
  std::string_view rest = change.key;
  for (bool is_last = false; !is_last;) {
    const std::size_t dot = rest.find('.');
    is_last = dot == std::string_view::npos;
    const Result<ConfigNode*> child = descend(*node, rest.substr(0, dot), path, origin);
    if (!child) return child.error();
    node = *child;
    path =
        change.key.substr(0, static_cast<std::size_t>(rest.data() - change.key.data()) + (is_last ? rest.size() : dot));
    if (!is_last) rest.remove_prefix(dot + 1);
  }
  ConfigNode value = parse_override_value(change, origin);
  value.key = node->key;
  *node = std::move(value);
  return {};
}

/// Tables grow together, all else is replaced.
void merge(ConfigNode& into, const ConfigNode& from) {
  for (const ConfigNode& child : from.children) {
    ConfigNode* const there = into.find(child.key);
    if (there == nullptr) {
      into.children.push_back(child);
    } else if (there->kind == Kind::kTable && child.kind == Kind::kTable) {
      merge(*there, child);
    } else {
      *there = child;
    }
  }
}

Result<void> apply_all(ConfigNode& root, const std::vector<Override>& overrides) {
  for (const Override& change : overrides) {
    Result<void> applied = apply(root, change);
    if (!applied) return applied;
  }
  return {};
}

}  // namespace

Result<ConfigNode> parse_config_tree(std::string_view text, const std::string& name,
                                     const std::vector<Override>& overrides) {
  Result<ConfigNode> root = parse(text, {name, true});
  if (!root) return root;
  const Result<void> applied = apply_all(*root, overrides);
  if (!applied) return applied.error();
  return root;
}

Result<std::vector<ConfigNode>> parse_config_variants(std::string_view text, const std::string& name,
                                                      const std::vector<Override>& overrides, const VariantList& list) {
  Result<ConfigNode> root = parse(text, {name, true});
  if (!root) return root.error();
  std::vector<ConfigNode> variants;
  const ConfigNode* const found = root->find(list.name);
  if (found == nullptr) {
    variants.push_back(std::move(*root));
  } else {
    const ConfigNode entries = *found;
    std::erase_if(root->children, [&list](const ConfigNode& child) { return child.key == list.name; });
    const bool are_tables =
        entries.kind == Kind::kList && std::all_of(entries.children.begin(), entries.children.end(),
                                                   [](const ConfigNode& entry) { return entry.kind == Kind::kTable; });
    if (!are_tables || entries.children.empty()) {
      return make_error(Status::kInvalidArgument, entries.origin + ": [" + std::string(list.name) +
                                                      "]: wanted a list of tables, written as [[" +
                                                      std::string(list.name) + "]]");
    }
    const auto is_own_key = [&list](const ConfigNode& child) {
      return std::find(list.own_keys.begin(), list.own_keys.end(), child.key) != list.own_keys.end();
    };
    for (ConfigNode entry : entries.children) {
      ConfigNode rest = entry;
      rest.key = list.name;
      std::erase_if(rest.children, [&](const ConfigNode& child) { return !is_own_key(child); });
      std::erase_if(entry.children, is_own_key);
      variants.push_back(*root);
      merge(variants.back(), entry);
      variants.back().children.push_back(std::move(rest));
    }
  }
  for (ConfigNode& variant : variants) {
    const Result<void> applied = apply_all(variant, overrides);
    if (!applied) return applied.error();
  }
  return variants;
}

}  // namespace skink::internal
