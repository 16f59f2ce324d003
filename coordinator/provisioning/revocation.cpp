#include "skink/coordinator/provisioning/revocation.hpp"

#include <algorithm>
#include <filesystem>
#include <optional>
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

/// A certificate, and which authority has signed it; none: one that is retired.
struct OwnedCertificate {
  Certificate certificate;
  std::optional<std::size_t> authority;
};

/// All certificates that a device ever had here.
Result<std::vector<OwnedCertificate>> certificates_of(const std::string& id, const PkiFolder& folder,
                                                      const std::vector<AuthorityList>& authorities) {
  const bool is_id = wire::is_valid_id({id.data(), id.size()}) && id != "." && id != "..";
  const auto paths = is_id ? certificates_in(folder.device(id)) : std::vector<std::string>();
  if (paths.empty()) {
    return make_error(Status::kInvalidArgument, "'" + id + "' has no certificate in " + folder.device(id));
  }
  const auto retired = retired_authorities(folder);
  if (!retired) return retired.error();
  const auto is_of_retired = [&retired](X509* certificate) {
    return std::any_of(retired->begin(), retired->end(),
                       [certificate](const Certificate& one) { return has_signed(one.get(), certificate); });
  };
  std::vector<OwnedCertificate> certificates;
  for (const std::string& path : paths) {
    auto certificate = read_certificate(path);
    if (!certificate) return certificate.error();
    const auto owner = std::find_if(authorities.begin(), authorities.end(), [&](const AuthorityList& one) {
      return one.authority.has_signed(certificate->get());
    });
    if (owner == authorities.end() && !is_of_retired(certificate->get())) {
      return make_error(Status::kDamaged, path + ": not signed by " + folder.ca());
    }
    if (common_name_of(certificate->get()) != id) {
      return make_error(Status::kDamaged, path + ": is for '" + common_name_of(certificate->get()) + "'");
    }
    std::optional<std::size_t> index;
    if (owner != authorities.end()) index = static_cast<std::size_t>(owner - authorities.begin());
    certificates.push_back({std::move(*certificate), index});
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
  const auto lists = read_revocation_lists(folder);
  if (!lists) return lists.error();

  const std::set<std::string> ids(request.ids.begin(), request.ids.end());
  PreparedRevocation prepared;
  prepared.lock = std::make_shared<const FolderLock>(std::move(*lock));
  std::vector<Certificate> kept;
  std::vector<std::vector<X509*>> added(lists->size());
  for (const std::string& id : ids) {
    auto certificates = certificates_of(id, folder, *lists);
    if (!certificates) return certificates.error();
    for (auto& [certificate, owner] : *certificates) {
      const bool was_revoked = owner && is_on_list((*lists)[*owner].list.get(), certificate.get());
      const std::string serial = serial_text(X509_get0_serialNumber(certificate.get()));
      prepared.report.certificates.push_back({id, serial, was_revoked, !owner});
      if (owner && !was_revoked) added[*owner].push_back(certificate.get());
      kept.push_back(std::move(certificate));
    }
  }
  auto text = extended_list(folder, {ids.begin(), ids.end()});
  if (!text) return text.error();
  for (std::size_t i = 0; i < lists->size(); ++i) {
    const auto& [owner, list] = (*lists)[i];
    const RevocationList next = next_list(list.get(), added[i], owner, request.valid_days);
    prepared.certificate_list += pem_of(next.get());
    prepared.report.total += count_of(next.get());
    const std::string until = date_text(X509_CRL_get0_nextUpdate(next.get()));  // dates compare as texts do
    if (i == 0 || until < prepared.report.next_update) prepared.report.next_update = until;
  }
  prepared.id_list = std::move(*text);
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
