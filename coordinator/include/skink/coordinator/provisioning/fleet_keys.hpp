#pragma once
/// @file
/// A new fleet's keys, and the certificates of its servers: authority, master key, release key, revocation lists, and
/// the pairs of broker, coordinator and HTTP interface. Devices: provisioner.hpp.

#include <cstdint>
#include <string>
#include <vector>

#include "skink/host/result.hpp"

namespace skink::provisioning {

/// Days that a new authority is valid, and the certificates that it issues for servers and the coordinator unless told
/// otherwise: those are renewed, the authority cannot be without visiting every device.
inline constexpr std::uint32_t kAuthorityDays = 7300;
inline constexpr std::uint32_t kServerDays = 3650;

/// PEM of a new certificate and of its private key.
struct KeyPair {
  std::string certificate;
  std::string key;
};

/// Makes ca.pem, ca.key, master.key, release.key, release.pub, crl.pem and revoked.txt in a folder that is there and
/// has none of them. Not synchronised: sync_folder(). Private files have mode 0600.
/// @returns kUnavailable when a file cannot be written.
Result<void> make_fleet_keys(const std::string& folder, const std::string& fleet);

/// Issues a pair for a TLS client, from the authority in `folder`. Writes nothing. The fleet is the authority's.
/// @param[in] name  its common name: "coordinator", or a device's id.
/// @returns kUnavailable or kDamaged, naming the file of the authority that is at fault.
Result<KeyPair> issue_client_pair(const std::string& folder, const std::string& name, std::uint32_t days);

/// The same for a TLS server.
/// @param[in] hosts  at least one: check_host().
/// @returns as issue_client_pair(); kInvalidArgument for a host that is none, or without hosts.
Result<KeyPair> issue_server_pair(const std::string& folder, const std::vector<std::string>& hosts, std::uint32_t days);

}  // namespace skink::provisioning
