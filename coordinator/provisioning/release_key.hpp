#pragma once
/// @file
/// The key pair that signs releases of firmware and models. Devices get its public half.

#include "openssl.hpp"
#include "pki_folder.hpp"

namespace skink::provisioning {

/// The public key as a P-256 point. From release.pub, or from release.key beside which release.pub is then written; a
/// pair is made when neither is there, by one program while others wait for it. So the private key may be kept
/// elsewhere: only release.pub is needed.
Result<Der> release_point(const PkiFolder& folder);

}  // namespace skink::provisioning
