#pragma once
/// @file
/// An identity image in words, without its secrets.

#include <string>

#include "skink/host/result.hpp"

namespace skink::provisioning {

/// Who the device is, its broker and its certificates; of keys only what names them (SHA-256).
/// @returns kUnavailable when the file cannot be read; the status of read_identity() for a damaged image; kDamaged when
///          its parts do not belong together (certificate and key, id and certificate, certificate and authority).
Result<std::string> describe_identity(const std::string& path);

}  // namespace skink::provisioning
