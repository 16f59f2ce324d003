#include "skink/coordinator/provisioning/identity_text.hpp"

#include <fmt/format.h>
#include <openssl/err.h>

#include "openssl.hpp"
#include "skink/common/provisioning/identity.hpp"
#include "skink/common/provisioning/key_name.hpp"
#include "skink/common/wire/versions.hpp"
#include "skink/host/files/files.hpp"

namespace skink::provisioning {
namespace {

std::string text_of_span(Span<const char> text) { return {text.data(), text.size()}; }

std::string fingerprint(Bytes bytes) {
  char hex[2 * crypto::kDigestBytes + 1];
  crypto::to_hex(crypto::sha256(bytes), hex);
  return hex;
}

Error refusal(const std::string& path, Status status) {
  std::string text = path + ": refused: " + status_text(status);
  if (status == Status::kUnavailable) text = path + ": erased: this device is not provisioned";
  if (status == Status::kTruncated) text += "; copy it again";
  if (status == Status::kDamaged) text += " (magic number, length, SHA-256 or message); copy it again";
  if (status == Status::kNewerVersion) text += "; update this program";
  if (status == Status::kInvalidArgument) text += " (docs/identity.md has the ranges); its writer has a bug";
  return make_error(status, text);
}

std::string certificate_text(const char* label, X509* certificate, Bytes der) {
  const bool has_expired = X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0;
  return fmt::format("{:<12} {}, valid {} to {}{}\n             serial {}\n             sha256 {}\n", label,
                     common_name_of(certificate), date_text(X509_get0_notBefore(certificate)),
                     date_text(X509_get0_notAfter(certificate)), has_expired ? " (EXPIRED)" : "",
                     serial_text(X509_get0_serialNumber(certificate)), fingerprint(der));
}

/// Why the parts do not belong together; empty when they do. Of a key that a secure element keeps nothing can be said.
std::string contradiction(const std::string& id, X509* ca, X509* certificate, EVP_PKEY* key, bool is_named) {
  if (ca == nullptr) return "the CA certificate cannot be parsed";
  if (certificate == nullptr) return "the certificate cannot be parsed";
  if (key == nullptr && !is_named) return "the private key cannot be parsed";
  if (common_name_of(certificate) != id) return "the certificate is for '" + common_name_of(certificate) + "'";
  const bool is_signed = X509_verify(certificate, X509_get0_pubkey(ca)) == 1;
  const bool is_pair = is_named || X509_check_private_key(certificate, key) == 1;
  ERR_clear_error();
  if (!is_signed) return "the certificate is not signed by the CA beside it";
  if (!is_pair) return "the private key does not belong to the certificate";
  return {};
}

}  // namespace

Result<std::string> describe_identity(const std::string& path) {
  constexpr std::size_t kMostBytes = std::size_t{1} << 24;  // a whole flash may be given
  const auto content = read_file(path, kMostBytes);
  if (!content) return content.error();
  provisioning::DeviceIdentity identity;
  const Status status = provisioning::read_identity(bytes_of(*content), identity);
  if (status != Status::kOk) return refusal(path, status);
  const std::string id = text_of_span(identity.device_id);
  const Certificate ca = certificate_of(identity.ca_certificate);
  const Certificate certificate = certificate_of(identity.certificate);
  const EvpKey key = private_key_of(identity.private_key);
  const std::string key_of_element = text_of_span(key_name(identity.private_key));
  const std::string why = contradiction(id, ca.get(), certificate.get(), key.get(), !key_of_element.empty());
  if (!why.empty()) return make_error(Status::kDamaged, path + ": refused: " + why);

  const std::string host = text_of_span(identity.broker_host);
  const std::string name = text_of_span(identity.tls_server_name);
  std::string text = fmt::format("identity     {}, format {}\n", path, wire::kIdentityVersion);
  text += fmt::format("device       {} of fleet {}\n", id, text_of_span(identity.fleet));
  text += fmt::format("broker       {} port {}{}\n", host, identity.broker_port,
                      name == host ? "" : ", its certificate names " + name);
  for (const TimeServer& server : identity.time_servers) {
    if (!server.host.empty()) text += fmt::format("time server  {} port {}\n", text_of_span(server.host), server.port);
  }
  if (identity.time_servers[0].host.empty()) text += "time server  none\n";
  text += certificate_text("CA", ca.get(), identity.ca_certificate);
  text += certificate_text("certificate", certificate.get(), identity.certificate);
  text += key_of_element.empty()
              ? fmt::format("private key  {} bytes, belongs to the certificate\n", identity.private_key.size())
              : fmt::format("private key  in a secure element, as '{}'\n", key_of_element);
  text += fmt::format("HMAC key     sha256 {}\n", fingerprint(Bytes(identity.hmac_key.bytes)));
  text += fmt::format("release key  sha256 {}\n", fingerprint(identity.release_key));
  return text;
}

}  // namespace skink::provisioning
