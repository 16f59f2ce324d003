#pragma once
/// @file
/// New certificates for devices that are in the field, and another authority for a fleet without visiting its devices.
/// docs/provisioning.md, "Renewing certificates over the connection".

#include <cstdint>
#include <string>
#include <vector>

#include "skink/common/span.hpp"
#include "skink/host/result.hpp"

namespace skink::provisioning {

/// A certificate that was issued for a key which only its device has.
struct IssuedCertificate {
  std::vector<std::uint8_t> der;
  std::string serial;       ///< hexadecimal
  std::string valid_until;  ///< 2036-11-20
};

/// Issues a certificate for a request, and keeps it in the folder as issued-SERIAL.pem, where a revocation finds it.
/// The authority that takes over signs, if there is one.
///
/// @param[in] pki      folder with ca.key
/// @param[in] request  PKCS #10, DER; any bytes
/// @param[in] days     that it is valid; no longer than the authority
/// @returns kInvalidArgument: the request is none, is for another name, is not signed by its own P-256 key, or the
///          device is revoked; kUnavailable or kDamaged, naming the file at fault, or when another program issues
///          there.
Result<IssuedCertificate> answer_request(const std::string& pki, const std::string& id, Bytes request,
                                         std::uint32_t days);

/// Is the certificate for the key of the request? Any bytes, DER.
bool certifies(Bytes certificate, Bytes request);

/// The device has connected with it: it is cert.pem from now on, and what was there, or was issued in vain, is kept as
/// replaced-SERIAL.pem, and stays valid. @returns kInvalidArgument for what is no certificate; kUnavailable or kDamaged
/// naming the file at fault, or when another program issues there.
Result<void> confirm_certificate(const std::string& pki, const std::string& id, Bytes certificate);

/// When the authority that signs for devices ends, UTC, seconds since 1970. @returns kUnavailable or kDamaged naming
/// the file.
Result<std::int64_t> end_of_authority(const std::string& pki);

/// Whom devices shall trust from now on: the file that a renewal carries (docs/release.md). Empty: nobody but the
/// authority of their identities. @returns kUnavailable or kDamaged naming the file.
Result<std::string> signed_authorities(const std::string& pki);

/// When the certificate that a device connects with ends, UTC, seconds since 1970. @returns kUnavailable or kDamaged
/// naming the file.
Result<std::int64_t> end_of_certificate(const std::string& pki, const std::string& id);

/// How far another authority has got.
enum class AuthorityChange : std::uint8_t { kNone, kAnnounced, kAdopted };
/// "none", "announced", "adopted".
const char* authority_change_text(AuthorityChange change);
/// How far it is in this folder.
AuthorityChange authority_change(const std::string& pki);

/// Makes the next authority: it is trusted, and signs for devices from now on. Repeat it after a power cut.
/// @returns kInvalidArgument when one is adopted and the former is not retired, or two do not fit in a message to a
///          device; kUnavailable or kDamaged naming a file.
Result<void> announce_authority(const std::string& pki, std::uint32_t days);
/// It becomes the fleet's authority; the former one is still trusted. Repeat it after a power cut.
/// @returns kInvalidArgument when none is announced; kUnavailable or kDamaged naming a file.
Result<void> adopt_authority(const std::string& pki);
/// Signs whom devices shall trust again, with a number above all that they have seen: of a folder that was restored
/// from a backup they refuse it otherwise (OLDER_RELEASE). @returns kUnavailable or kDamaged naming a file.
Result<void> sign_authorities_again(const std::string& pki);
/// Devices of which no certificate of the present authority is in the folder, by id; without those that are lost since
/// their authority is retired.
Result<std::vector<std::string>> devices_of_former(const std::string& pki);
/// The former authority is trusted no more: what it has signed is of no use.
/// @returns kInvalidArgument when there is none, or adopting is not finished; kUnavailable or kDamaged naming a file.
Result<void> retire_authority(const std::string& pki);

}  // namespace skink::provisioning
