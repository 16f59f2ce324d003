#pragma once
/// @file
/// What a skink_device of skink.h is inside: a Device with its stores, the newest observation, and what was told last.

#include "skink/edge/recording.hpp"
#include "skink/firmware/device.hpp"
#include "skink/firmware/vector_flash.hpp"
#include "skink/skink.h"

namespace skink::firmware::c_api {

/// A type whose objects are made in memory that is there. The placement operator of <new> is a header that some
/// toolchains of microcontrollers lack.
template <class T>
struct Placed : T {
  using T::T;
  static void* operator new(size_t /*bytes*/, void* memory) noexcept { return memory; }
};

/// A flash of the application's: the driver it gave, and the same as the stores use it. Stays where it is.
struct ApplicationFlash {
  skink_flash driver{};
  Flash flash;

  void open(const skink_flash& given) noexcept;
};

/// What the application's callbacks were told last.
struct Told {
  edge::ClientCounters counters;
  uint32_t refused = 0;  ///< sum of the reasons that are of tasks
  bool has_model = false;
  crypto::Digest model;
  bool is_in_round = false;
  uint32_t round = 0;
};

/// One device. Lies in the memory of a skink_device, which is the application's.
class CDevice {
 public:
  /// skink_init(), its arguments checked.
  Status open(const skink_config& config) noexcept;

  /// Calls the callbacks for what has happened since the last time.
  void tell() noexcept;

  Device& device() noexcept { return *device_; }
  const Device& device() const noexcept { return *device_; }
  const SampleFlash& samples() const noexcept { return samples_; }
  Status observe(Span<const float> x) noexcept;
  Status label(Span<const float> targets) noexcept;
  Status predict(Span<float> outputs) noexcept;
  void get(skink_state& state) const noexcept;
  void get(skink_credentials& credentials) const noexcept;
  /// TLS has failed, before there was a stream.
  void on_connection_failed() noexcept;

  bool has_identity = false;
  bool is_open = false;      ///< the stream
  bool has_classes = false;  ///< of samples
  edge::Health health;       ///< what the application says of it
  const char* fleet = "";    ///< the identity's; borrowed

 private:
  Status open_stores(const skink_config& config) noexcept;
  Status open_samples(const skink_config& config, uint32_t first_sector) noexcept;
  Status open_credentials(const skink_config& config, uint32_t first_sector) noexcept;
  Status take_model(Bytes file) noexcept;
  Status take_releases(const skink_config& config) noexcept;
  void make_device(const skink_config& config) noexcept;
  void tell_round(const edge::ClientCounters& now) noexcept;
  void end_round(skink_round_event event) noexcept;

  skink_events events_{};
  ApplicationFlash flash_;
  ApplicationFlash journal_flash_;  ///< without sectors: the journal is in flash_
  Journal journal_;
  ModelStore models_;
  ModelStore releases_;
  VectorFlash residuals_;
  VectorFlash personal_;
  SampleFlash samples_;
  const skink_identity* identity_ = nullptr;
  skink_keys keys_{};
  CredentialStore* credentials_ = nullptr;
  edge::Recording recording_;
  edge::SampleSource source_;
  Span<float> observation_;
  bool has_observation_ = false;
  bool is_labelled_ = false;
  Told told_;
  Device* device_ = nullptr;
  alignas(Placed<Device>) uint8_t device_memory_[sizeof(Placed<Device>)];
};

}  // namespace skink::firmware::c_api
