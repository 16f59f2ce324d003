#pragma once
/// @file
/// The identity of a device that nobody issued: every field set, certificates and keys of the right form only.

#include <cstring>
#include <string>
#include <vector>

#include "skink/common/provisioning/identity.hpp"

namespace skink::test {

/// A DER SEQUENCE of `content` bytes.
inline std::vector<std::uint8_t> der_sequence(std::size_t content) {
  std::vector<std::uint8_t> der = {0x30};
  if (content >= 256) {
    der.insert(der.end(), {0x82, static_cast<std::uint8_t>(content >> 8)});
  } else if (content >= 128) {
    der.push_back(0x81);
  }
  der.push_back(static_cast<std::uint8_t>(content));
  for (std::size_t i = 0; i < content; ++i) der.push_back(static_cast<std::uint8_t>(7 * i + content));
  return der;
}

/// Owns what an identity points at.
struct FakeIdentity {
  std::string fleet = "plant";
  std::string device_id = "pump-017";
  std::string broker_host = "gateway.local";
  std::string tls_server_name = "broker.example";
  std::string time_host = "fe80::1";
  std::string second_time_host = "time.example";
  std::string third_time_host;
  std::vector<std::uint8_t> ca_certificate = der_sequence(420);
  std::vector<std::uint8_t> certificate = der_sequence(431);
  std::vector<std::uint8_t> private_key = der_sequence(119);
  std::vector<std::uint8_t> release_key = std::vector<std::uint8_t>(provisioning::kReleaseKeyBytes, 0x04);
  std::uint8_t key_byte = 9;
  std::uint16_t broker_port = 8883;
  std::uint16_t time_port = 123;
  std::uint16_t second_time_port = 124;
  std::uint16_t third_time_port = 0;
  std::uint64_t seed = 0x0123456789abcdefULL;

  provisioning::DeviceIdentity view() const {
    const auto text = [](const std::string& s) { return Span<const char>(s.data(), s.size()); };
    const auto bytes = [](const std::vector<std::uint8_t>& v) { return Bytes(v.data(), v.size()); };
    provisioning::DeviceIdentity identity;
    identity.fleet = text(fleet);
    identity.device_id = text(device_id);
    std::memset(identity.hmac_key.bytes, key_byte, sizeof identity.hmac_key.bytes);
    identity.broker_host = text(broker_host);
    identity.broker_port = broker_port;
    identity.tls_server_name = text(tls_server_name);
    identity.time_servers[0] = {text(time_host), time_port};
    identity.time_servers[1] = {text(second_time_host), second_time_port};
    identity.time_servers[2] = {text(third_time_host), third_time_port};
    identity.seed = seed;
    identity.ca_certificate = bytes(ca_certificate);
    identity.certificate = bytes(certificate);
    identity.private_key = bytes(private_key);
    identity.release_key = bytes(release_key);
    return identity;
  }
};

}  // namespace skink::test
