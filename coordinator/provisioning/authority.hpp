#pragma once
/// @file
/// The fleet's certificate authority: what it signs, and whether it is fit to sign.

#include <vector>

#include "openssl.hpp"
#include "pki_folder.hpp"

namespace skink::provisioning {

/// Certificates and lists begin so much earlier: a broker whose clock is a little slow would refuse a device, or with a
/// list everybody.
inline constexpr int kClockSlackSeconds = -3600;

/// Has the authority signed it?
bool has_signed(X509* authority, X509* certificate);

/// The certificates of the authorities that are retired: a broker lets in nobody with a certificate of theirs, so that
/// it needs no list of revoked ones. @returns kUnavailable or kDamaged, naming the file at fault.
Result<std::vector<Certificate>> retired_authorities(const PkiFolder& folder);
/// Keeps the certificate of one that is retired. @returns kUnavailable, naming the file.
Result<void> keep_retired(const PkiFolder& folder, X509* authority);

class Authority {
 public:
  /// What becomes of one that has expired.
  enum class Expired : std::uint8_t { kIsRefused, kIsTaken };
  /// Reads certificate and key, and checks that they belong together and may sign today.
  /// @returns kUnavailable or kDamaged, naming the file at fault.
  static Result<Authority> open(const PkiFolder& folder, Expired expired = Expired::kIsRefused);

  /// That of the folder, then the one that takes over, or was replaced, if there is one: whoever has a certificate of
  /// one of them is let in. Of those two one that has expired is no fault. @returns as open()
  static Result<std::vector<Authority>> open_all(const PkiFolder& folder);

  /// A new authority for a fleet: its key, and a certificate that it has signed itself, valid for so many days.
  static Authority create(const std::string& fleet, std::uint32_t days);

  /// A certificate for TLS clients: O = the fleet, CN = the device's id, a random serial number. It ends after so
  /// many days, or with the authority.
  Certificate issue(EVP_PKEY* device_key, const std::string& fleet, const std::string& device_id,
                    std::uint32_t days) const;

  /// A certificate for TLS servers, as issue(); `hosts`, DNS names and addresses that check_host() accepts, one at
  /// least, become its subject alternative names, the first one its common name.
  Certificate issue_server(EVP_PKEY* server_key, const std::string& fleet, const std::vector<std::string>& hosts,
                           std::uint32_t days) const;

  /// Whose authority it is, from its name as scripts/make-pki gives it (O = the fleet, CN = "skink CA"; once O = "skink
  /// <fleet>"); empty: it does not say.
  std::string fleet() const;

  bool has_signed(X509* certificate) const { return provisioning::has_signed(certificate_.get(), certificate); }

  X509* certificate() const { return certificate_.get(); }
  EVP_PKEY* key() const { return key_.get(); }

 private:
  Certificate begin(EVP_PKEY* key, const std::string& fleet, const std::string& name, std::uint32_t days) const;
  void sign(X509* certificate) const;

  Certificate certificate_;
  EvpKey key_;
};

}  // namespace skink::provisioning
