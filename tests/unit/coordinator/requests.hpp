#pragma once
/// @file
/// Requests for certificates, as devices send them.

#include <openssl/x509.h>

#include <string>
#include <vector>

namespace skink::test {

/// PKCS #10, DER, for a new key on this curve.
inline std::vector<std::uint8_t> certificate_request(const std::string& name, const char* curve = "P-256") {
  EVP_PKEY* key = EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", curve);
  X509_REQ* request = X509_REQ_new();
  X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(request), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  X509_REQ_set_pubkey(request, key);
  X509_REQ_sign(request, key, EVP_sha256());
  unsigned char* der = nullptr;
  const int size = i2d_X509_REQ(request, &der);
  std::vector<std::uint8_t> bytes(der, der + size);
  OPENSSL_free(der);
  X509_REQ_free(request);
  EVP_PKEY_free(key);
  return bytes;
}

}  // namespace skink::test
