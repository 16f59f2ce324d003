#include "skink/coordinator/provisioning/renewal.hpp"

#include <openssl/x509v3.h>

#include <filesystem>

#include "authority.hpp"
#include "release_key.hpp"
#include "request.hpp"
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

Result<void> copy_into(const std::string& from, const std::string& to, Readers readers) {
  std::error_code code;
  if (!fs::exists(from, code)) return {};
  const auto content = read_file(from);
  return content ? write_unsynchronised(to, *content, readers) : Result<void>(content.error());
}

/// Who signs for devices: the authority that takes over, if there is one.
PkiFolder signing(const PkiFolder& folder) { return has_authority(folder.next()) ? folder.next() : folder; }

std::string serial_of(X509* certificate) { return serial_text(X509_get0_serialNumber(certificate)); }

/// Where a device's folder is put together, and moved to its place in one step.
class NewFolder {
 public:
  NewFolder(const PkiFolder& folder, const std::string& id)
      : made_(folder.unfinished()), place_(folder.device(id)), remains_(made_) {
    std::error_code code;
    fs::remove_all(made_, code);  // of a process that was killed
    done_ = make_folder(fs::path(place_).parent_path().string());
    if (done_) done_ = make_folder(made_);
  }
  const std::string& place() const { return place_; }
  void write(const std::string& name, X509* certificate) {
    if (done_) done_ = write_unsynchronised(made_ + "/" + name, pem_of(certificate));
  }
  void copy(const std::string& from, const std::string& to) {
    const Readers readers = to.ends_with(".key") ? Readers::kOwner : Readers::kAsUsual;
    if (done_) done_ = copy_into(place_ + "/" + from, made_ + "/" + to, readers);
  }
  Result<void> move() {
    if (done_) done_ = sync_folder(made_);
    std::error_code code;
    if (done_) done_ = move_folder(made_, place_, fs::exists(place_, code) ? Occupied::kExchange : Occupied::kRefuse);
    return done_;
  }

 private:
  const std::string made_, place_;
  RemovedAtEnd remains_;
  Result<void> done_;
};

}  // namespace

Result<IssuedCertificate> answer_request(const std::string& pki, const std::string& id, Bytes request,
                                         std::uint32_t days) {
  const PkiFolder folder{pki};
  const auto key = key_in_request(id, request);
  if (!key) return key.error();
  const auto lock = lock_folder(folder);
  if (!lock) return lock.error();
  const auto revoked = known_revoked(folder);
  if (!revoked) return revoked.error();
  if (revoked->count(id) != 0) return refused(id, "it is revoked");
  const auto authority = Authority::open(signing(folder));
  if (!authority) return authority.error();
  const Certificate certificate = authority->issue(key->get(), authority->fleet(), id, days);
  NewFolder made(folder, id);
  std::error_code code;
  for (const auto& entry : fs::directory_iterator(made.place(), code)) {
    const std::string name = entry.path().filename().string();
    made.copy(name, name);
  }
  made.write("issued-" + serial_of(certificate.get()) + ".pem", certificate.get());
  const auto done = made.move();
  if (!done) return done.error();
  return IssuedCertificate{der_of(certificate.get()), serial_of(certificate.get()),
                           date_text(X509_get0_notAfter(certificate.get()))};
}

bool certifies(Bytes certificate, Bytes request) {
  const Certificate read = certificate_of(certificate);
  const unsigned char* at = request.data();
  const Request asked(d2i_X509_REQ(nullptr, &at, static_cast<long>(request.size())));
  const bool is_same = read != nullptr && asked != nullptr &&
                       EVP_PKEY_eq(X509_get0_pubkey(read.get()), X509_REQ_get0_pubkey(asked.get())) == 1;
  ERR_clear_error();
  return is_same;
}

/// The key that is here belongs to the certificate that is replaced.
Result<void> confirm_certificate(const std::string& pki, const std::string& id, Bytes der) {
  const PkiFolder folder{pki};
  const Certificate certificate = certificate_of(der);
  if (certificate == nullptr) return make_error(Status::kInvalidArgument, id + ": what is confirmed is no certificate");
  const auto lock = lock_folder(folder);
  if (!lock) return lock.error();
  NewFolder made(folder, id);
  for (const std::string& path : certificates_in(made.place())) {
    const auto old = read_certificate(path);
    if (!old) return old.error();
    if (X509_cmp(old->get(), certificate.get()) == 0) continue;
    const std::string name = fs::path(path).filename().string();
    const std::string kept = "replaced-" + serial_of(old->get());
    made.write(kept + ".pem", old->get());
    made.copy(name == "cert.pem" ? "key.pem" : name.substr(0, name.size() - 4) + ".key", kept + ".key");
  }
  made.copy("hmac.key", "hmac.key");
  made.write("cert.pem", certificate.get());
  return made.move();
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

Result<std::int64_t> end_of_authority(const std::string& pki) {
  const auto report = describe_certificate(signing(PkiFolder{pki}).ca());
  if (!report) return report.error();
  return report->ends;
}

Result<std::int64_t> end_of_certificate(const std::string& pki, const std::string& id) {
  const auto report = describe_certificate(PkiFolder{pki}.device(id) + "/cert.pem");
  if (!report) return report.error();
  return report->ends;
}

}  // namespace skink::provisioning
