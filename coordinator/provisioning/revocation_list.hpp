#pragma once
/// @file
/// A certificate revocation list (CRL, RFC 5280): read, extended, signed.

#include "authority.hpp"

namespace skink::provisioning {

using RevocationList = std::unique_ptr<X509_CRL, Freer<&X509_CRL_free>>;

/// What an authority has revoked.
struct AuthorityList {
  Authority authority;
  RevocationList list;
};

/// The lists of all authorities of the folder, in the order of Authority::open_all(); an empty one where the file has
/// none.
/// @returns as Authority::open(); kDamaged when the file holds something else than lists of these authorities.
Result<std::vector<AuthorityList>> read_revocation_lists(const PkiFolder& folder);

std::size_t count_of(X509_CRL* list);
bool is_on_list(X509_CRL* list, X509* certificate);

/// The next list: what `list` has and these certificates as of now.
/// @param[in] valid_days  0, or more than that: until the authority ends.
RevocationList next_list(X509_CRL* list, const std::vector<X509*>& certificates, const Authority& authority,
                         std::uint32_t valid_days);

std::string pem_of(X509_CRL* list);

}  // namespace skink::provisioning
