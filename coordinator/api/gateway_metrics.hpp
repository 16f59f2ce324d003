#pragma once
/// @file
/// Metrics of the gateway beside the service: backups, disk, certificates. Private to the interface.

#include <string>
#include <vector>

#include "skink/coordinator/api/api.hpp"

namespace skink::coordinator::api {

/// Prometheus' text. Reads the files at each call; a figure that cannot be read is left out.
std::string gateway_metrics(const std::string& state_folder, const std::vector<WatchedCertificate>& certificates);

}  // namespace skink::coordinator::api
