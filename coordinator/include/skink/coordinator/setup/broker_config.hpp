#pragma once
/// @file
/// The configuration of a mosquitto for one fleet, as text: TLS with a certificate per client, client ids bound to
/// certificates, an access list, and limits for the fleet's size. docs/operating.md says what each limit is for.

#include <cstdint>
#include <string>
#include <vector>

namespace skink::setup {

/// Which mosquitto reads the file.
enum class BrokerDialect : std::uint8_t {
  kMosquitto20,  ///< 2.0: acl_file
  kMosquitto21   ///< 2.1 and later: the access list is read by a plugin
};

/// Does the broker keep retained messages over its own restart? The coordinator publishes its own again anyway.
enum class Persistence : std::uint8_t { kOff, kOn };

/// What mosquitto grants its clients. For a fleet of N devices: limits_for(N).
struct BrokerLimits {
  std::uint32_t connections = 0;
  std::uint32_t queued_messages = 0;  ///< for each client: what waits for a slow one; beyond, messages are dropped
  std::uint32_t queued_bytes = 0;     ///< for each client
  std::uint32_t inflight_messages = 0;
  std::uint32_t inflight_bytes = 0;
  std::uint32_t packet_bytes = 0;  ///< a client that sends a longer packet is disconnected
  std::uint32_t keepalive_s = 0;   ///< a client that asks for a longer one is refused
  std::uint64_t memory_bytes = 0;  ///< of the whole broker, without TLS: beyond, it takes no messages and no clients
};

/// Limits that a fleet of so many devices needs, with room for a quarter more.
BrokerLimits limits_for(std::uint32_t devices);

/// What the configuration is made of.
struct BrokerPlan {
  std::string fleet;
  std::string folder;  ///< absolute: where the broker's files lie, as the broker sees them
  std::uint16_t port = 8883;
  std::vector<std::string> bind;  ///< addresses that it listens at; empty: all of the machine, IPv4 and IPv6
  BrokerDialect dialect = BrokerDialect::kMosquitto20;
  Persistence persistence = Persistence::kOff;
  BrokerLimits limits;
  std::string user;        ///< that a broker which root has started becomes; empty: as mosquitto has it
  std::string acl_plugin;  ///< path of mosquitto_acl_file.so; of kMosquitto21 only
};

/// mosquitto.conf. It names ca.pem, crl.pem, tls/cert.pem, tls/key.pem and acl in the plan's folder, and data/ with
/// persistence.
std::string broker_config_text(const BrokerPlan& plan);

/// The access list: the coordinator may use all topics of the fleet, a device its own and what is meant for all.
std::string broker_acl_text(const std::string& fleet);

}  // namespace skink::setup
