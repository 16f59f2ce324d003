/// @file
/// The power is cut at any moment of the programs that write keys, certificates, revocations, releases, checkpoints
/// and results. What is found afterwards is the old state or the new one, and what a program has reported done stays.
///
/// The programs are the real ones; a library records what they do with files, and the disk is simulated from that.

#include "power_cut_scene.hpp"

namespace {

using namespace skink::test;

std::string experiment() { return skink::test::source_dir() + "/experiments/sine.toml"; }

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
