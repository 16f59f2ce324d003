/// @file
/// The power is cut at any moment of the programs that write keys, certificates, revocations, releases, checkpoints
/// and results. What is found afterwards is the old state or the new one, and what a program has reported done stays.
///
/// The programs are the real ones; a library records what they do with files, and the disk is simulated from that.

#include "power_cut.hpp"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <functional>

#include "broker.hpp"
#include "process.hpp"
#include "unit/host/temporary_folder.hpp"

namespace {

using skink::test::Process;
using skink::test::RecordedRun;
using skink::test::Tree;
using skink::test::Unconfirmed;
using Words = std::vector<std::string>;

/// Of each of the six scenarios; over 10,000 in all.
constexpr std::size_t kCuts = 1800;

std::string program(const char* name) {
  const char* folder = std::getenv("SKINK_BIN_DIR");
  return std::string(folder != nullptr ? folder : SKINK_TEST_BIN_DIR) + "/" + name;
}

std::string experiment() { return skink::test::source_dir() + "/experiments/sine.toml"; }

/// A preloaded library and a sanitizer's own do not go together.
bool can_record() {
  const char* sanitizer = std::getenv("SKINK_SANITIZE");
  if (sanitizer == nullptr || *sanitizer == '\0') return true;
  std::printf("SKIPPED: power cuts: programs with a sanitizer cannot be recorded\n");
  return false;
}

/// Things that are never read again: half-written, locks.
bool is_scratch(const std::string& path) {
  return path.find(".part") != std::string::npos || path.find(".unfinished") != std::string::npos ||
         path.find(".lock") != std::string::npos;
}

bool has(const Tree& tree, const std::string& path) { return tree.count(path) != 0; }

Tree without_scratch(const Tree& tree) {
  Tree rest;
  for (const auto& [path, content] : tree) {
    if (!is_scratch(path)) rest.insert({path, content});
  }
  return rest;
}

/// The files in one folder.
Tree in_folder(const Tree& tree, const std::string& folder) {
  Tree found;
  for (const auto& [path, content] : tree) {
    if (path.rfind(folder + "/", 0) == 0) found.insert({path, content});
  }
  return found;
}

class Scene {
 public:
  void run(const Words& words) const {
    Process process(words, log());
    const int code = process.wait(std::chrono::seconds(60)).value_or(-1);
    INFO(skink::test::read_file(log()));
    REQUIRE(code == 0);
  }

