#pragma once
/// @file
/// A release: a model (or firmware, or whom a device shall trust) with a manifest that says what it is, signed with
/// ECDSA P-256 by who may. A device knows the public key from its identity. docs/release.md specifies every byte.

#include <stddef.h>
#include <stdint.h>

#include "skink/common/crypto/crypto.hpp"
#include "skink/common/limits.hpp"
#include "skink/common/span.hpp"
#include "skink/common/status.hpp"

namespace skink::provisioning {

inline constexpr size_t kManifestBytes = 80;
inline constexpr size_t kReleaseHeaderBytes = kManifestBytes + crypto::kSignatureBytes;
inline constexpr size_t kMaxReleaseNameBytes = limits::kMaxReleaseNameBytes;

/// What a release contains; the numbers are those of the manifest.
enum class ReleaseKind : uint16_t { kModel = 1, kFirmware = 2, kAuthorities = 3 };

/// Views point into the bytes that were read.
struct Release {
  ReleaseKind kind = ReleaseKind::kModel;
  uint32_t number = 0;    ///< counts up with every release of a product
  Span<const char> name;  ///< 1..32 of A-Z a-z 0-9 - _ .
  crypto::Digest digest;  ///< SHA-256 of the content
  uint32_t content_bytes = 0;
  Bytes content;
};

/// Reads and checks a release. Total: any bytes give kOk or one of the statuses below; `release` is written on kOk
/// only.
///
/// @param[in] partition    as it is mapped into memory; what follows the content is ignored.
/// @param[in] release_key  an uncompressed P-256 point, 65 bytes.
/// @returns
/// * kOk
/// * kUnavailable          erased flash, nothing but FF or 00 in the header: there is no release.
/// * kTruncated            shorter than its header, or than its manifest says.
/// * kDamaged              another magic number, or a content whose digest is not the manifest's.
/// * kNewerVersion         written for a later firmware.
/// * kWrongAuthentication  the signature is not that key's over this manifest.
/// * kInvalidArgument      signed, but a field is out of its range: the signer has a bug. Or `release_key` is not
///                         a point on the curve.
/// * kBufferTooSmall       the heap of mbedTLS is short: nothing is known of the signature.
///
/// Cost: one signature (0.1 s on a Cortex-M4 at 64 MHz, an estimate) and one SHA-256 over the content.
Status read_release(Bytes partition, Bytes release_key, Release& release) noexcept;

/// Reads and checks the first kReleaseHeaderBytes of a release, whose content is elsewhere: `release.content` is empty.
/// What follows the header is ignored.
///
/// @returns as read_release(), of which what concerns the content does not occur. Cost: one signature.
Status read_manifest(Bytes header, Bytes release_key, Release& release) noexcept;

/// The number that a header claims, of which nothing is checked; 0 when it is shorter than kReleaseHeaderBytes.
uint32_t claimed_number(Bytes header) noexcept;

/// The manifest of a release: what is to be signed. `release.content` gives length and digest; `release.digest` and
/// `release.content_bytes` are ignored.
/// @returns kOk; kInvalidArgument when a field is out of its range or the content is empty or over 4 GiB.
Status write_manifest(const Release& release, uint8_t (&out)[kManifestBytes]) noexcept;

}  // namespace skink::provisioning
