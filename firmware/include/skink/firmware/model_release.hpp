#pragma once
/// @file
/// The model that a device begins with: a signed release in a partition of its own (docs/release.md).

#include "skink/common/provisioning/signed_release.hpp"
#include "skink/common/span.hpp"
#include "skink/common/status.hpp"
#include "skink/firmware/model_store.hpp"

namespace skink::firmware {

/// Checks the release, and makes its model the last model where there is none yet. Cost: a signature (ECDSA P-256) and
/// two hashes over the model.
///
/// @param[in]  partition    may hold a release; borrowed as long as `release` is used
/// @param[in]  release_key  public key that releases are signed with, as the identity has it
/// @param[in]  models       open
/// @param[out] release  what was read, as soon as it is sound: on kOk, and when the store fails or is too small.
/// @returns the status of provisioning::read_release() or model::inspect(); kUnsupported when it is no model,
/// kBufferTooSmall
///          when the store is too small for it, kUnavailable when the flash fails or, `release` untouched, no release
///          is there. The store is unchanged on an error, except that a flash that fails may have lost its older slot.
Status take_release(Bytes partition, Bytes release_key, ModelStore& models, provisioning::Release& release) noexcept;

}  // namespace skink::firmware
