#include "tls_context.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <boost/asio/buffer.hpp>
#include <string>

#include "skink/host/files/files.hpp"

namespace skink::coordinator::http {
namespace {

namespace ssl = boost::asio::ssl;
using ErrorCode = boost::system::error_code;

constexpr std::size_t kMostFileBytes = std::size_t{1} << 20;

/// Of TLS 1.2: forward secrecy and authenticated encryption. 1.3 has nothing else.
constexpr const char* kCiphers = "ECDHE+AESGCM:ECDHE+CHACHA20";

Result<std::string> read_pem(const std::string& path) {
  auto text = read_file(path, kMostFileBytes);
  if (!text) return because(text.error(), Cause::kCredentials);
  return text;
}

Error unusable(const std::string& path, const char* what, const ErrorCode& code) {
  ERR_clear_error();
  return make_error(Status::kDamaged, path + ": no " + what + " in PEM form: " + code.message(), Cause::kCredentials);
}

}  // namespace

Result<std::shared_ptr<ssl::context>> load_tls(const TlsFiles& files) {
  const auto chain = read_pem(files.certificate_chain);
  if (!chain) return chain.error();
  const auto key = read_pem(files.private_key);
  if (!key) return key.error();
  auto context = std::make_shared<ssl::context>(ssl::context::tls_server);
  SSL_CTX* native = context->native_handle();
  SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
  SSL_CTX_set_options(native, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_cipher_list(native, kCiphers);
  SSL_CTX_set_session_cache_mode(native, SSL_SESS_CACHE_OFF);
  // A key that wants a password is refused; OpenSSL would ask for it on the terminal.
  SSL_CTX_set_default_passwd_cb(native, [](char*, int, int, void*) { return -1; });
  ErrorCode code;
  context->use_certificate_chain(boost::asio::buffer(*chain), code);
  if (code) return unusable(files.certificate_chain, "certificate", code);
  context->use_private_key(boost::asio::buffer(*key), ssl::context::pem, code);
  const int reason = ERR_GET_REASON(static_cast<unsigned long>(code.value()));
  if (code && (reason == X509_R_KEY_VALUES_MISMATCH || reason == X509_R_KEY_TYPE_MISMATCH)) {
    ERR_clear_error();
    return make_error(Status::kDamaged,
                      files.private_key + ": the key does not belong to the certificate " + files.certificate_chain,
                      Cause::kCredentials);
  }
  if (code) return unusable(files.private_key, "private key without a password", code);
  return context;
}

}  // namespace skink::coordinator::http
