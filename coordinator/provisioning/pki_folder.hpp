#pragma once
/// @file
/// Where things lie in a fleet's folder of keys and certificates, as scripts/make-pki lays it out. docs/provisioning.md
/// lists the files and who may read them.

#include <string>
#include <vector>

#include "skink/coordinator/provisioning/revoked_list.hpp"
#include "skink/host/files/folder_lock.hpp"
#include "skink/host/result.hpp"

namespace skink::provisioning {

struct PkiFolder {
  std::string root;

  std::string ca() const { return root + "/ca.pem"; }
  std::string ca_key() const { return root + "/ca.key"; }
  /// Of an authority that takes over: announced, not adopted yet; and of the one that it has replaced, until that is
  /// retired. ca.pem and ca.key in a folder.
  PkiFolder next() const { return {root + "/next"}; }
  PkiFolder former() const { return {root + "/former"}; }
  /// Certificates of those that nobody trusts any more.
  std::string retired() const { return root + "/retired"; }
  /// Whom devices shall trust, signed with the release key; absent: the authority of their identities.
  std::string authorities() const { return root + "/authorities.release"; }
  std::string master_key() const { return root + "/master.key"; }
  std::string release_key() const { return root + "/release.key"; }
  std::string release_public_key() const { return root + "/release.pub"; }
  std::string release_lock() const { return root + "/.release.lock"; }
  /// Revoked certificates, for the broker, and ids, for the coordinator.
  std::string certificate_list() const { return root + "/crl.pem"; }
  std::string revoked_list() const { return root + "/revoked.txt"; }
  std::string device(const std::string& id) const { return root + "/devices/" + id; }
  /// The coordinator's certificate for the broker, and that of its HTTP interface: cert.pem and key.pem in a folder.
  std::string coordinator() const { return root + "/coordinator"; }
  std::string http() const { return root + "/http"; }
  /// The broker's copy of the certificate list, where `skinkctl init` has made one: the broker need not reach the rest.
  std::string broker_certificate_list() const { return root + "/../broker/crl.pem"; }
  /// Where one device is put together before it appears in devices/.
  std::string unfinished() const { return root + "/.unfinished"; }
};

/// Is there an authority, certificate and key, in this folder?
bool has_authority(const PkiFolder& folder);

/// Certificates in a device's folder: the current one first, then those that --force or a renewal replaced, and those
/// that were issued and are not in use yet. Empty for none.
std::vector<std::string> certificates_in(const std::string& device_folder);

/// The revoked ids; none where there is no list yet.
Result<coordinator::RevokedIds> known_revoked(const PkiFolder& folder);

/// What is in a file of revoked ids, or what one begins with.
Result<std::string> list_text(const std::string& path);
/// Adds an id and the day to the text of such a file.
void add_line(std::string& text, const std::string& id);

/// Two programs that issue or revoke at once would lose one's work. Everything that they check must be checked with the
/// lock.
/// @returns kUnavailable when another one holds it or the folder cannot be written.
Result<FolderLock> lock_folder(const PkiFolder& folder);

}  // namespace skink::provisioning
