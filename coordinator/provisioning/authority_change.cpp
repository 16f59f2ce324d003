/// @file
/// Another authority for a fleet, in three steps. Each step can be repeated, and goes on where a power cut has left it.

#include <algorithm>
#include <array>
#include <ctime>
#include <filesystem>

#include "revocation_list.hpp"
#include "skink/common/provisioning/signed_release.hpp"
#include "skink/common/wire/messages.hpp"
#include "skink/coordinator/provisioning/release_signing.hpp"
#include "skink/coordinator/provisioning/renewal.hpp"
#include "skink/host/files/files.hpp"

namespace skink::provisioning {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostAuthorities = wire::kMaxAuthoritiesBytes - kReleaseHeaderBytes;
constexpr std::array<const char*, 3> kTexts{"none", "announced", "adopted"};

Error invalid(const std::string& message) { return make_error(Status::kInvalidArgument, message); }

/// The folder appears whole.
Result<void> write_authority(const PkiFolder& folder, const Authority& authority) {
  const std::string made = folder.root + ".new";
  std::error_code code;
  fs::remove_all(made, code);
  auto done = make_folder(made);
  if (done) done = write_unsynchronised(made + "/ca.key", private_pem_of(authority.key()), Readers::kOwner);
  if (done) done = write_unsynchronised(made + "/ca.pem", pem_of(authority.certificate()), Readers::kEverybody);
  if (done) done = sync_folder(made);
  return done ? move_folder(made, folder.root, Occupied::kRefuse) : done;
}

/// ca.pem: who is trusted. The first one signs.
Result<void> write_trusted(const PkiFolder& folder, const std::vector<X509*>& authorities) {
  std::string text;
  for (X509* one : authorities) text += pem_of(one);
  return write_file(folder.ca(), text, Readers::kEverybody);
}

/// Of a set that is announced already.
enum class Repeated : std::uint8_t { kKeepsItsNumber, kGetsAnother };

/// What devices are told. Numbers are times of day, so that a folder that was restored from a backup gives none that a
/// device has seen already.
Result<void> write_authorities(const PkiFolder& folder, const std::vector<X509*>& authorities, Repeated repeated) {
  std::string content;
  for (X509* one : authorities) {
    const Der der = der_of(one);
    content.append(der.begin(), der.end());
  }
  if (content.size() > kMostAuthorities) {
    return invalid(
        "the certificates of two authorities do not fit in a message to a device: the fleet's name is too long");
  }
  const auto before = signed_authorities(folder.root);
  if (!before) return before.error();
  auto number = static_cast<std::uint32_t>(std::time(nullptr));
  if (!before->empty()) {
    if (repeated == Repeated::kKeepsItsNumber && before->substr(kReleaseHeaderBytes) == content) return {};
    number = std::max(number, claimed_number(bytes_of(*before)) + 1);
  }
  const auto file = make_release(folder.root, ReleaseKind::kAuthorities, "authorities", number, content);
  if (!file) return file.error();
  return write_file(folder.authorities(), *file, Readers::kEverybody);
}

enum class Lists : std::uint8_t { kOfAll, kOfThePresent };

/// A broker refuses whoever has a certificate of an authority without a list.
Result<void> write_lists(const PkiFolder& folder, Lists wanted = Lists::kOfAll) {
  auto lists = read_revocation_lists(folder);
  if (!lists) return lists.error();
  if (wanted == Lists::kOfThePresent) lists->erase(lists->begin() + 1, lists->end());
  std::string text;
  for (const auto& [authority, list] : *lists) text += pem_of(next_list(list.get(), {}, authority, 0).get());
  auto written = write_file(folder.certificate_list(), text, Readers::kEverybody);
  std::error_code code;
  if (written && fs::exists(folder.broker_certificate_list(), code)) {
    written = write_file(folder.broker_certificate_list(), text, Readers::kEverybody);
  }
  return written;
}

Result<void> remove_authority(const PkiFolder& folder) {
  const std::string old = folder.root + ".old";
  std::error_code code;
  fs::remove_all(old, code);
  auto moved = move_folder(folder.root, old, Occupied::kRefuse);  // in one step: half of it would be no authority
  if (!moved) return moved;
  fs::remove_all(old, code);
  if (!code) return {};
  return make_error(Status::kUnavailable, folder.root + ": cannot be removed: " + code.message());
}

}  // namespace

const char* authority_change_text(AuthorityChange change) { return kTexts[static_cast<std::size_t>(change)]; }

