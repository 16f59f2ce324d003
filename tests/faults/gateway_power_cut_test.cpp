/// @file
/// The power is cut while skinkctl makes, renews or restores a gateway: it is there whole or not at all.

#include "power_cut_scene.hpp"

namespace {

using namespace skink::test;

Words init(const std::string& folder) {
  return {program("skinkctl"), "init", folder, "--fleet", "plant", "--host", "gateway.local", "--devices", "4"};
}

/// A folder that appears in one step.
std::string whole_or_absent(const Scene& scene, const Tree& state, const std::string& folder) {
  const Tree now = in_folder(state, folder);
  return now.empty() || now == in_folder(scene.after(), folder) ? "" : folder + " is there in part";
}

/// A certificate and its key.
std::string pair_trouble(const Scene& scene, const Tree& state, const std::string& folder) {
  const bool is_new = scene.is_new(state, folder + "/cert.pem") && scene.is_new(state, folder + "/key.pem");
  const bool is_old = scene.is_old(state, folder + "/cert.pem") && scene.is_old(state, folder + "/key.pem");
  return is_new || is_old ? "" : folder + " has a certificate and another one's key";
}

}  // namespace

TEST_CASE("power cut: a gateway is there whole, or not at all", "[faults][power]") {
  if (!can_record()) return;
  Scene scene;
  std::filesystem::create_directories(scene.root());
  scene.record(init(scene.root() + "/gw"));
  CHECK(has(scene.after(), "gw/state/fleet.db"));
  scene.cut([&scene](const Tree& state) { return whole_or_absent(scene, state, "gw"); });
}

TEST_CASE("power cut: a gateway has its old certificates or its new ones, each with its key", "[faults][power]") {
  if (!can_record()) return;
  Scene scene;
  std::filesystem::create_directories(scene.root());
  scene.run(init(scene.root() + "/gw"));
  scene.record({program("skinkctl"), "certificates", "renew", scene.root() + "/gw", "--host", "gateway.local"});
  scene.cut([&scene](const Tree& state) {
    const std::string trouble = pair_trouble(scene, state, "gw/broker/tls");
    return trouble.empty() ? pair_trouble(scene, state, "gw/pki/coordinator") : trouble;
  });
}

TEST_CASE("power cut: what is restored is there whole, or not at all", "[faults][power]") {
  if (!can_record()) return;
  Scene scene;
  std::filesystem::create_directories(scene.root());
  const std::string config = scene.root() + "/gw/coordinator.toml";
  scene.run(init(scene.root() + "/gw"));
  scene.run({program("skinkctl"), "backup", scene.root() + "/gw.skb", "--config", config});
  scene.record({program("skinkctl"), "restore", scene.root() + "/gw.skb", scene.root() + "/back"});
  CHECK(has(scene.after(), "back/state/fleet.db"));
  scene.cut([&scene](const Tree& state) { return whole_or_absent(scene, state, "back"); });
}
