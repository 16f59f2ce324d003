#include "skink/coordinator/http/http_server.hpp"

#include <string>

#include "listener.hpp"

namespace skink::coordinator::http {
namespace {

Error wrong(const std::string& what) { return make_error(Status::kInvalidArgument, what, Cause::kConfiguration); }

Result<void> check_limits(const Limits& limits) {
  const struct {
    const char* name;
    std::size_t value;
  } counts[] = {{"connections", limits.connections},
                {"connections_per_peer", limits.connections_per_peer},
                {"requests_per_connection", limits.requests_per_connection},
                {"send_buffer_bytes", limits.send_buffer_bytes},
                {"target_bytes", limits.target_bytes},
                {"path_segments", limits.path_segments},
                {"query_parameters", limits.query_parameters},
                {"body_bytes", limits.body_bytes},
                {"bodies_bytes", limits.bodies_bytes},
                {"streams", limits.streams},
                {"websocket_message_bytes", limits.websocket_message_bytes},
                {"pace_burst", limits.pace_burst},
                {"pace_per_second", limits.pace_per_second},
                {"pace_peers", limits.pace_peers},
                {"failed_logins", limits.failed_logins},
                {"failed_login_peers", limits.failed_login_peers}};
  for (const auto& count : counts) {
    if (count.value == 0) return wrong(std::string("limit ") + count.name + ": 1 or more");
  }
  const struct {
    const char* name;
    std::chrono::milliseconds value;
  } times[] = {{"header_time", limits.header_time},       {"body_time", limits.body_time},
               {"answer_time", limits.answer_time},       {"idle_time", limits.idle_time},
               {"write_time", limits.write_time},         {"linger_time", limits.linger_time},
               {"heartbeat_time", limits.heartbeat_time}, {"failed_login_time", limits.failed_login_time}};
  for (const auto& time : times) {
    if (time.value.count() <= 0) return wrong(std::string("limit ") + time.name + ": more than 0 ms");
  }
  if (limits.header_bytes < 256 || limits.header_bytes > 65'536) return wrong("limit header_bytes: 256..65536");
  if (limits.bodies_bytes < limits.body_bytes) return wrong("limit bodies_bytes: at least body_bytes");
  if (limits.send_buffer_bytes > (std::size_t{1} << 30)) return wrong("limit send_buffer_bytes: at most a gigabyte");
  return {};
}

Result<void> check_address(const ServerOptions& options, const TcpAddress& address) {
  const auto loopback = is_loopback(address.address);
  if (!loopback) return loopback.error();
  const bool is_tls = address.transport == Transport::kTls;
  if (is_tls && !options.tls) {
    return wrong("listening on " + address.address + " with TLS wants a certificate chain and its key");
  }
  if (*loopback) return {};
  if (!is_tls) {
    return wrong(
        "listening on " + address.address +
        ", which is not loopback, wants TLS: everybody on the way could read tokens; give a certificate chain and "
        "its key, or listen on 127.0.0.1 behind a proxy that has TLS");
  }
  if (options.authentication.tokens != Tokens::kRequired || !options.authentication.authenticate) {
    return wrong(
        "listening on " + address.address +
        ", which is not loopback, wants tokens: everybody there could give orders; require tokens, or listen on "
        "127.0.0.1");
  }
  return {};
}

}  // namespace

Result<void> check_options(const ServerOptions& options) {
  if (options.unix_socket.empty() && options.tcp.empty()) {
    return wrong("an HTTP server without an address: give a unix socket or a TCP address");
  }
  if (const auto limits = check_limits(options.limits); !limits) return limits.error();
  for (const TcpAddress& address : options.tcp) {
    if (const auto fine = check_address(options, address); !fine) return fine.error();
  }
  return {};
}

}  // namespace skink::coordinator::http
