/// @file
/// Release partitions: as they are, and signed, so that what lies after the signature is reached. What is read lies
/// inside the partition.

#include <cstring>
#include <vector>

#include "harness.hpp"
#include "skink/common/little_endian.hpp"
#include "skink/common/provisioning/signed_release.hpp"

#ifdef SKINK_FUZZ_SIGNS
// What replaces these functions takes a page.
#define OPENSSL_SUPPRESS_DEPRECATED  // NOLINT(readability-identifier-naming): OpenSSL's name
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/obj_mac.h>
#endif

namespace skink::test {
namespace {

// The generator of P-256: the public key whose private key is 1.
constexpr std::uint8_t kPublicKey[65] = {0x04, 0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5,
                                         0x63, 0xa4, 0x40, 0xf2, 0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4,
                                         0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96, 0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a,
                                         0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16, 0x2b, 0xce, 0x33,
                                         0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5};

Status check(Bytes partition) {
  provisioning::Release release;
  const Status status = provisioning::read_release(partition, Bytes(kPublicKey), release);
  if (status != Status::kOk) return status;
  promise(release.content.size() == release.content_bytes && !release.content.empty(), "the length is the content's");
  promise(release.content.begin() >= partition.begin() && release.content.end() <= partition.end(),
          "the content lies inside the partition");
  promise(release.name.size() > 0 && release.name.size() <= provisioning::kMaxReleaseNameBytes,
          "the name has a length");
  std::uint8_t manifest[provisioning::kManifestBytes];
  promise(provisioning::write_manifest(release, manifest) == Status::kOk, "a manifest can be written");
  promise(std::memcmp(manifest, partition.data(), sizeof manifest) == 0, "to the same bytes");
  return status;
}

#ifdef SKINK_FUZZ_SIGNS
void sign(Bytes manifest, std::uint8_t* signature) {
  EC_KEY* key = EC_KEY_new_by_curve_name(NID_X9_62_prime256v1);
  BIGNUM* one = BN_new();
  BN_one(one);
  EC_KEY_set_private_key(key, one);
  const crypto::Digest digest = crypto::sha256(manifest);
  ECDSA_SIG* made = ECDSA_do_sign(digest.bytes, crypto::kDigestBytes, key);
  promise(made != nullptr, "it can be signed");
  BN_bn2binpad(ECDSA_SIG_get0_r(made), signature, 32);
  BN_bn2binpad(ECDSA_SIG_get0_s(made), signature + 32, 32);
  ECDSA_SIG_free(made);
  BN_free(one);
  EC_KEY_free(key);
}

void check_signed(std::vector<std::uint8_t> partition) {
  sign({partition.data(), provisioning::kManifestBytes}, partition.data() + provisioning::kManifestBytes);
  promise(check({partition.data(), partition.size()}) != Status::kWrongAuthentication, "the signature holds");
}
#endif

}  // namespace

void fuzz_release(Bytes input) {
  static_cast<void>(check(input));
#ifdef SKINK_FUZZ_SIGNS
  constexpr std::size_t kLengthAt = 12;
  constexpr std::size_t kDigestAt = 16;
  if (input.size() < provisioning::kReleaseHeaderBytes) return;
  std::vector<std::uint8_t> partition(input.begin(), input.end());
  std::memcpy(partition.data(), "SKR\0\1\0", 6);
  check_signed(partition);
  // And with a length and digest that are right.
  const std::size_t content = partition.size() - provisioning::kReleaseHeaderBytes;
  store_u32(partition.data() + kLengthAt, static_cast<std::uint32_t>(content));
  const crypto::Digest digest = crypto::sha256({partition.data() + provisioning::kReleaseHeaderBytes, content});
  std::memcpy(partition.data() + kDigestAt, digest.bytes, crypto::kDigestBytes);
  check_signed(partition);
#endif
}

}  // namespace skink::test
