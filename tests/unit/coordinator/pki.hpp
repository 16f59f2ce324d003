#pragma once
/// @file
/// A fleet's folder of keys and certificates for a test, with an authority of any age.

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "skink/host/files/files.hpp"
#include "unit/host/temporary_folder.hpp"

namespace skink::test {

struct AuthorityOptions {
  int first_day = -1;  ///< of its validity, from today
  int last_day = 3650;
  bool is_authority = true;
};

/// PEM of a certificate and of its key.
struct SelfSigned {
  std::string certificate;
  std::string key;
};

inline std::string text_of(BIO* memory) {
  std::string text(BIO_ctrl_pending(memory), '\0');
  BIO_read(memory, text.data(), static_cast<int>(text.size()));
  BIO_free(memory);
  return text;
}

inline SelfSigned self_signed(const AuthorityOptions& options = {}, const char* curve = "P-256") {
  EVP_PKEY* key = EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", curve);
  X509* certificate = X509_new();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 7);
  X509_time_adj_ex(X509_getm_notBefore(certificate), options.first_day, 0, nullptr);
  X509_time_adj_ex(X509_getm_notAfter(certificate), options.last_day, 0, nullptr);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>("test CA"), -1, -1, 0);
  X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
  X509_set_pubkey(certificate, key);
  X509V3_CTX context;
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const auto extend = [&](int kind, const char* value) {
    X509_EXTENSION* extension = X509V3_EXT_nconf_nid(nullptr, &context, kind, value);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
  };
  extend(NID_basic_constraints, options.is_authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
  if (options.is_authority) extend(NID_key_usage, "critical,keyCertSign,cRLSign");
  extend(NID_subject_key_identifier, "hash");
  X509_sign(certificate, key, EVP_sha256());
  BIO* certificate_text = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(certificate_text, certificate);
  BIO* key_text = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(key_text, key, nullptr, nullptr, 0, nullptr, nullptr);
  X509_free(certificate);
  EVP_PKEY_free(key);
  return {text_of(certificate_text), text_of(key_text)};
}

/// ca.pem, ca.key and master.key; everything else is made by who is tested.
class Pki {
 public:
  explicit Pki(const AuthorityOptions& options = {}) {
    const SelfSigned authority = self_signed(options);
    folder.write("ca.pem", authority.certificate);
    folder.write("ca.key", authority.key);
    folder.write("master.key", std::string(64, 'a').append("\n"));
  }

  std::string path() const { return folder.path(); }
  std::string file(const std::string& name) const { return folder.file(name); }

  /// Every file below the folder with its content.
  std::map<std::string, std::string> content() const {
    std::map<std::string, std::string> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(path())) {
      if (entry.is_regular_file()) files[entry.path().string()] = read_file(entry.path().string()).value();
    }
    return files;
  }

  TemporaryFolder folder;
};

using TestCertificate = std::unique_ptr<X509, decltype(&X509_free)>;

inline TestCertificate certificate_in(const std::string& path) {
  const std::string text = read_file(path).value();
  BIO* memory = BIO_new_mem_buf(text.data(), static_cast<int>(text.size()));
  TestCertificate certificate(PEM_read_bio_X509(memory, nullptr, nullptr, nullptr), &X509_free);
  BIO_free(memory);
  return certificate;
}

}  // namespace skink::test
