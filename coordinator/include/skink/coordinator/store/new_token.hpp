#pragma once
/// @file
/// Secrets of the HTTP interface: made once, shown once; the fleet's store keeps their hash.

#include <string>
#include <string_view>

#include "skink/coordinator/store/fleet_store.hpp"

namespace skink::coordinator {

/// A secret of 256 random bits, as text, and the row that keeps its hash.
struct NewToken {
  std::string secret;  ///< "skink_" and 64 hexadecimal digits; shown once
  TokenRow row;
};

/// Makes one. @param[in] scope  "read", "operate" or "admin".
NewToken make_token(const std::string& name, const std::string& scope);

/// What is kept of a secret: its SHA-256, 64 hexadecimal digits.
std::string token_hash(std::string_view secret);

}  // namespace skink::coordinator
