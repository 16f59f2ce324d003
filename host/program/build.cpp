#include "skink/host/program/build.hpp"

namespace skink {

const char* const kSkinkVersion = SKINK_VERSION;
#if defined(__clang__)
const char* const kCompiler = __VERSION__;  // "Clang 14.0.6", with its name
#else
const char* const kCompiler = "GCC " __VERSION__;
#endif

}  // namespace skink
