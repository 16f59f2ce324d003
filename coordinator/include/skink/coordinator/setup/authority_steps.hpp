#pragma once
/// @file
/// Another authority for the fleet of a gateway, in three steps, and what a restored backup needs; what devices do in
/// between: docs/provisioning.md.

#include <cstdint>
#include <string>

#include "skink/host/result.hpp"

namespace skink::setup {

/// The next authority is made; broker and coordinator trust it beside the present one after their next start, and
/// renewals sign with it. Can be repeated. @returns as provisioning::announce_authority(); kUnavailable naming a file.
Result<void> announce_authority(const std::string& folder);

/// The next authority becomes the fleet's, with new certificates for broker, coordinator and HTTP interface. Can be
/// repeated.
/// @param[in] loses  devices that have no certificate of the next authority, do not trust it and are lost, are no
/// reason
///                   to refuse.
/// @returns as provisioning::adopt_authority(), and renew_certificates(); kInvalidArgument names such devices.
Result<void> adopt_authority(const std::string& folder, std::uint32_t days, bool loses);

/// The former authority is trusted no more after the next start of the broker.
/// @param[in] loses  devices whose only certificate is of the former authority, and which are lost, are no reason to
///                   refuse.
/// @returns as provisioning::retire_authority(); kInvalidArgument names such devices.
Result<void> retire_authority(const std::string& folder, bool loses);

/// Whom devices shall trust is signed again, with a number above all that they have seen.
/// @returns as provisioning::sign_authorities_again()
Result<void> sign_authorities_again(const std::string& folder);

}  // namespace skink::setup
