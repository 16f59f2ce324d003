#pragma once
/// @file
/// Who makes a device's keys and reads its certificates: mbedTLS (tls/mbedtls_keys.hpp), or a secure element, whose
/// keys never leave it.

#include <stddef.h>

#include "skink/common/span.hpp"
#include "skink/common/status.hpp"

namespace skink::firmware {

inline constexpr size_t kMaxKeyBytes = 160;  ///< of what KeyService::make() gives for a key

/// A certificate that came, and what it must agree with.
struct CertificateToCheck {
  Bytes certificate;           ///< X.509, DER
  Bytes key;                   ///< as KeyService::make() gave it
  Bytes authorities;           ///< X.509, DER, one or two, one after the other
  Span<const char> device_id;  ///< its common name
};

/// Called from the main loop; each may compute for as long as a TLS handshake does.
struct KeyService {
  void* context = nullptr;  ///< handed to the functions; may be null

  /// Makes a new P-256 key, and a request for its certificate.
  ///
  /// @param[in]  device_id      the request's common name
  /// @param[out] key            [kMaxKeyBytes] what the TLS layer is to be handed as the private key: DER, or where a
  ///                            secure element keeps it, its name there (skink/common/provisioning/key_name.hpp). It is
  ///                            written to flash.
  /// @param[out] key_bytes      1..kMaxKeyBytes
  /// @param[out] request        [wire::kMaxRequestBytes] PKCS #10, DER, signed with that key
  /// @param[out] request_bytes  at least 1
  /// @returns kOk; kUnavailable without entropy, or when the element does not answer; kBufferTooSmall: one does not
  /// fit,
  ///          or memory is short.
  Status (*make)(void* context, Span<const char> device_id, MutableBytes key, size_t& key_bytes, MutableBytes request,
                 size_t& request_bytes) = nullptr;

  /// Is it for that key and device, valid now, and of one of the authorities?
  /// @returns kOk; kWrongAuthentication: it is not; kDamaged: it cannot be read; kBufferTooSmall: memory is short.
  Status (*check)(void* context, const CertificateToCheck& what) = nullptr;
};

}  // namespace skink::firmware
