#include "standing.hpp"

#include <fmt/format.h>

namespace skink::gateway {

std::string standing_text(const coordinator::ServiceState& state) {
  std::string text = coordinator::service_phase_text(state.phase);
  if (!state.reason.empty()) text += ": " + state.reason;
  if (state.run != 0) {
    text += fmt::format("{} run {}, round {} of {}", state.reason.empty() ? ":" : ";", state.run, state.rounds_done,
                        state.rounds);
  }
  if (state.connected) text += fmt::format("; {} devices online", state.devices_online);
  return text;
}

}  // namespace skink::gateway
