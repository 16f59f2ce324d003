#pragma once
/// @file
/// What a device of a host process keeps over restarts: its last task, the model in its slot, and the release. Three
/// files, DIR/<id>.task, .model and .release, each replaced durably; or nothing but memory, where there is no folder.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "skink/common/span.hpp"
#include "skink/common/wire/messages.hpp"
#include "skink/host/result.hpp"

namespace skink::edge {

/// A model file that was kept, and the number that it has as a release.
struct KeptModel {
  std::uint32_t number = 0;  ///< 0: no release
  std::vector<std::uint8_t> file;
};

/// The state of one device. One thread at a time, and one process a folder: ClientHost holds its lock.
class DeviceState {
 public:
  /// @param[in] folder     exists; empty: nothing is kept, every save succeeds
  /// @param[in] device_id  names the files
  DeviceState(std::string folder, const std::string& device_id);

  /// What was saved last; nothing where no file is. Models are not checked.
  /// @returns kUnavailable or kDamaged, naming the file. Cause::kStore.
  Result<std::optional<wire::RoundId>> task() const;
  Result<std::optional<KeptModel>> model() const;
  Result<std::optional<KeptModel>> release() const;

  /// Durable once it has succeeded; whatever happens, the file has the old content or the new one.
  /// @returns kUnavailable when it cannot be written. Cause::kStore.
  Result<void> save_task(const wire::RoundId& id) const;
  Result<void> save_model(Bytes file) const;
  Result<void> save_release(std::uint32_t number, Bytes file) const;

 private:
  std::string path(const char* kind) const;
  Result<std::optional<std::string>> read(const char* kind, std::size_t head_bytes) const;
  Result<std::optional<KeptModel>> read_model(const char* kind) const;
  Result<void> save_model(const char* kind, std::uint32_t number, Bytes file) const;

  std::string base_;  ///< of the paths; empty: nothing is kept
};

}  // namespace skink::edge
