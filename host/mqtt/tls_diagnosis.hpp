#pragma once
/// @file
/// Why does a connection fail? Paho reports one code for a closed port, a wrong CA and an expired certificate, and its
/// C++ layer (1.2) keeps a dangling pointer to the handler that OpenSSL's error text would go to. So after a failure
/// the TCP connection and TLS handshake are tried once more, here, with eyes open.

#include <stop_token>
#include <string>

#include "skink/host/mqtt/session.hpp"

namespace skink::mqtt::internal {

struct Diagnosis {
  DisconnectReason reason = DisconnectReason::kUnreachable;
  std::string text;
};

/// Takes some milliseconds, or up to 3 s when nobody answers; returns early when asked to stop. A host name that has to
/// be looked up may take as long as the resolver likes.
Diagnosis diagnose_connection(const SessionOptions& options, const std::stop_token& stop);

}  // namespace skink::mqtt::internal
