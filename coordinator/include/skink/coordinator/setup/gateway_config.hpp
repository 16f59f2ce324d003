#pragma once
/// @file
/// The coordinator's configuration of a new gateway, as text: docs/coordinator-config.md.

#include <cstdint>
#include <optional>
#include <string>

#include "skink/host/config/network_address.hpp"

namespace skink::setup {

/// What the configuration is made of. Keys and certificates lie in pki/ beside it.
struct CoordinatorPlan {
  std::string fleet;
  std::string state;  ///< folder
  std::string broker_host;
  std::uint16_t broker_port = 8883;
  std::optional<NetworkAddress> http;  ///< where the interface listens beside its unix socket
  bool has_tls = false;                ///< with pki/http/{cert,key}.pem
};

/// coordinator.toml.
std::string coordinator_config_text(const CoordinatorPlan& plan);

}  // namespace skink::setup