AuthorityChange authority_change(const std::string& pki) {
  const PkiFolder folder{pki};
  if (has_authority(folder.next())) return AuthorityChange::kAnnounced;
  return has_authority(folder.former()) ? AuthorityChange::kAdopted : AuthorityChange::kNone;
}

Result<void> announce_authority(const std::string& pki, std::uint32_t days) {
  const PkiFolder folder{pki};
  const auto lock = lock_folder(folder);
  if (!lock) return lock.error();
  const auto present = Authority::open(folder);
  if (!present) return present.error();
  if (has_authority(folder.former())) {
    return invalid(folder.former().root + ": the former authority is still trusted; retire it first");
  }
  if (!has_authority(folder.next())) {
    auto made = write_authority(folder.next(), Authority::create(present->fleet(), days));
    if (!made) return made;
  }
  const auto next = Authority::open(folder.next());
  if (!next) return next.error();
  const std::vector<X509*> both{present->certificate(), next->certificate()};
  auto done = write_authorities(folder, both, Repeated::kKeepsItsNumber);
  if (done) done = write_lists(folder);
  return done ? write_trusted(folder, both) : done;
}

Result<void> adopt_authority(const std::string& pki) {
  const PkiFolder folder{pki};
  const auto lock = lock_folder(folder);
  if (!lock) return lock.error();
  if (!has_authority(folder.next())) {
    return has_authority(folder.former()) ? Result<void>() : invalid("no authority is announced: begin with 'next'");
  }
  const auto next = Authority::open(folder.next());
  if (!next) return next.error();
  if (!has_authority(folder.former())) {
    const auto present = Authority::open(folder);
    if (!present) return present.error();
    auto kept = write_authority(folder.former(), *present);
    if (!kept) return kept;
  }
  const auto former = Authority::open(folder.former());
  if (!former) return former.error();
  auto done = write_file(folder.ca_key(), private_pem_of(next->key()), Readers::kOwner);
  if (done) done = write_trusted(folder, {next->certificate(), former->certificate()});
  if (done) done = remove_authority(folder.next());
  return done ? write_lists(folder) : done;
}

Result<void> sign_authorities_again(const std::string& pki) {
  const PkiFolder folder{pki};
  const auto lock = lock_folder(folder);
  if (!lock) return lock.error();
  const auto all = Authority::open_all(folder);
  if (!all) return all.error();
  std::vector<X509*> certificates;
  for (const Authority& one : *all) certificates.push_back(one.certificate());
  return write_authorities(folder, certificates, Repeated::kGetsAnother);
}

Result<std::vector<std::string>> devices_of_former(const std::string& pki) {
  const PkiFolder folder{pki};
  const auto present = Authority::open(has_authority(folder.next()) ? folder.next() : folder);
  if (!present) return present.error();
  const auto revoked = known_revoked(folder);
  if (!revoked) return revoked.error();
  const auto retired = retired_authorities(folder);
  if (!retired) return retired.error();
  const auto is_lost = [&retired](X509* certificate) {
    return std::any_of(retired->begin(), retired->end(),
                       [certificate](const Certificate& one) { return has_signed(one.get(), certificate); });
  };
  std::vector<std::string> ids;
  std::error_code code;
  for (const auto& entry : fs::directory_iterator(folder.root + "/devices", code)) {
    const std::string id = entry.path().filename().string();
    if (revoked->count(id) != 0) continue;
    const std::string path = entry.path().string() + "/cert.pem";
    std::error_code absent;
    if (!fs::exists(path, absent)) {  // what it connects with is not known here
      ids.push_back(id);
      continue;
    }
    const auto certificate = read_certificate(path);
    if (!certificate) return certificate.error();
    if (!present->has_signed(certificate->get()) && !is_lost(certificate->get())) ids.push_back(id);
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

Result<void> retire_authority(const std::string& pki) {
  const PkiFolder folder{pki};
  const auto lock = lock_folder(folder);
  if (!lock) return lock.error();
  if (has_authority(folder.next()))
    return invalid("the next authority is not adopted yet, or not wholly: adopt it first");
  if (!has_authority(folder.former())) return invalid("there is no former authority to retire");
  const auto present = Authority::open(folder);
  if (!present) return present.error();
  const auto former = Authority::open(folder.former(), Authority::Expired::kIsTaken);
  if (!former) return former.error();
  auto done = keep_retired(folder, former->certificate());
  if (done) done = write_authorities(folder, {present->certificate()}, Repeated::kKeepsItsNumber);
  if (done) done = write_trusted(folder, {present->certificate()});
  if (done) done = write_lists(folder, Lists::kOfThePresent);
  return done ? remove_authority(folder.former()) : done;
}

}  // namespace skink::provisioning
