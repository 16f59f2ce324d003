#pragma once
/// @file
/// Signs releases and shows them. docs/release.md.

#include <cstdint>
#include <string>
#include <string_view>

#include "skink/common/provisioning/signed_release.hpp"
#include "skink/host/result.hpp"

namespace skink::provisioning {

/// What is to be signed.
struct ReleaseRequest {
  std::string pki;      ///< folder with release.key
  std::string content;  ///< file with the model or the firmware
  provisioning::ReleaseKind kind = provisioning::ReleaseKind::kModel;
  std::string name;
  std::uint32_t number = 1;
  std::string out;
};

/// Makes the pair of keys in a folder where there is none: devices read its public half when they start.
/// @returns kUnavailable when it cannot be read or written; kDamaged when a key is none.
Result<void> ensure_release_key(const std::string& pki);

/// A release as bytes: signed manifest, then the content.
/// @param[in] pki  folder with release.key; the pair is made where there is none
/// @returns kInvalidArgument for a name that is none or an empty content; kUnavailable when a key cannot be read or
/// written;
///          kDamaged when the key or the model is none.
Result<std::string> make_release(const std::string& pki, ReleaseKind kind, const std::string& name,
                                 std::uint32_t number, std::string_view content);

/// Signs and writes. A model is read first: what no device could load is not signed.
/// @returns in words what was written; kInvalidArgument for a name that is none; kUnavailable when a file cannot be
///          read or written; kDamaged when the key or the model is none.
Result<std::string> sign_release(const ReleaseRequest& request);

/// What a release says, once its signature and digest are checked against `<pki>/release.pub`.
/// @returns the status of read_release(), with a reason in words.
Result<std::string> describe_release(const std::string& path, const std::string& pki);

}  // namespace skink::provisioning
