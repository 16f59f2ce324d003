#pragma once
/// @file
/// Where the service stands, as the line that `systemctl status` shows.

#include <string>

#include "skink/coordinator/service/fleet_service.hpp"

namespace skink::gateway {

/// Phase and reason, the run with its rounds, the devices: "running: run 3, round 10 of 200; 12 devices online".
std::string standing_text(const coordinator::ServiceState& state);

}  // namespace skink::gateway
