#pragma once
/// @file
/// The server's side of TLS: 1.2 or later, with the operator's certificate.

#include <boost/asio/ssl/context.hpp>
#include <memory>

#include "skink/coordinator/http/http_server.hpp"

namespace skink::coordinator::http {

/// @returns kUnavailable or kDamaged, naming the file at fault.
Result<std::shared_ptr<boost::asio::ssl::context>> load_tls(const TlsFiles& files);

}  // namespace skink::coordinator::http
