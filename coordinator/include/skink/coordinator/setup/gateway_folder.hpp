#pragma once
/// @file
/// The folder of a gateway: keys and certificates, the broker's configuration, the coordinator's, its state. Made by
/// `skinkctl init`; certificates are renewed in it. docs/operating.md shows what lies where.

#include <optional>
#include <string>
#include <vector>

#include "skink/coordinator/provisioning/certificate_report.hpp"
#include "skink/coordinator/setup/broker_config.hpp"
#include "skink/host/config/network_address.hpp"
#include "skink/host/result.hpp"

namespace skink::setup {

/// Where things lie in it.
struct GatewayFolder {
  std::string root;

  /// coordinator.toml, the coordinator's keys, what the broker reads, and its pair of certificate and key.
  std::string config() const { return root + "/coordinator.toml"; }
  std::string pki() const { return root + "/pki"; }
  std::string broker() const { return root + "/broker"; }
  std::string broker_pair() const { return broker() + "/tls"; }
};

/// What `skinkctl init` is told.
struct GatewayOptions {
  std::string folder;
  std::string fleet;
  std::vector<std::string> hosts;  ///< of the gateway, as devices reach it; localhost, 127.0.0.1 and ::1 are added
  std::uint32_t devices = 100;     ///< that the broker's limits are for
  std::uint32_t days = 3650;       ///< that the certificates are valid
  std::uint16_t port = 8883;
  std::vector<std::string> bind;  ///< where the broker listens; empty: everywhere
  BrokerDialect dialect = BrokerDialect::kMosquitto20;
  Persistence persistence = Persistence::kOff;
  std::string acl_plugin;              ///< empty: where the distribution puts it
  std::optional<NetworkAddress> http;  ///< where the interface listens beside its unix socket
  std::string state;                   ///< folder; empty: "state" in the gateway's folder
};

/// What was made.
struct NewGateway {
  GatewayFolder folder;
  std::string state;
  std::string token;  ///< the first one, of scope admin; it is nowhere else
  std::vector<provisioning::CertificateReport> certificates;
  BrokerLimits limits;
};

/// Makes the folder under another name, synchronises it and moves it to its place: it is there whole or not at all. Run
/// by root, it gives the broker's files to the user `mosquitto` and the rest to the user `skink`, where these exist.
/// @returns kInvalidArgument for a fleet's name or a host that is none, and for a folder or a state that is there
/// already;
///          kUnavailable when a file cannot be written.
Result<NewGateway> make_gateway(const GatewayOptions& options);

/// Gives a gateway's folder to the users that service and broker run as, where this process is root and they are there.
/// @returns kUnavailable naming the file whose owner cannot be changed.
Result<void> give_to_services(const std::string& folder);

/// Issues the certificates of broker, coordinator and HTTP interface again, with new keys, from the same authority.
/// @param[in] hosts  the names from now on, to which localhost, 127.0.0.1 and ::1 are added; empty: those that the
///                   broker's certificate has.
/// @returns all certificates as they are now; kInvalidArgument for a host that is none; kUnavailable or kDamaged naming
///          the file at fault, or when another program issues there; each pair is then the old one or the new one.
Result<std::vector<provisioning::CertificateReport>> renew_certificates(const std::string& folder,
                                                                        const std::vector<std::string>& hosts,
                                                                        std::uint32_t days);

/// Authority, broker, coordinator, HTTP interface if it has one, then devices by id, those that were replaced too.
/// @returns kUnavailable or kDamaged, naming the file at fault.
Result<std::vector<provisioning::CertificateReport>> certificates_of(const std::string& folder);

}  // namespace skink::setup
