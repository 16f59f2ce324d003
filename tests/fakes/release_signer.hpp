#pragma once
/// @file
/// A release key that nobody else has, and the headers that it signs (docs/release.md).

#include <openssl/ecdsa.h>
#include <openssl/evp.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <memory>
#include <vector>

#include "skink/common/provisioning/identity.hpp"
#include "skink/common/provisioning/signed_release.hpp"

namespace skink::test {

class ReleaseSigner {
 public:
  ReleaseSigner() : key_(EVP_EC_gen("P-256"), &EVP_PKEY_free), point_(provisioning::kReleaseKeyBytes) {
    std::size_t size = 0;
    REQUIRE(EVP_PKEY_get_octet_string_param(key_.get(), "pub", point_.data(), point_.size(), &size) == 1);
    REQUIRE(size == point_.size());
  }

  /// The public half as a device's identity has it.
  Bytes key() const { return {point_.data(), point_.size()}; }

  /// Manifest and signature.
  std::vector<std::uint8_t> header(std::uint32_t number, Bytes content,
                                   provisioning::ReleaseKind kind = provisioning::ReleaseKind::kModel) const {
    provisioning::Release release;
    release.kind = kind;
    release.number = number;
    release.name = {"bench", 5};
    release.content = content;
    std::uint8_t manifest[provisioning::kManifestBytes];
    REQUIRE(provisioning::write_manifest(release, manifest) == Status::kOk);
    std::vector<std::uint8_t> out(manifest, manifest + sizeof manifest);
    out.resize(provisioning::kReleaseHeaderBytes);
    sign(Bytes(manifest), out.data() + sizeof manifest);
    return out;
  }

 private:
  void sign(Bytes message, std::uint8_t* out) const {
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
    REQUIRE(EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key_.get()) == 1);
    std::vector<std::uint8_t> der(128);
    std::size_t size = der.size();
    REQUIRE(EVP_DigestSign(context.get(), der.data(), &size, message.data(), message.size()) == 1);
    const unsigned char* at = der.data();
    const std::unique_ptr<ECDSA_SIG, decltype(&ECDSA_SIG_free)> pair(
        d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(size)), &ECDSA_SIG_free);
    constexpr int kHalf = crypto::kSignatureBytes / 2;
    REQUIRE(BN_bn2binpad(ECDSA_SIG_get0_r(pair.get()), out, kHalf) == kHalf);
    REQUIRE(BN_bn2binpad(ECDSA_SIG_get0_s(pair.get()), out + kHalf, kHalf) == kHalf);
  }

  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key_;
  std::vector<std::uint8_t> point_;
};

}  // namespace skink::test
