#include "skink/coordinator/provisioning/renewal.hpp"

#include <openssl/x509v3.h>

#include <filesystem>

#include "authority.hpp"
#include "release_key.hpp"
#include "skink/common/provisioning/signed_release.hpp"
#include "skink/coordinator/provisioning/certificate_report.hpp"
#include "skink/host/files/files.hpp"
#include "skink/host/files/removed_at_end.hpp"

namespace skink::provisioning {
namespace {

namespace fs = std::filesystem;

using Request = std::unique_ptr<X509_REQ, Freer<&X509_REQ_free>>;

Error refused(const std::string& id, const std::string& why) {
  return make_error(Status::kInvalidArgument, id + ": its request for a certificate is refused: " + why);
}

std::string name_in(X509_REQ* request) {
  char text[256] = "";
  const int length = X509_NAME_get_text_by_NID(X509_REQ_get_subject_name(request), NID_commonName, text, sizeof text);
  return length < 0 ? std::string() : std::string(text, static_cast<std::size_t>(length));
}

/// The key that is to be certified.
Result<EvpKey> key_in(const std::string& id, Bytes bytes) {
  const unsigned char* at = bytes.data();
  const Request request(d2i_X509_REQ(nullptr, &at, static_cast<long>(bytes.size())));
  const bool is_whole = request != nullptr && at == bytes.data() + bytes.size();
  ERR_clear_error();
  if (!is_whole) return refused(id, "it is no PKCS #10 request");
  EvpKey key(X509_REQ_get_pubkey(request.get()));
  const bool is_p256 = key != nullptr && !p256_point_of(key.get()).empty();
  const bool is_signed = is_p256 && X509_REQ_verify(request.get(), key.get()) == 1;
  ERR_clear_error();
  if (!is_p256) return refused(id, "its key is not on the curve P-256");
  if (!is_signed) return refused(id, "it is not signed by its own key");
  if (name_in(request.get()) != id) return refused(id, "it is for another name");
  return key;
}

Result<void> copy_into(const std::string& from, const std::string& to, Readers readers) {
  std::error_code code;
  if (!fs::exists(from, code)) return {};
  const auto content = read_file(from);
  return content ? write_unsynchronised(to, *content, readers) : Result<void>(content.error());
}

/// What a device had, and its new certificate, put together where it is not in its place yet. Its key is the device's;
/// the one that is here belongs to the certificate that is replaced.
Result<void> put_together(const PkiFolder& folder, const std::string& id, X509* certificate) {
  const std::string made = folder.unfinished();
  const std::string place = folder.device(id);
  auto done = make_folder(made);
  if (done) done = write_unsynchronised(made + "/cert.pem", pem_of(certificate), Readers::kAsUsual);
  if (done) done = copy_into(place + "/hmac.key", made + "/hmac.key", Readers::kOwner);
  for (const std::string& path : certificates_in(place)) {
    const auto old = read_certificate(path);
    if (!old) return old.error();
    const std::string kept = made + "/replaced-" + serial_text(X509_get0_serialNumber(old->get()));
    if (done) done = write_unsynchronised(kept + ".pem", pem_of(old->get()));
    const std::string key = path == place + "/cert.pem" ? place + "/key.pem" : path.substr(0, path.size() - 4) + ".key";
    if (done) done = copy_into(key, kept + ".key", Readers::kOwner);
  }
  return done ? sync_folder(made) : done;
}

}  // namespace

Result<IssuedCertificate> answer_request(const std::string& pki, const std::string& id, Bytes request,
                                         std::uint32_t days) {
  const PkiFolder folder{pki};
  const auto key = key_in(id, request);
  if (!key) return key.error();
  const auto lock = lock_folder(folder);
  if (!lock) return lock.error();
  const auto revoked = known_revoked(folder);
  if (!revoked) return revoked.error();
  if (revoked->count(id) != 0) return refused(id, "it is revoked");
  std::error_code code;
  const auto authority = Authority::open(fs::exists(folder.next().ca(), code) ? folder.next() : folder);
  if (!authority) return authority.error();
  const Certificate certificate = authority->issue(key->get(), authority->fleet(), id, days);
  const std::string place = folder.device(id);
  fs::remove_all(folder.unfinished(), code);  // of a process that was killed
  RemovedAtEnd remains(folder.unfinished());
  auto done = make_folder(fs::path(place).parent_path().string());
  if (done) done = put_together(folder, id, certificate.get());
  if (done)
    done = move_folder(folder.unfinished(), place, fs::exists(place, code) ? Occupied::kExchange : Occupied::kRefuse);
  if (!done) return done.error();
  return IssuedCertificate{der_of(certificate.get()), serial_text(X509_get0_serialNumber(certificate.get())),
                           date_text(X509_get0_notAfter(certificate.get()))};
}

Result<std::string> signed_authorities(const std::string& pki) {
  const PkiFolder folder{pki};
  std::error_code code;
  if (!fs::exists(folder.authorities(), code)) return std::string();
  auto file = read_file(folder.authorities(), std::size_t{1} << 16);
  if (!file) return file;
  const auto key = release_point(folder);
  if (!key) return key.error();
  Release release;
  const Status status = read_release(bytes_of(*file), {key->data(), key->size()}, release);
  if (status != Status::kOk || release.kind != ReleaseKind::kAuthorities) {
    return make_error(Status::kDamaged, folder.authorities() + ": not signed with " + folder.release_key());
  }
  return file;
}

Result<std::int64_t> end_of_certificate(const std::string& pki, const std::string& id) {
  const auto report = describe_certificate(PkiFolder{pki}.device(id) + "/cert.pem");
  if (!report) return report.error();
  return report->ends;
}

}  // namespace skink::provisioning
