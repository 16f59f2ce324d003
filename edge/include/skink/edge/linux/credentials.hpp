#pragma once
/// @file
/// Who a device is, from a folder as scripts/make-pki lays it out: DIR/ca.pem and DIR/devices/<id>/{cert.pem, key.pem,
/// hmac.key}; and DIR/release.pub, which skinkctl makes: without it a device takes no releases. The certificates are
/// only named here; the MQTT session reads them.

#include <string>
#include <vector>

#include "skink/common/crypto/crypto.hpp"
#include "skink/host/result.hpp"

namespace skink::edge {

/// One device's identity.
struct DeviceCredentials {
  std::string device_id;                  ///< as in the certificate's common name
  crypto::Key key;                        ///< authenticates tasks, updates and replies
  std::string ca_file;                    ///< PEM: who signed the broker's certificate
  std::string certificate_file;           ///< PEM: the device's own
  std::string key_file;                   ///< PEM: its private key
  std::vector<std::uint8_t> release_key;  ///< a P-256 point: who signs releases; empty: not known
};

/// Reads the device key and the release key, and names the certificate files, which the MQTT session reads.
///
/// @param[in] folder  as scripts/make-pki made it
/// @returns kInvalidArgument for an id that is none, kUnavailable or kDamaged naming the file at fault.
Result<DeviceCredentials> read_credentials(const std::string& folder, const std::string& device_id);

}  // namespace skink::edge
