#include "tls_credentials.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

namespace skink::mqtt::internal {
namespace {

struct FileCloser {
  void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, FileCloser>;

Result<void> check_readable(const char* what, const std::string& path) {
  const File file(std::fopen(path.c_str(), "rb"));
  if (file && std::fgetc(file.get()) != EOF) return {};
  const char* reason = !file || std::ferror(file.get()) != 0 ? std::strerror(errno) : "it is empty";
  return make_error(Status::kUnavailable, std::string("cannot read the ") + what + " '" + path + "': " + reason,
                    Cause::kCredentials);
}

Error unusable(const char* what, const std::string& path) {
  return make_error(
      Status::kDamaged,
      std::string("the ") + what + " '" + path + "' is not usable (PEM is wanted): " + take_openssl_error(),
      Cause::kCredentials);
}

using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;

/// Null when there is none, with OpenSSL's error.
Certificate read_certificate(const std::string& path) {
  const File file(std::fopen(path.c_str(), "rb"));
  return {file ? PEM_read_X509(file.get(), nullptr, nullptr, nullptr) : nullptr, &X509_free};
}

std::string text_of(const ASN1_TIME* time) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> memory(BIO_new(BIO_s_mem()), &BIO_free);
  if (!memory || ASN1_TIME_print(memory.get(), time) != 1) return "?";
  std::array<char, 64> text{};
  const int length = BIO_read(memory.get(), text.data(), static_cast<int>(text.size()));
  return {text.data(), static_cast<std::size_t>(length > 0 ? length : 0)};
}

}  // namespace

std::string take_openssl_error() {
  const unsigned long error = ERR_get_error();
  ERR_clear_error();
  const char* reason = error != 0 ? ERR_reason_error_string(error) : nullptr;
  return reason != nullptr ? reason : "unknown reason";
}

Result<SslContext> load_credentials(const SessionOptions& options) {
  const struct {
    const char* what;
    const std::string& path;
  } files[] = {
      {"CA file", options.ca_file}, {"certificate file", options.certificate_file}, {"key file", options.key_file}};
  for (const auto& file : files) {
    if (const Result<void> readable = check_readable(file.what, file.path); !readable) return readable.error();
  }
  ERR_clear_error();
  SslContext context(SSL_CTX_new(TLS_client_method()));
  if (!context) return make_error(Status::kUnavailable, "OpenSSL: " + take_openssl_error());
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  if (SSL_CTX_load_verify_locations(context.get(), options.ca_file.c_str(), nullptr) != 1) {
    return unusable("CA file", options.ca_file);
  }
  if (SSL_CTX_use_certificate_chain_file(context.get(), options.certificate_file.c_str()) != 1) {
    return unusable("certificate file", options.certificate_file);
  }
  if (SSL_CTX_use_PrivateKey_file(context.get(), options.key_file.c_str(), SSL_FILETYPE_PEM) == 1) return context;
  const int reason = ERR_GET_REASON(ERR_peek_error());
  if (reason != X509_R_KEY_VALUES_MISMATCH && reason != X509_R_KEY_TYPE_MISMATCH) {
    return unusable("key file", options.key_file);
  }
  ERR_clear_error();
  return make_error(Status::kDamaged, "the key file '" + options.key_file + "' does not belong to the certificate '" +
                                          options.certificate_file + "'");
}

std::string validity_problem(const std::string& certificate_file) {
  const Certificate certificate = read_certificate(certificate_file);
  ERR_clear_error();
  if (!certificate) return {};
  const ASN1_TIME* end = X509_get0_notAfter(certificate.get());
  if (X509_cmp_current_time(end) < 0) return "has expired on " + text_of(end);
  const ASN1_TIME* begin = X509_get0_notBefore(certificate.get());
  if (X509_cmp_current_time(begin) > 0) return "is not valid before " + text_of(begin) + " (is the clock right?)";
  return {};
}

}  // namespace skink::mqtt::internal

namespace skink::mqtt {

Result<std::vector<std::uint8_t>> public_point_of(const std::string& key_file) {
  const Result<void> readable = internal::check_readable("key file", key_file);
  if (!readable) return readable.error();
  ERR_clear_error();
  const internal::File file(std::fopen(key_file.c_str(), "rb"));
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      file ? PEM_read_PUBKEY(file.get(), nullptr, nullptr, nullptr) : nullptr, &EVP_PKEY_free);
  if (!key) return internal::unusable("key file", key_file);
  constexpr std::size_t kPointBytes = 65;
  std::vector<std::uint8_t> point(kPointBytes + 1);
  std::size_t size = 0;
  std::array<char, 32> group{};
  if (EVP_PKEY_get_group_name(key.get(), group.data(), group.size(), nullptr) != 1 ||
      std::string(group.data()) != "prime256v1" ||
      EVP_PKEY_get_octet_string_param(key.get(), "pub", point.data(), point.size(), &size) != 1 ||
      size != kPointBytes) {
    ERR_clear_error();
    return make_error(Status::kDamaged, "the key file '" + key_file + "' has no P-256 key", Cause::kCredentials);
  }
  point.resize(size);
  return point;
}

Result<std::string> common_name_of(const std::string& certificate_file) {
  const Result<void> readable = internal::check_readable("certificate file", certificate_file);
  if (!readable) return readable.error();
  ERR_clear_error();
  const internal::Certificate certificate = internal::read_certificate(certificate_file);
  if (!certificate) return internal::unusable("certificate file", certificate_file);
  const X509_NAME* subject = X509_get_subject_name(certificate.get());
  const int position = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (position < 0) {
    return make_error(Status::kDamaged, "the certificate file '" + certificate_file + "' has no common name");
  }
  const ASN1_STRING* name = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, position));
  return std::string(reinterpret_cast<const char*>(ASN1_STRING_get0_data(name)),
                     static_cast<std::size_t>(ASN1_STRING_length(name)));
}

}  // namespace skink::mqtt
