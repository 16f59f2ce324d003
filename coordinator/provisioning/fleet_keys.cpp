#include "skink/coordinator/provisioning/fleet_keys.hpp"

#include <openssl/rand.h>

#include "authority.hpp"
#include "revocation_list.hpp"
#include "skink/coordinator/provisioning/host_name.hpp"
#include "skink/coordinator/provisioning/revocation.hpp"

namespace skink::provisioning {
namespace {

std::string random_key_text() {
  crypto::Digest bits;
  require(RAND_bytes(bits.bytes, sizeof bits.bytes) == 1, "making random numbers");
  char hex[2 * crypto::kDigestBytes + 1];
  crypto::to_hex(bits, hex);
  return std::string(hex) + "\n";
}

struct NewFile {
  std::string path;
  std::string content;
  Readers readers;
};

}  // namespace

Result<void> make_fleet_keys(const std::string& folder, const std::string& fleet) {
  const PkiFolder pki{folder};
  const Authority authority = Authority::create(fleet, kAuthorityDays);
  const RevocationList none(X509_CRL_new());
  require(none != nullptr, "making a revocation list");
  const EvpKey release = generate_p256_key();
  for (const NewFile& file : {
           NewFile{pki.ca_key(), private_pem_of(authority.key()), Readers::kOwner},
           NewFile{pki.ca(), pem_of(authority.certificate()), Readers::kEverybody},
           NewFile{pki.master_key(), random_key_text(), Readers::kOwner},
           NewFile{pki.release_key(), private_pem_of(release.get()), Readers::kOwner},
           NewFile{pki.release_public_key(), public_pem_of(release.get()), Readers::kEverybody},
           NewFile{pki.certificate_list(), pem_of(next_list(none.get(), {}, authority, 0).get()), Readers::kEverybody},
           NewFile{pki.revoked_list(), kRevokedListHead, Readers::kEverybody},
       }) {
    auto written = write_unsynchronised(file.path, file.content, file.readers);
    if (!written) return written;
  }
  return {};
}

Result<KeyPair> issue_client_pair(const std::string& folder, const std::string& name, std::uint32_t days) {
  const auto authority = Authority::open(PkiFolder{folder});
  if (!authority) return authority.error();
  const EvpKey key = generate_p256_key();
  const Certificate certificate = authority->issue(key.get(), authority->fleet(), name, days);
  return KeyPair{pem_of(certificate.get()), private_pem_of(key.get())};
}

Result<KeyPair> issue_server_pair(const std::string& folder, const std::vector<std::string>& hosts,
                                  std::uint32_t days) {
  if (hosts.empty()) return make_error(Status::kInvalidArgument, "a server needs a name or an address");
  for (const std::string& host : hosts) {
    const auto fine = check_host(host);
    if (!fine) return fine.error();
  }
  const auto authority = Authority::open(PkiFolder{folder});
  if (!authority) return authority.error();
  const EvpKey key = generate_p256_key();
  const Certificate certificate = authority->issue_server(key.get(), authority->fleet(), hosts, days);
  return KeyPair{pem_of(certificate.get()), private_pem_of(key.get())};
}

}  // namespace skink::provisioning
