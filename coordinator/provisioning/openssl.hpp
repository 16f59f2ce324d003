#pragma once
/// @file
/// What provisioning needs of OpenSSL: owners for its objects, and its objects from and to files and text.
///
/// What OpenSSL refuses because of a file is an error. What it can only refuse for lack of memory throws
/// std::runtime_error.

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <vector>

#include "skink/common/span.hpp"
#include "skink/host/files/files.hpp"
#include "skink/host/result.hpp"

namespace skink::provisioning {

template <auto kFree>
struct Freer {
  template <class T>
  void operator()(T* object) const noexcept {
    kFree(object);
  }
};
using EvpKey = std::unique_ptr<EVP_PKEY, Freer<&EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freer<&X509_free>>;
using Memory = std::unique_ptr<BIO, Freer<&BIO_free_all>>;
using Time = std::unique_ptr<ASN1_TIME, Freer<&ASN1_TIME_free>>;
using Der = std::vector<std::uint8_t>;

/// Throws when `done` is false: out of memory, or a bug of ours.
void require(bool done, const char* what);

/// The first error in OpenSSL's queue as text; empties the queue.
std::string take_openssl_error();

/// Reads from `text`, which outlives it.
Memory memory_with(const std::string& text);

/// What `parse` makes of a PEM file; `what` names it in the error.
template <class Object, class Parse>
Result<Object> read_pem(const std::string& path, const char* what, Parse parse) {
  constexpr std::size_t kMostBytes = std::size_t{1} << 26;  // a list of half a million revoked certificates
  const auto text = read_file(path, kMostBytes);
  if (!text) return because(text.error(), Cause::kCredentials);
  const Memory memory = memory_with(*text);
  ERR_clear_error();
  Object object(parse(memory.get()));
  if (object) return object;
  return make_error(Status::kDamaged, path + ": not a " + what + " in PEM form: " + take_openssl_error(),
                    Cause::kCredentials);
}

/// What `write` puts into memory.
template <class Write>
std::string collect_pem(Write write) {
  const Memory memory(BIO_new(BIO_s_mem()));
  require(memory != nullptr && write(memory.get()) == 1, "writing PEM");
  std::string text(BIO_ctrl_pending(memory.get()), '\0');
  const int size = static_cast<int>(text.size());
  require(BIO_read(memory.get(), text.data(), size) == size, "writing PEM");
  return text;
}

/// PEM files. A private key may be protected by a pass phrase; OpenSSL asks for it at the terminal.
Result<Certificate> read_certificate(const std::string& path);
Result<EvpKey> read_private_key(const std::string& path);
Result<EvpKey> read_public_key(const std::string& path);

/// Null when the bytes are not exactly one such structure.
Certificate certificate_of(Bytes der);
EvpKey private_key_of(Bytes der);

std::string pem_of(X509* certificate);
std::string private_pem_of(EVP_PKEY* key);  ///< PKCS#8, not encrypted
std::string public_pem_of(EVP_PKEY* key);
Der der_of(X509* certificate);
Der private_der_of(EVP_PKEY* key);  ///< SEC1 for a key on a curve

/// The curve of every key that this project makes.
EvpKey generate_p256_key();
/// 04 x y; empty when it is not a P-256 key.
Der p256_point_of(EVP_PKEY* key);

/// Of a certificate's subject; empty: it has none.
std::string common_name_of(X509* certificate);
std::string organization_of(X509* certificate);
std::string serial_text(const ASN1_INTEGER* serial);  ///< lower-case hexadecimal
std::string date_text(const ASN1_TIME* time);         ///< 2036-11-20, UTC

}  // namespace skink::provisioning
