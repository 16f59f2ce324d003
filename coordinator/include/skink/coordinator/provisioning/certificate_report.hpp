#pragma once
/// @file
/// What a certificate says, and whether it serves: dates, names, key, who has signed it. Reads files, asks nobody.

#include <cstdint>
#include <string>
#include <vector>

#include "skink/host/result.hpp"

namespace skink::provisioning {

/// A certificate in a PEM file.
struct CertificateReport {
  std::string path;
  std::string subject;             ///< its common name
  std::string issuer;              ///< the common name of who has signed it
  std::vector<std::string> names;  ///< DNS names and addresses that it is good for; of a server
  std::int64_t begins = 0;         ///< UTC, seconds since 1970
  std::int64_t ends = 0;
  std::string valid_until;  ///< 2036-11-20, UTC

  /// Whole days from `now`, seconds since 1970, until it ends; below 0: it has ended.
  std::int64_t days_left(std::int64_t now) const;
};

/// What a certificate is used for.
enum class CertificateUse : std::uint8_t { kAuthority, kTlsServer, kTlsClient };

/// Reads the first certificate of a PEM file.
/// @returns kUnavailable (cannot be read) or kDamaged (no certificate), naming the file.
Result<CertificateReport> describe_certificate(const std::string& path);

/// When a PEM file's list of revoked certificates must have been renewed, UTC, seconds since 1970: after that a broker
/// refuses every certificate.
/// @returns kUnavailable (cannot be read) or kDamaged (no such list), naming the file.
Result<std::int64_t> end_of_revocation_list(const std::string& path);

/// Is the private key that of the certificate?
/// @returns kUnavailable or kDamaged, naming the file at fault.
Result<void> check_key_of(const std::string& certificate, const std::string& key);

/// Would a peer that trusts the authority accept the certificate today, for this use?
/// @param[in] ca  PEM file of the authority.
/// @returns kUnavailable or kDamaged, naming the file at fault and what is wrong with it.
Result<void> check_chain(const std::string& ca, const std::string& certificate, CertificateUse use);

}  // namespace skink::provisioning
