#pragma once
/// @file
/// The model that a device begins with: a signed release in a partition of its own (docs/release.md).
/// And the releases that come later (docs/protocol.md, section 7), in a store like that of the rounds' models.

#include "skink/common/provisioning/signed_release.hpp"
#include "skink/common/span.hpp"
#include "skink/common/status.hpp"
#include "skink/edge/platform/release_store.hpp"
#include "skink/firmware/model_store.hpp"

namespace skink::firmware {

/// Checks the release; makes its model the last model where there is none yet, and keeps it as the release where its
/// number is above that of the one that is kept. Cost: a signature (ECDSA P-256) and two hashes over the model.
///
/// @param[in]  partition    may hold a release; borrowed as long as `release` is used
/// @param[in]  release_key  public key that releases are signed with, as the identity has it
/// @param[in]  models       open
/// @param[in]  releases     open, with numbers; or with a capacity of 0: no release is kept
/// @param[out] release  what was read, as soon as it is sound: on kOk, and when the store fails or is too small.
/// @returns the status of provisioning::read_release() or model::inspect(); kUnsupported when it is no model,
///          kBufferTooSmall when a store is too small for it, kUnavailable when the flash fails or, `release`
///          untouched, no release is there. The stores are unchanged on an error, except that a flash that fails may
///          have lost their older slots.
Status take_release(Bytes partition, Bytes release_key, ModelStore& models, ModelStore& releases,
                    provisioning::Release& release) noexcept;

/// What edge::Client reads of a store of releases. Borrows the store, which is open, or closed: then there is none.
edge::ReleaseStore release_store(ModelStore& releases) noexcept;

}  // namespace skink::firmware
