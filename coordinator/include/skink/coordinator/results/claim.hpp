#pragma once
/// @file
/// Whose results a folder holds: experiment.toml says of which experiment, and a result is not replaced by another's.

#include <cstdint>
#include <string>

#include "skink/host/experiment/experiment.hpp"
#include "skink/host/result.hpp"

namespace skink::coordinator {

/// What becomes of results that are there already.
enum class Found : std::uint8_t {
  kKeep,    ///< only the same experiment, with the same data, may go on or compute them again
  kReplace  ///< another may take their place
};

/// Who wants the folder.
struct Claim {
  const Experiment& experiment;
  std::string dataset_sha256;  ///< empty: none, or not known
  Found found = Found::kKeep;
  /// What somebody can do who is refused: "name another --out, or give --restart to replace it".
  std::string remedy;
};

/// The path of what a folder's results are of.
std::string experiment_path(const std::string& folder);

/// Could the folder be claimed? It need not exist. Errors as claim_folder(), which writes; this does not.
Result<void> check_folder(const std::string& folder, const Claim& claim);

/// Is this no folder of one run? To be asked where many runs get folders below it.
/// @returns kInvalidArgument, Cause::kConfiguration, with what to do.
Result<void> check_no_run(const std::string& folder);

/// Gives a folder to the results of an experiment: writes experiment.toml. To be called before anything is computed,
/// with the folder's lock held. With Found::kReplace the results of another experiment are removed first, so that those
/// that stay are never taken for this one's.
///
/// @param[in] folder  exists.
/// @returns kInvalidArgument, Cause::kConfiguration: it holds another experiment, the same one with other data, results
///          that do not say what they are of, many runs, or an experiment.toml that no run has written; the message
///          says which and what to do. kUnavailable, Cause::kStore: it cannot be read or written.
Result<void> claim_folder(const std::string& folder, const Claim& claim);

}  // namespace skink::coordinator
