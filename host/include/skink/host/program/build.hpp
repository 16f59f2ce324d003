#pragma once
/// @file
/// What this program was made from, for results that are compared years later.

namespace skink {

/// The version of Skink, "0.1.0", and the compiler, "GCC 12.2.0". Static storage.
extern const char* const kSkinkVersion;
extern const char* const kCompiler;

}  // namespace skink
