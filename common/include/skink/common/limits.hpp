#pragma once
/// @file
/// What a file, a message or a command line may ask for. Each limit stands here once; readers of files, devices and
/// programs take it from here, and tests/structure compares it with the documents.

#include <stddef.h>
#include <stdint.h>

namespace skink::limits {

// Names.
inline constexpr size_t kMaxIdBytes = 64;           ///< of a fleet or a device: A-Z a-z 0-9 - _ . (wire::is_valid_id)
inline constexpr size_t kMaxReleaseNameBytes = 32;  ///< the same characters
inline constexpr size_t kMaxCodecNameBytes = 39;
inline constexpr size_t kMaxHostBytes = 253;  ///< the longest name in DNS

// What a device is asked to do: it refuses more.
inline constexpr uint32_t kMaxPasses = 1024;  ///< an experiment asks for at least 1
inline constexpr uint32_t kMaxBatchSize = 1024;

// Experiments.
inline constexpr uint32_t kMaxSamples = 65535;  ///< support_size, query_size; of a task whose sizes are not numbers
inline constexpr uint32_t kMinWays = 2;
inline constexpr uint32_t kMaxWays = 256;
inline constexpr uint32_t kMaxRounds = 1000000000;
inline constexpr uint32_t kMaxTasks = 1000000;    ///< of one evaluation
inline constexpr uint32_t kMaxDevices = 1000000;  ///< of a fleet, and of a cohort
inline constexpr uint32_t kMaxWaitMs = 86400000;  ///< deadline_ms, offline_ms: a day

// Programs.
inline constexpr uint32_t kMaxDeviceNumber = 999999;  ///< in ids that --prefix, --first and --count name
inline constexpr uint32_t kMaxThreads = 1024;
inline constexpr uint32_t kMaxCertificateDays = 36500;

}  // namespace skink::limits
