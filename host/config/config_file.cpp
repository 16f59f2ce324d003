#include <algorithm>
#include <numeric>
#include <utility>

#include "config_tree.hpp"
#include "skink/host/config/config_reader.hpp"
#include "skink/host/files/files.hpp"

namespace skink {

using internal::ConfigNode;
using internal::ConfigState;
using Kind = ConfigNode::Kind;

std::string internal::path_label(const std::string& section, std::string tail) {
  if (!tail.empty() && tail.back() == '.') tail.pop_back();
  if (section.empty()) return tail;
  return "[" + section + "]" + (tail.empty() ? "" : " " + tail);
}

namespace {

constexpr std::size_t kMaxFileBytes = std::size_t{1} << 20;

/// Levenshtein distance.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

std::string nearest(std::string_view word, const std::vector<std::string>& candidates) {
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(2, word.size() / 3) + 1;
  for (const std::string& candidate : candidates) {
    const std::size_t distance = edit_distance(word, candidate);
    if (distance < best_distance && distance < word.size()) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

std::string joined(std::vector<std::string> words) {
  std::sort(words.begin(), words.end());
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text.empty() ? "nothing" : text;
}

std::string below(std::string section, const std::string& name) {
  if (!section.empty()) section += '.';
  return section += name;
}

/// Notes every key below an opened table that no reader asked for.
void note_unknown(ConfigState& state, ConfigNode& node, const std::string& section, const std::string& prefix) {
  if (node.muted) return;
  for (std::size_t i = 0; i < node.children.size(); ++i) {
    ConfigNode& child = node.children[i];
    const bool is_entry = node.kind == Kind::kList;
    const std::string name = is_entry ? std::to_string(i) : child.key;
    const bool is_section = child.kind == Kind::kTable && prefix.empty() && !is_entry;
    const std::string child_section = is_section ? below(section, name) : section;
    const std::string child_prefix = is_section ? "" : prefix + name + ".";
    if (is_entry || child.asked) {
      const bool is_list_of_tables = child.kind == Kind::kList;
      if (child.opened || is_list_of_tables) note_unknown(state, child, child_section, child_prefix);
      continue;
    }
    const std::string guess = nearest(name, node.allowed);
    state.note(child, internal::path_label(child_section, child_prefix),
               std::string(is_section ? "unknown table" : "unknown key") +
                   (guess.empty() ? "." : ", did you mean " + guess + "?") + " Allowed: " + joined(node.allowed));
  }
}

}  // namespace

ConfigFile::ConfigFile(std::unique_ptr<ConfigState> state) : state_(std::move(state)) {}
ConfigFile::ConfigFile(ConfigFile&&) noexcept = default;
ConfigFile& ConfigFile::operator=(ConfigFile&&) noexcept = default;
ConfigFile::~ConfigFile() = default;

Result<ConfigFile> ConfigFile::parse(std::string_view text, const std::string& name,
                                     const std::vector<Override>& overrides) {
  Result<ConfigNode> root = internal::parse_config_tree(text, name, overrides);
  if (!root) return root.error();
  auto state = std::make_unique<ConfigState>();
  state->root = std::move(*root);
  return ConfigFile(std::move(state));
}

Result<std::vector<ConfigFile>> ConfigFile::parse_variants(std::string_view text, const std::string& name,
                                                           const std::vector<Override>& overrides,
                                                           const VariantList& list) {
  Result<std::vector<ConfigNode>> roots = internal::parse_config_variants(text, name, overrides, list);
  if (!roots) return roots.error();
  std::vector<ConfigFile> files;
  for (ConfigNode& root : *roots) {
    auto state = std::make_unique<ConfigState>();
    state->root = std::move(root);
    files.push_back(ConfigFile(std::move(state)));
  }
  return files;
}

Result<ConfigFile> ConfigFile::read(const std::string& path, const std::vector<Override>& overrides) {
  const auto text = read_file(path, kMaxFileBytes);
  if (!text) return text.error();
  return parse(*text, path, overrides);
}

ConfigReader ConfigFile::root() { return {state_.get(), &state_->root, "", ""}; }

bool ConfigFile::sound() const noexcept { return state_->problems.empty(); }

Result<void> ConfigFile::finish() {
  note_unknown(*state_, state_->root, "", "");
  if (sound()) return {};
  std::vector<internal::ConfigProblem>& problems = state_->problems;
  std::stable_sort(problems.begin(), problems.end(), [](const auto& a, const auto& b) { return a.line < b.line; });
  std::string message;
  for (const internal::ConfigProblem& problem : problems) message += (message.empty() ? "" : "\n") + problem.text;
  return make_error(Status::kInvalidArgument, message);
}

}  // namespace skink
