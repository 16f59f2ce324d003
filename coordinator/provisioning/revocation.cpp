#include "skink/coordinator/provisioning/revocation.hpp"

#include <filesystem>
#include <set>

#include "revocation_list.hpp"
#include "skink/common/wire/topics.hpp"
#include "skink/coordinator/provisioning/revoked_list.hpp"
#include "skink/host/files/files.hpp"

namespace skink::provisioning {
namespace {

Result<std::string> extended_list(const PkiFolder& folder, const std::vector<std::string>& ids) {
  auto text = list_text(folder.revoked_list());
  if (!text) return text;
  const auto known = known_revoked(folder);
  if (!known) return known.error();
  for (const std::string& id : ids) {
    if (known->count(id) == 0) add_line(*text, id);
  }
  return text;
}

/// All certificates that a device ever had here.
Result<std::vector<Certificate>> certificates_of(const std::string& id, const PkiFolder& folder,
                                                 const Authority& authority) {
  const bool is_id = wire::is_valid_id({id.data(), id.size()}) && id != "." && id != "..";
  const auto paths = is_id ? certificates_in(folder.device(id)) : std::vector<std::string>();
  if (paths.empty()) {
    return make_error(Status::kInvalidArgument, "'" + id + "' has no certificate in " + folder.device(id));
  }
  std::vector<Certificate> certificates;
  for (const std::string& path : paths) {
    auto certificate = read_certificate(path);
    if (!certificate) return certificate.error();
    if (!authority.has_signed(certificate->get())) {
      return make_error(Status::kDamaged, path + ": not signed by " + folder.ca());
    }
    if (common_name_of(certificate->get()) != id) {
      return make_error(Status::kDamaged, path + ": is for '" + common_name_of(certificate->get()) + "'");
    }
    certificates.push_back(std::move(*certificate));
  }
  return certificates;
}

}  // namespace

Result<PreparedRevocation> prepare_revocation(const RevocationRequest& request) {
  const PkiFolder folder{request.pki};
  const auto authority = Authority::open(folder);
  if (!authority) return authority.error();
  auto lock = lock_folder(folder);
  if (!lock) return lock.error();
  const auto list = read_revocation_list(folder.certificate_list(), *authority);
  if (!list) return list.error();

  const std::set<std::string> ids(request.ids.begin(), request.ids.end());
  PreparedRevocation prepared;
  prepared.lock = std::make_shared<const FolderLock>(std::move(*lock));
  std::vector<Certificate> kept;
  std::vector<X509*> added;
  for (const std::string& id : ids) {
    auto certificates = certificates_of(id, folder, *authority);
    if (!certificates) return certificates.error();
    for (Certificate& certificate : *certificates) {
      const bool was_revoked = is_on_list(list->get(), certificate.get());
      const std::string serial = serial_text(X509_get0_serialNumber(certificate.get()));
      prepared.report.certificates.push_back({id, serial, was_revoked});
      if (!was_revoked) added.push_back(certificate.get());
      kept.push_back(std::move(certificate));
    }
  }
  const RevocationList next = next_list(list->get(), added, *authority, request.valid_days);
  auto text = extended_list(folder, {ids.begin(), ids.end()});
  if (!text) return text.error();
  prepared.certificate_list = pem_of(next.get());
  prepared.id_list = std::move(*text);
  prepared.report.total = count_of(next.get());
  prepared.report.next_update = date_text(X509_CRL_get0_nextUpdate(next.get()));
  prepared.report.certificate_list = folder.certificate_list();
  std::error_code code;
  if (std::filesystem::exists(folder.broker_certificate_list(), code)) {
    prepared.report.broker_list = folder.broker_certificate_list();
  }
  prepared.report.id_list = folder.revoked_list();
  return prepared;
}

Result<void> write_revocation(const PreparedRevocation& revocation) {
  auto written = write_file(revocation.report.id_list, revocation.id_list, Readers::kEverybody);
  if (written)
    written = write_file(revocation.report.certificate_list, revocation.certificate_list, Readers::kEverybody);
  if (written && !revocation.report.broker_list.empty())
    written = write_file(revocation.report.broker_list, revocation.certificate_list, Readers::kEverybody);
  return written;
}

}  // namespace skink::provisioning
