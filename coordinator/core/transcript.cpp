#include "skink/coordinator/core/transcript.hpp"

namespace skink::coordinator {

const char* event_text(EventKind kind) {
  switch (kind) {
    case EventKind::kReplaced: return "replaced";
    case EventKind::kDropped: return "dropped";
    case EventKind::kDiverged: return "diverged";
    case EventKind::kRefused: return "refused";
    case EventKind::kMissing: return "missing";
    case EventKind::kLateJoin: return "late_join";
    case EventKind::kForgot: return "forgot";
    case EventKind::kSamples: return "samples";
  }
  return "unknown";
}

}  // namespace skink::coordinator
