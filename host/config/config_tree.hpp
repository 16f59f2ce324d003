#pragma once
/// @file
/// A TOML file as a tree of our own, so that one source file knows the parser. Include from .cpp files only.

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "skink/host/config/overrides.hpp"
#include "skink/host/result.hpp"

namespace skink::internal {

struct ConfigNode {
  enum class Kind { kBoolean, kInteger, kReal, kText, kDate, kList, kTable };

  Kind kind = Kind::kTable;
  bool boolean = false;
  std::int64_t integer = 0;
  double real = 0;
  std::string text;
  std::string key;                   ///< in a table
  std::vector<ConfigNode> children;  ///< of a list or a table
  std::string origin;                ///< "file.toml:12" or "--set meta.passes=0"
  std::uint32_t line = 0;            ///< 0 for overrides

  // Notes of the readers.
  bool asked = false;                ///< some reader knows this key
  bool opened = false;               ///< some reader reads this table
  bool muted = false;                ///< what it is is not known, so nothing more is said of it
  std::vector<std::string> allowed;  ///< keys that readers asked this table for

  ConfigNode* find(std::string_view wanted) noexcept {
    for (ConfigNode& child : children) {
      if (child.key == wanted) return &child;
    }
    return nullptr;
  }
};

/// Parses, then applies the overrides one after the other. The root is a table.
Result<ConfigNode> parse_config_tree(std::string_view text, const std::string& name,
                                     const std::vector<Override>& overrides);

/// The same of a file with a list of tables at `list`: a tree for each entry, the whole file with the entry's keys in
/// their places. At `list` stands what is left of the entry: its own keys. Without the list: one tree, as it is.
Result<std::vector<ConfigNode>> parse_config_variants(std::string_view text, const std::string& name,
                                                      const std::vector<Override>& overrides, const VariantList& list);

struct ConfigProblem {
  std::uint32_t line = 0;
  std::string text;
};

/// What a ConfigFile owns and its readers share.
struct ConfigState {
  ConfigNode root;
  std::deque<ConfigNode> absent;  ///< optional tables that are not written
  std::vector<ConfigProblem> problems;

  void note(const ConfigNode& where, const std::string& label, const std::string& sentence) {
    problems.push_back({where.line, where.origin + ": " + (label.empty() ? "" : label + ": ") + sentence});
  }
};

/// "[meta] passes", "[model] layers.2.units"; a dot at the end of `tail` is dropped.
std::string path_label(const std::string& section, std::string tail);

}  // namespace skink::internal
