#pragma once
/// @file
/// A certificate revocation list (CRL, RFC 5280): read, extended, signed.

#include "authority.hpp"

namespace skink::provisioning {

using RevocationList = std::unique_ptr<X509_CRL, Freer<&X509_CRL_free>>;

/// An empty list where there is no file.
/// @returns kDamaged when the file holds something else than a list of this authority.
Result<RevocationList> read_revocation_list(const std::string& path, const Authority& authority);

std::size_t count_of(X509_CRL* list);
bool is_on_list(X509_CRL* list, X509* certificate);

/// The next list: what `list` has and these certificates as of now.
/// @param[in] valid_days  0, or more than that: until the authority ends.
RevocationList next_list(X509_CRL* list, const std::vector<X509*>& certificates, const Authority& authority,
                         std::uint32_t valid_days);

std::string pem_of(X509_CRL* list);

}  // namespace skink::provisioning
