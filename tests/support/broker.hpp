#pragma once
/// @file
/// A real mosquitto for a test, on a free loopback port, in a folder of its own: certificates by scripts/make-pki,
/// configuration and ACL by scripts/broker. It ends with the object.
///
///   const auto broker = test::Broker::start({.devices = 3});
///   if (!broker) return;  // it said SKIPPED: mosquitto is not installed

#include <memory>
#include <string>
#include <vector>

#include "process.hpp"

namespace skink::test {

struct BrokerOptions {
  int devices = 1;  ///< device-000, device-001, ...
  std::string fleet = "demo";
  std::vector<std::string> expired = {};  ///< more devices, with certificates of the past
  bool limit_packets = true;              ///< false: no limit on the size of messages
};

class Broker {
 public:
  /// Null, after printing SKIPPED, when mosquitto or openssl are missing. Throws when it does not come up.
  static std::unique_ptr<Broker> start(const BrokerOptions& options);
  ~Broker();
  Broker(const Broker&) = delete;
  Broker& operator=(const Broker&) = delete;

  /// Kills the broker (SIGKILL: no goodbyes).
  void kill();
  /// Starts it again, on the same port, with nothing remembered.
  void restart();

  int port() const noexcept { return port_; }
  const std::string& fleet() const noexcept { return options_.fleet; }
  /// "127.0.0.1:port".
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  /// A temporary folder, for the test too.
  const std::string& folder() const noexcept { return folder_; }
  /// What scripts/make-pki made.
  std::string pki() const { return folder_ + "/pki"; }
  /// The folder with cert.pem, key.pem and hmac.key.
  std::string device(const std::string& id) const { return pki() + "/devices/" + id; }
  /// Another fleet's certificates; made when first asked for.
  std::string foreign_pki();

 private:
  explicit Broker(const BrokerOptions& options);
  void make_pki(const std::string& folder, const BrokerOptions& options) const;
  bool launch();

  BrokerOptions options_;
  std::string folder_;
  int port_ = 0;
  std::unique_ptr<Process> process_;
};

/// The root of the source tree.
std::string source_dir();

}  // namespace skink::test
