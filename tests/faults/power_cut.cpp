#include "power_cut.hpp"

#include <fcntl.h>
#include <stdio.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace skink::test {
namespace {

namespace fs = std::filesystem;

std::string content_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

void write_into(std::string& content, std::size_t offset, const std::string& bytes) {
  if (content.size() < offset + bytes.size()) content.resize(offset + bytes.size(), '\0');
  content.replace(offset, bytes.size(), bytes);
}

/// The fields of the record that begins at `at`, which is moved to the next one.
std::vector<std::string> next_record(const std::string& text, std::size_t& at) {
  std::vector<std::string> fields(1, text.substr(at++, 1));
  while (at < text.size() && text[at] >= '0' && text[at] <= '9') {
    const std::size_t colon = text.find(':', at);
    const std::size_t length = std::stoul(text.substr(at, colon - at));
    fields.push_back(text.substr(colon + 1, length));
    at = colon + 1 + length;
  }
  return fields;
}

}  // namespace

Tree read_tree(const std::string& root) {
  Tree tree;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    const std::string path = fs::relative(entry.path(), root).string();
    if (entry.is_directory()) {
      tree[path + "/"];
    } else {
      tree[path] = content_of(entry.path());
    }
  }
  return tree;
}

RecordedRun::RecordedRun(const std::string& root, const Tree& before, const std::string& record) : root_(root) {
  add_before(before);
  first_ = nodes_;
  const std::string text = content_of(record);
  for (std::size_t at = 0; at < text.size();) {
    const std::vector<std::string> fields = next_record(text, at);
    const char kind = fields[0][0];
    if (kind == 'o') open(fields);
    if (kind == 'r') rename(fields.at(1), fields.at(2), static_cast<unsigned int>(std::stoul(fields.at(3))));
    if (kind == 'u') {
      const Name place = locate(fields.at(1));
      apply({Operation::Kind::kNames, -1, 0, {}, {{place.folder, place.name, -1}}});
    }
    if (kind == 'm') {
      const Name place = locate(fields.at(1));
      apply({Operation::Kind::kNames, -1, 0, {}, {{place.folder, place.name, add_node(true, "")}}});
    }
    if (kind != 'w' && kind != 't' && kind != 's' && kind != 'c') continue;
    const int node = files_.at(std::stoi(fields.at(1)));
    if (kind == 'w') apply({Operation::Kind::kWrite, node, std::stoul(fields.at(2)), fields.at(3), {}});
    if (kind == 't') apply({Operation::Kind::kTruncate, node, std::stoul(fields.at(2)), {}, {}});
    if (kind == 's') apply({Operation::Kind::kSync, node, 0, {}, {}});
    if (kind == 'c') files_.erase(std::stoi(fields.at(1)));
  }
}

int RecordedRun::add_node(bool is_folder, std::string content) {
  nodes_.push_back({is_folder, std::move(content), {}});
  return static_cast<int>(nodes_.size()) - 1;
}

void RecordedRun::add_before(const Tree& before) {
  add_node(true, "");
  for (const auto& [path, content] : before) {  // folders come before what is in them
    const bool is_folder = path.back() == '/';
    const Name place = locate(root_ + "/" + (is_folder ? path.substr(0, path.size() - 1) : path));
    const int node = add_node(is_folder, content);
    nodes_[static_cast<std::size_t>(place.folder)].names[place.name] = node;
    if (!is_folder) versions_[path].insert(content);
  }
}

RecordedRun::Name RecordedRun::locate(const std::string& path) const {
  Name place;
  place.node = 0;
  for (const fs::path& part : fs::path(path).lexically_relative(root_)) {
    if (part == "." || part.empty()) continue;
    if (place.node < 0) throw std::runtime_error("no folder above " + path);
    const Node& folder = nodes_[static_cast<std::size_t>(place.node)];
    const auto found = folder.names.find(part.string());
    place = {place.node, part.string(), found == folder.names.end() ? -1 : found->second};
  }
  return place;
}

void RecordedRun::apply(Operation operation) {
  if (operation.kind == Operation::Kind::kWrite) {
    write_into(nodes_[static_cast<std::size_t>(operation.node)].content, operation.offset, operation.bytes);
  }
  if (operation.kind == Operation::Kind::kTruncate) {
    nodes_[static_cast<std::size_t>(operation.node)].content.resize(operation.offset);
  }
  for (const Name& name : operation.names) {
    auto& names = nodes_[static_cast<std::size_t>(name.folder)].names;
    if (name.node < 0) {
      names.erase(name.name);
    } else {
      names[name.name] = name.node;
    }
  }
  operations_.push_back(std::move(operation));
}

