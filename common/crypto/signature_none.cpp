/// @file
/// Where there is no ECDSA: nothing that is signed is taken. For the package of scripts/package on boards without
/// mbedTLS.

#include "skink/common/crypto/crypto.hpp"

namespace skink::crypto {

Status verify_signature(Bytes /*message*/, Bytes /*signature*/, Bytes /*public_key*/) noexcept {
  return Status::kUnsupported;
}

}  // namespace skink::crypto
