#pragma once
/// @file
/// Formats of a store (docs/store.md). Private to the store.

namespace skink::coordinator::internal {

inline constexpr const char* kFormat = "skink-store-5";
/// Read as they are, upgraded when they are opened for writing. 4: without the table strategy. 3: likewise, and its
/// events have no support_samples.
inline constexpr const char* kFormat4 = "skink-store-4";
inline constexpr const char* kFormat3 = "skink-store-3";

}  // namespace skink::coordinator::internal
