#pragma once
/// @file
/// SIGHUP: configuration and certificate of the service are read again.

#include <string>

#include "skink/coordinator/http/http_server.hpp"
#include "skink/coordinator/service/fleet_service.hpp"

namespace skink::gateway {

/// Reads `config` and the HTTP certificate again, and says in an event what holds from now on, what waits for a
/// restart, and what could not be read; that stays as it was. On the service's thread. The list of revoked devices is
/// read every second anyway, the certificate for the broker at the next connection.
void reload(const std::string& config, coordinator::FleetService& service, coordinator::http::Server& server);

}  // namespace skink::gateway
