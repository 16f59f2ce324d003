#pragma once
/// @file
/// What a disk may hold after the power is cut at any moment of a recorded program (tests/support/record_files.cpp).
///
/// The model is pessimistic, as POSIX is: of a file only what fsync() confirmed is certain, of a folder's names only
/// what fsync() of the folder confirmed. Everything else may be there, or not, or in part. A rename is one step.

#include <cstdint>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace skink::test {

/// Files by their paths from the root, with their content; folders end in '/' and have none.
using Tree = std::map<std::string, std::string>;

Tree read_tree(const std::string& root);

/// What becomes of everything that is not confirmed.
enum class Unconfirmed : std::uint8_t {
  kIsLost,
  kNamesStay,  ///< files without their data: what a rename without fsync() leaves
  kStays,      ///< a kill, not a power cut
  kByChance    ///< any names, files cut off anywhere or filled with zeros
};

class RecordedRun {
 public:
  /// @param[in] before  the tree when the program began.
  RecordedRun(const std::string& root, const Tree& before, const std::string& record);

  std::size_t operations() const { return operations_.size(); }
  /// The disk after so many operations and then a cut.
  Tree cut_after(std::size_t operations, Unconfirmed unconfirmed, std::mt19937& random) const;
  /// Every content that a path had from its beginning, or that was renamed to it whole. What is written in place has
  /// none: half of it could be found.
  const std::set<std::string>& versions_of(const std::string& path) const;

 private:
  struct Name {
    int folder = 0;
    std::string name;
    int node = -1;  ///< -1: removed
  };
  struct Operation {
    enum class Kind : std::uint8_t { kWrite, kTruncate, kSync, kNames } kind = Kind::kSync;
    int node = -1;
    std::size_t offset = 0;  ///< kTruncate: the new length
    std::string bytes;
    std::vector<Name> names;  ///< kNames: one step
  };
  struct Node {
    bool is_folder = false;
    std::string content;  ///< as it is without a cut
    std::map<std::string, int> names;
  };

  int add_node(bool is_folder, std::string content);
  void add_before(const Tree& before);
  void apply(Operation operation);
  void open(const std::vector<std::string>& fields);
  void rename(const std::string& from, const std::string& to, unsigned int flags);
  Name locate(const std::string& path) const;
  void note_versions(const std::string& path, int node);
  void list(const std::vector<Node>& nodes, int folder, const std::string& path, Tree& tree) const;

  std::string root_;
  std::vector<Node> first_;  ///< before the first operation
  std::vector<Node> nodes_;
  std::vector<Operation> operations_;
  std::map<int, int> files_;  ///< descriptor to node
  std::map<std::string, std::set<std::string>> versions_;
};

}  // namespace skink::test
