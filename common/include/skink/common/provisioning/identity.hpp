#pragma once
/// @file
/// What a device was told when it was provisioned: who it is, where its broker is, whom it trusts. One image in a flash
/// partition of its own, so that all devices of a board run the same firmware. docs/identity.md specifies every byte.

#include <stddef.h>
#include <stdint.h>

#include "skink/common/crypto/crypto.hpp"
#include "skink/common/limits.hpp"
#include "skink/common/span.hpp"
#include "skink/common/status.hpp"

namespace skink::provisioning {

inline constexpr size_t kMaxIdentityBytes = 4096;  ///< one flash sector of most microcontrollers
inline constexpr size_t kMaxHostBytes = limits::kMaxHostBytes;
inline constexpr size_t kReleaseKeyBytes = 65;  ///< uncompressed P-256 point: 04, x, y

inline constexpr size_t kMaxTimeServers = 3;

/// Where the time comes from (SNTP). The host is empty and the port 0 where there is none.
struct TimeServer {
  Span<const char> host;
  uint16_t port = 0;
};

/// The fields of an identity. Views point into the bytes that were read; they have no final 0: see terminate().
struct DeviceIdentity {
  Span<const char> fleet;
  Span<const char> device_id;
  crypto::Key hmac_key;  ///< authenticates tasks, updates and replies
  Span<const char> broker_host;
  uint16_t broker_port = 0;
  Span<const char> tls_server_name;  ///< what the broker's certificate must name; the host unless it says otherwise
  TimeServer time_servers[kMaxTimeServers];  ///< asked in turn; none comes after one that is empty
  uint64_t seed = 0;     ///< makes jitter and random generators of equal devices differ; no secret key
  Bytes ca_certificate;  ///< DER: who signs the broker's certificate
  Bytes certificate;     ///< DER: the device's own; common name = device id
  Bytes private_key;     ///< DER: SEC1 or PKCS#8
  Bytes release_key;     ///< kReleaseKeyBytes: who signs firmware and models
};

/// Reads an identity partition in place. Total: any bytes give kOk or one of the statuses below; `identity` is written
/// on kOk only. Certificates and keys are checked for being one DER structure each, and parsed by whoever uses them.
///
/// @param[in] partition  the partition as it is mapped into memory; what follows the image in it is ignored. Must stay
///                       readable for as long as the views are used.
/// @returns
/// * kOk
/// * kUnavailable      erased flash, nothing but FF (or 00): the device is not provisioned.
/// * kTruncated        shorter than the image says, or than its frame.
/// * kDamaged          magic number, length, digest, or content that is no message.
/// * kNewerVersion     written for a later firmware.
/// * kUnsupported      a format version that never was.
/// * kInvalidArgument  sound bytes, but a field is missing or out of the range that docs/identity.md states: whoever
///                     wrote it has a bug.
///
/// Cost: one SHA-256 over at most kMaxIdentityBytes, one look at each byte of an erased partition.
Status read_identity(Bytes partition, DeviceIdentity& identity) noexcept;

/// Writes an image that read_identity() accepts.
///
/// @param[out] out      kMaxIdentityBytes always suffice.
/// @param[out] written  length of the image.
/// @returns kOk, kInvalidArgument (as above), or kBufferTooSmall when it does not fit in `out` or kMaxIdentityBytes.
Status write_identity(const DeviceIdentity& identity, MutableBytes out, size_t& written) noexcept;

/// Copies a text and appends a 0, for libraries that need one. False when it does not fit; `out` is an empty string
/// then.
bool terminate(Span<const char> text, Span<char> out) noexcept;

}  // namespace skink::provisioning
