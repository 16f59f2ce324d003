#pragma once
/// @file
/// Requests for certificates: PKCS #10, from a device's own hand or from that of whoever made its key.

#include <string>

#include "openssl.hpp"

namespace skink::provisioning {

/// The key that is to be certified.
///
/// @param[in] request  DER
/// @returns kInvalidArgument, for a person, unless it is one request for a P-256 key, signed by that key, whose common
///          name is `id`.
Result<EvpKey> key_in_request(const std::string& id, Bytes request);

/// Of a file in PEM or DER. @returns DER as it came, checked by key_in_request() only; kUnavailable or kDamaged, naming
/// the file.
Result<Der> read_request(const std::string& path);

}  // namespace skink::provisioning
