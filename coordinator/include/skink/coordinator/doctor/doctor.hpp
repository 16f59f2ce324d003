#pragma once
/// @file
/// Is a gateway sound? Each check has a name, a grade, what was found, and what to do. What can be checked without the
/// service: files here, the broker over the network. docs/operating.md lists the checks.

#include <cstdint>
#include <string>
#include <vector>

#include "skink/coordinator/service/settings.hpp"
#include "skink/host/result.hpp"

namespace skink::doctor {

/// How bad it is; the worst one decides.
enum class Grade : std::uint8_t { kOk, kWarning, kError };
/// "ok", "warning", "error".
const char* grade_text(Grade grade);

/// What one check found.
struct Finding {
  Grade grade = Grade::kOk;
  std::string check;   ///< a stable name: "broker.tls"
  std::string text;    ///< what was found, with the file or the address
  std::string remedy;  ///< empty when it is well
};

/// The worst grade of several findings.
Grade worst_of(const std::vector<Finding>& findings);

/// For a program that starts only when all is well.
/// @returns kDamaged, of Cause::kCredentials, with the first error and its remedy; warnings are none.
Result<void> refuse_errors(const std::vector<Finding>& findings);

/// Certificates of coordinator and HTTP interface: authority, chain, dates, key, name; who may read private keys; the
/// revocation list. Reads files only.
std::vector<Finding> check_certificates(const coordinator::Settings& settings);

/// The state folder: writable, synchronised, free space, the stores, file times against the clock.
std::vector<Finding> check_state(const coordinator::Settings& settings);

/// How far the broker is tried: it lets one client of a name in, so a second coordinator throws the first one out.
enum class Connection : std::uint8_t {
  kReachable,  ///< name and port only, while the service is connected
  kFull        ///< TLS, MQTT, and publications that come back
};

/// The broker: its name in DNS, its port, TLS, MQTT; then, by test publications under the device id `skinkctl-doctor`,
/// the access list and the largest message; its version. Takes up to 30 s.
std::vector<Finding> check_broker(const coordinator::Settings& settings, Connection connection);

}  // namespace skink::doctor
