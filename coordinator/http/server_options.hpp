#pragma once
/// @file
/// What no server is started with.

#include "skink/coordinator/http/http_server.hpp"

namespace skink::coordinator::http {

/// @returns kInvalidArgument, with what to change.
Result<void> check_options(const ServerOptions& options);

}  // namespace skink::coordinator::http
