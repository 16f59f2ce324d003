#include "skink/common/status.hpp"

namespace skink {

const char* status_text(Status status) noexcept {
  switch (status) {
    case Status::kOk: return "ok";
    case Status::kInvalidArgument: return "a value is out of range";
    case Status::kShapeMismatch: return "sizes do not belong together";
    case Status::kBufferTooSmall: return "the buffer is too small";
    case Status::kNotFinite: return "a number is not finite";
    case Status::kUnsupported: return "not supported by this build";
    case Status::kTruncated: return "the bytes end too early";
    case Status::kDamaged: return "the content is damaged";
    case Status::kNewerVersion: return "written by a newer version";
    case Status::kWrongAuthentication: return "the authentication code is wrong";
    case Status::kUnavailable: return "not available";
  }
  return "unknown status";
}

}  // namespace skink
