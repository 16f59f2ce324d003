#pragma once
/// @file
/// Puts devices out of the fleet: their certificates on the authority's revocation list, which the broker reads, and
/// their ids on the coordinator's list. docs/provisioning.md says what else there is to do. There is no way back: an
/// id's HMAC key is a function of the id, so whoever has it keeps it.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "skink/host/result.hpp"

namespace skink::provisioning {

/// Who is to be revoked, and how long the new list is valid.
struct RevocationRequest {
  std::string pki;               ///< folder as scripts/make-pki makes it
  std::vector<std::string> ids;  ///< none: the list is renewed only
  std::uint32_t valid_days = 0;  ///< until the next list is due; 0, or more than that: until the authority ends
};

/// A certificate of a revoked device: the new list names it, unless its authority is retired.
struct RevokedCertificate {
  std::string id;
  std::string serial;          ///< hexadecimal
  bool was_revoked = false;    ///< by an earlier call
  bool is_of_retired = false;  ///< of an authority that nobody trusts any more: no list is needed
};

/// What a list of revoked ids begins with.
inline constexpr const char* kRevokedListHead =
    "# Ids of revoked devices, one a line. They stay revoked: docs/provisioning.md.\n";

/// What a revocation did.
struct RevocationReport {
  std::vector<RevokedCertificate> certificates;  ///< of the ids asked for, those that --force replaced included
  std::size_t total = 0;                         ///< certificates on the list
  std::string next_update;                       ///< 2036-11-20
  std::string certificate_list;                  ///< paths
  std::string broker_list;                       ///< the broker's copy, which `skinkctl init` made; empty: none
  std::string id_list;
};

/// Checked and signed, but not written yet.
struct PreparedRevocation {
  RevocationReport report;
  std::string certificate_list;  ///< what the files will hold
  std::string id_list;
  std::shared_ptr<const void> lock;  ///< on the folder: nobody else issues or revokes meanwhile
};

/// Reads everything, writes nothing.
/// @returns kInvalidArgument for an id that has no certificate in the folder; kUnavailable or kDamaged naming the file
///          at fault: authority, a certificate or a revocation list that is not the authority's.
Result<PreparedRevocation> prepare_revocation(const RevocationRequest& request);

/// Both files and the broker's copy, each in one step and readable for everybody: broker and coordinator may run as
/// other users.
/// @returns kUnavailable when one cannot be written; the same call may then be repeated.
Result<void> write_revocation(const PreparedRevocation& revocation);

}  // namespace skink::provisioning
