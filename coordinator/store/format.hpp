#pragma once
/// @file
/// Formats of a store (docs/store.md). Private to the store.

namespace skink::coordinator::internal {

inline constexpr const char* kFormat = "skink-store-4";
/// Read as it is, upgraded when it is opened for writing: its events have no support_samples.
inline constexpr const char* kOlderFormat = "skink-store-3";

}  // namespace skink::coordinator::internal
