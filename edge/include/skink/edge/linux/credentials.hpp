#pragma once
/// @file
/// Who a device is, from a folder as scripts/make-pki lays it out: DIR/ca.pem and DIR/devices/<id>/{cert.pem, key.pem,
/// hmac.key}. The certificates are only named here; the MQTT session reads them.

#include <string>

#include "skink/common/crypto/crypto.hpp"
#include "skink/host/result.hpp"

namespace skink::edge {

struct DeviceCredentials {
  std::string device_id;
  crypto::Key key;  ///< authenticates tasks, updates and replies
  std::string ca_file;
  std::string certificate_file;
  std::string key_file;
};

/// @returns kInvalidArgument for an id that is none, kUnavailable or kDamaged naming the file at fault.
Result<DeviceCredentials> read_credentials(const std::string& folder, const std::string& device_id);

}  // namespace skink::edge