void RecordedRun::open(const std::vector<std::string>& fields) {
  const int flags = std::stoi(fields.at(3));
  const Name place = locate(fields.at(2));
  int node = place.node;
  if (node < 0) {
    node = add_node(false, "");
    apply({Operation::Kind::kNames, -1, 0, {}, {{place.folder, place.name, node}}});
  } else if ((flags & O_TRUNC) != 0) {
    apply({Operation::Kind::kTruncate, node, 0, {}, {}});
  }
  files_[std::stoi(fields.at(1))] = node;
}

void RecordedRun::rename(const std::string& from, const std::string& to, unsigned int flags) {
  const Name source = locate(from);
  const Name target = locate(to);
  const int left = (flags & RENAME_EXCHANGE) != 0 ? target.node : -1;
  apply({Operation::Kind::kNames,
         -1,
         0,
         {},
         {{source.folder, source.name, left}, {target.folder, target.name, source.node}}});
  note_versions(fs::path(to).lexically_relative(root_).string(), source.node);
}

void RecordedRun::note_versions(const std::string& path, int node) {
  const Node& moved = nodes_[static_cast<std::size_t>(node)];
  if (!moved.is_folder) versions_[path].insert(moved.content);
  const std::string folder = path + "/";
  for (const auto& [name, below] : moved.names) note_versions(std::string(folder).append(name), below);
}

const std::set<std::string>& RecordedRun::versions_of(const std::string& path) const {
  static const std::set<std::string> none;
  const auto found = versions_.find(path);
  return found == versions_.end() ? none : found->second;
}

void RecordedRun::list(const std::vector<Node>& nodes, int folder, const std::string& path, Tree& tree) const {
  for (const auto& [name, node] : nodes[static_cast<std::size_t>(folder)].names) {
    const Node& found = nodes[static_cast<std::size_t>(node)];
    if (found.is_folder) {
      tree[path + name + "/"];
      list(nodes, node, path + name + "/", tree);
    } else {
      tree[path + name] = found.content;
    }
  }
}

Tree RecordedRun::cut_after(std::size_t count, Unconfirmed unconfirmed, std::mt19937& random) const {
  std::vector<bool> is_certain(count);
  std::set<int> synchronised;  // by a later operation
  for (std::size_t i = count; i-- > 0;) {
    const Operation& operation = operations_[i];
    if (operation.kind == Operation::Kind::kSync) synchronised.insert(operation.node);
    is_certain[i] = synchronised.count(operation.node) != 0;
    for (const Name& name : operation.names) is_certain[i] = is_certain[i] || synchronised.count(name.folder) != 0;
  }
  const auto chance = [&random](std::size_t of) { return std::uniform_int_distribution<std::size_t>(0, of)(random); };
  std::vector<Node> nodes = first_;
  nodes.resize(nodes_.size());
  for (std::size_t i = first_.size(); i < nodes.size(); ++i) nodes[i].is_folder = nodes_[i].is_folder;
  for (std::size_t i = 0; i < count; ++i) {
    const Operation& operation = operations_[i];
    const bool is_data = operation.kind == Operation::Kind::kWrite || operation.kind == Operation::Kind::kTruncate;
    const bool is_there = is_certain[i] || unconfirmed == Unconfirmed::kStays ||
                          (unconfirmed == Unconfirmed::kNamesStay && !is_data) ||
                          (unconfirmed == Unconfirmed::kByChance && chance(1) == 1);
    if (!is_there) continue;
    for (const Name& name : operation.names) {
      auto& names = nodes[static_cast<std::size_t>(name.folder)].names;
      if (name.node < 0) {
        names.erase(name.name);
      } else {
        names[name.name] = name.node;
      }
    }
    if (!is_data) continue;
    std::string& content = nodes[static_cast<std::size_t>(operation.node)].content;
    if (operation.kind == Operation::Kind::kTruncate) content.resize(operation.offset);
    if (operation.kind != Operation::Kind::kWrite) continue;
    std::string bytes = operation.bytes;
    if (!is_certain[i] && unconfirmed == Unconfirmed::kByChance) {
      const std::size_t whole = chance(bytes.size());  // the rest is not there, or zeros
      const std::size_t rest = chance(1) == 1 ? bytes.size() - whole : 0;
      bytes.resize(whole);
      bytes.append(rest, '\0');
    }
    write_into(content, operation.offset, bytes);
  }
  Tree tree;
  list(nodes, 0, "", tree);
  return tree;
}

}  // namespace skink::test