  /// Runs a program and remembers what was there before and what it did.
  void record(Words words) {
    before_ = skink::test::read_tree(root());
    words.insert(words.begin(), {"env", std::string("LD_PRELOAD=") + SKINK_RECORD_FILES,
                                 "SKINK_RECORD=" + folder_.file("record"), "SKINK_RECORD_ROOT=" + root()});
    run(words);
    after_ = skink::test::read_tree(root());
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

  skink::test::TemporaryFolder folder_;
  std::set<std::string> replaced_;
  Tree before_;
  Tree after_;
  std::unique_ptr<RecordedRun> run_;
};

/// A fleet with two devices, made by make-pki, in the scene's folder.
Words begin_fleet(const Scene& scene) {
  scene.run({"bash", skink::test::source_dir() + "/scripts/make-pki", scene.root() + "/pki", "--count", "2"});
  return {program("skinkctl"),   "provision", "--fleet",           "demo", "--pki",
          scene.root() + "/pki", "--broker",  "gateway.local:8883"};
}

Words with(Words words, const Words& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

/// What holds of a device's folder and image at any time; empty: nothing to say.
std::string device_trouble(const Scene& scene, const Tree& state, const std::string& id) {
  const std::string folder = "pki/devices/" + id;
  const Tree now = in_folder(state, folder);
  const bool is_new = now == in_folder(scene.after(), folder);
  if (!is_new && now != in_folder(scene.before(), folder)) return folder + " is a mixture";
  for (const char* ending : {".bin", ".hex"}) {
    const std::string image = "pki/images/" + id + ending;
    if (!is_new && !scene.is_old(state, image)) return image + " has a certificate that the folder does not know";
  }
  return {};
}

}  // namespace

TEST_CASE("power cut: a new device is there or not, and so is the release key", "[faults][power]") {
  if (!can_record()) return;
  Scene scene;
  scene.record(with(begin_fleet(scene), {"--id", "a", "b", "c"}));
  scene.cut([&scene](const Tree& state) -> std::string {
    for (const char* id : {"a", "b", "c"}) {
      std::string trouble = device_trouble(scene, state, id);
      if (!trouble.empty()) return trouble;
    }
    const bool is_any = has(state, "pki/devices/a/cert.pem");
    return is_any && !has(state, "pki/release.pub") ? "a device whose release key is lost" : "";
  });
}

TEST_CASE("power cut: new keys for a device that exists are there with its old certificate", "[faults][power]") {
  if (!can_record()) return;
  Scene scene;
  const Words provision = begin_fleet(scene);
  scene.run(with(provision, {"--id", "a", "b"}));
  scene.record(with(provision, {"--id", "a", "b", "--force"}));
  scene.cut([&scene](const Tree& state) {
    const std::string trouble = device_trouble(scene, state, "a");
    return trouble.empty() ? device_trouble(scene, state, "b") : trouble;
  });
}

TEST_CASE("power cut: revoked stays revoked", "[faults][power]") {
  if (!can_record()) return;
  Scene scene;
  begin_fleet(scene);
  const Words revoke = {program("skinkctl"), "device", "revoke", "--pki", scene.root() + "/pki"};
  scene.run(with(revoke, {"device-000"}));
  scene.record(with(revoke, {"device-001"}));
  CHECK(scene.after().at("pki/revoked.txt").find("device-000") != std::string::npos);
  CHECK(scene.after().at("pki/revoked.txt").find("device-001") != std::string::npos);
  scene.cut([&scene](const Tree& state) {
    const bool is_ahead = scene.is_new(state, "pki/crl.pem") && !scene.is_new(state, "pki/revoked.txt");
    return is_ahead ? "the broker refuses a device that the coordinator hears" : "";
  });
}

TEST_CASE("power cut: a release is there with the key that devices know, or not", "[faults][power]") {
  if (!can_record()) return;
  Scene scene;
  begin_fleet(scene);
  scene.run({program("skink-sim"), "run", experiment(), "--quiet", "--set", "meta.rounds=1", "--set",
             "evaluation.final_tasks=0", "--out", scene.root() + "/model"});
  const Words sign = {program("skinkctl"),           "release", "sign", "--pki",
                      scene.root() + "/pki",         "--name",  "sine", "--out",
                      scene.root() + "/sine.release"};
  scene.record(with(sign, {"--model", scene.root() + "/model/model.skm"}));
  scene.cut([](const Tree& state) {
    const bool has_keys = has(state, "pki/release.key") && has(state, "pki/release.pub");
    return has(state, "sine.release") && !has_keys ? "a release without its key" : "";
  });
}

namespace {

Words simulation(const Scene& scene) {
  return {program("skink-sim"),
          "run",
          experiment(),
          "--quiet",
          "--set",
          "meta.rounds=40",
          "--set",
          "evaluation.final_tasks=0",
          "--set",
          "evaluation.every=0",
          "--checkpoint-rounds",
          "4",
          "--out",
          scene.root() + "/out"};
}

std::string results_trouble(const Scene& scene, const Tree& state) {
  const bool is_complete = scene.is_new(state, "out/metrics.csv") && scene.is_new(state, "out/model.skm");
  return scene.is_new(state, "out/summary.json") && !is_complete ? "a summary of results that are not there" : "";
}

}  // namespace

TEST_CASE("power cut: of a run's checkpoints the last one is there, then its results", "[faults][power]") {
  if (!can_record()) return;
  Scene scene;
  std::filesystem::create_directories(scene.root() + "/out");
  scene.record(simulation(scene));
  scene.cut([&scene](const Tree& state) -> std::string {
    const bool is_there = has(state, "out/checkpoint.json") || has(state, "out/summary.json");
    if (has(state, "out/model-8.skm") && !is_there) return "the checkpoint after 4 rounds is gone";
    return results_trouble(scene, state);
  });
}

TEST_CASE("power cut: results replace those of another run", "[faults][power]") {
  if (!can_record()) return;
  Scene scene;
  std::filesystem::create_directories(scene.root());
  scene.run(simulation(scene));
  scene.record(with(simulation(scene), {"--set", "seed=7", "--restart"}));
  for (const auto& [path, content] : scene.before()) {
    const bool is_result = path.rfind("out/", 0) == 0 && path != "out/experiment.toml";
    if (is_result) scene.may_go(path);
  }
  CHECK(scene.before().at("out/model.skm") != scene.after().at("out/model.skm"));
  scene.cut([&scene](const Tree& state) -> std::string {
    const bool is_old = has(state, "out/summary.json") && !scene.is_new(state, "out/summary.json");
    if (scene.is_new(state, "out/experiment.toml") && is_old)
      return "the results of one experiment under the name of another";
    return results_trouble(scene, state);
  });
}
