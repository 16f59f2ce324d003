#pragma once
/// @file
/// A real program, recorded while it writes files, and the power cut at any moment of that.

#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <iterator>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "broker.hpp"
#include "power_cut.hpp"
#include "process.hpp"
#include "unit/host/temporary_folder.hpp"

namespace skink::test {

using Words = std::vector<std::string>;

/// Of each scenario; over 10,000 in all.
inline constexpr std::size_t kCuts = 1800;

inline std::string program(const char* name) {
  const char* folder = std::getenv("SKINK_BIN_DIR");
  return std::string(folder != nullptr ? folder : SKINK_TEST_BIN_DIR) + "/" + name;
}

/// A preloaded library and a sanitizer's own do not go together.
inline bool can_record() {
  const char* sanitizer = std::getenv("SKINK_SANITIZE");
  if (sanitizer == nullptr || *sanitizer == '\0') return true;
  std::printf("SKIPPED: power cuts: programs with a sanitizer cannot be recorded\n");
  return false;
}

/// Things that are never read again: half-written, locks.
inline bool is_scratch(const std::string& path) {
  return path.find(".part") != std::string::npos || path.find(".unfinished") != std::string::npos ||
         path.find(".lock") != std::string::npos || path.find(".new/") != std::string::npos;
}

inline bool has(const Tree& tree, const std::string& path) { return tree.count(path) != 0; }

inline Tree without_scratch(const Tree& tree) {
  Tree rest;
  for (const auto& [path, content] : tree) {
    if (!is_scratch(path)) rest.insert({path, content});
  }
  return rest;
}

/// The files in one folder.
inline Tree in_folder(const Tree& tree, const std::string& folder) {
  Tree found;
  for (const auto& [path, content] : tree) {
    if (path.rfind(folder + "/", 0) == 0) found.insert({path, content});
  }
  return found;
}

/// A folder, a program that is recorded in it, and what a cut may leave there.
class Scene {
 public:
  void run(const Words& words) const {
    Process process(words, log());
    const int code = process.wait(std::chrono::seconds(60)).value_or(-1);
    INFO(read_file(log()));
    REQUIRE(code == 0);
  }

  /// Runs a program and remembers what was there before and what it did.
  void record(Words words) {
    before_ = read_tree(root());
    words.insert(words.begin(), {"env", std::string("LD_PRELOAD=") + SKINK_RECORD_FILES,
                                 "SKINK_RECORD=" + folder_.file("record"), "SKINK_RECORD_ROOT=" + root()});
    run(words);
    after_ = read_tree(root());
    run_ = std::make_unique<RecordedRun>(root(), before_, folder_.file("record"));
    // Nothing that it did was overlooked.
    std::mt19937 random(1);
    REQUIRE(run_->cut_after(run_->operations(), Unconfirmed::kStays, random) == after_);
    REQUIRE(run_->operations() > 5);
  }

  /// Cuts the power everywhere; `check` adds to what is found out about every state.
  void cut(const std::function<std::string(const Tree&)>& check) const {
    std::mt19937 random(20231);
    std::size_t cuts = 0;
    for (std::size_t pass = 0; cuts < kCuts; ++pass) {
      const Unconfirmed kinds[] = {Unconfirmed::kIsLost, Unconfirmed::kNamesStay, Unconfirmed::kStays};
      const Unconfirmed kind = pass < std::size(kinds) ? kinds[pass] : Unconfirmed::kByChance;
      for (std::size_t count = 0; count <= run_->operations(); ++count, ++cuts) {
        const Tree state = run_->cut_after(count, kind, random);
        std::string trouble = trouble_in(state);
        if (trouble.empty() && count == run_->operations() && without_scratch(state) != without_scratch(after_)) {
          trouble = "the program had ended, and its work is not there";
        }
        if (trouble.empty()) trouble = check(state);
        if (trouble.empty()) continue;
        FAIL("after " << count << " of " << run_->operations() << " operations, pass " << pass << ": " << trouble);
      }
    }
    std::printf("%zu power cuts\n", cuts);
  }

  /// A file that the program removes before it writes it again, because it was asked to.
  void may_go(const std::string& path) { replaced_.insert(path); }

  /// Is a file as it was, and not as it became?
  bool is_old(const Tree& state, const std::string& path) const {
    return has(before_, path) ? state.at(path) == before_.at(path) : !has(state, path);
  }
  bool is_new(const Tree& state, const std::string& path) const {
    return has(state, path) && state.at(path) == after_.at(path);
  }
  const Tree& before() const { return before_; }
  const Tree& after() const { return after_; }
  std::string root() const { return folder_.file("root"); }
  std::string log() const { return folder_.file("log"); }

 private:
  /// No file is neither, and none is lost.
  std::string trouble_in(const Tree& state) const {
    for (const auto& [path, content] : state) {
      if (is_scratch(path) || path.back() == '/') continue;
      if (run_->versions_of(path).count(content) == 0) {
        return path + " has " + std::to_string(content.size()) + " bytes of neither state";
      }
    }
    for (const auto& [path, content] : before_) {
      const bool may_go = is_scratch(path) || path.back() == '/' || !has(after_, path) || replaced_.count(path) != 0;
      if (!may_go && !has(state, path)) return path + " is lost";
    }
    return {};
  }

  TemporaryFolder folder_;
  std::set<std::string> replaced_;
  Tree before_;
  Tree after_;
  std::unique_ptr<RecordedRun> run_;
};

}  // namespace skink::test
