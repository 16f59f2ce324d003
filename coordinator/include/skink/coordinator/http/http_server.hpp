#pragma once
/// @file
/// A bounded HTTP/1.1 server on a thread of its own, over unix sockets, TCP and TLS. It knows routes, not what they are
/// about; a slow, silent or hostile client costs what Limits say and no more. Built on Boost.Beast's parser and
/// WebSocket and on Boost.Asio, which stay behind this header.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "skink/coordinator/http/http_limits.hpp"
#include "skink/coordinator/http/http_message.hpp"
#include "skink/coordinator/http/router.hpp"
#include "skink/host/result.hpp"

namespace skink::coordinator::http {

/// Is a token wanted of everybody who comes by TCP?
enum class Tokens : std::uint8_t { kOptional, kRequired };

/// Who a client is. Without `authenticate` nobody is anybody: only routes of Scope::kNone answer.
struct Authentication {
  /// The principal of a request, or nullopt.
  /// @param[in] authorization  the Authorization header's value; empty: none was sent.
  /// Called on the server's thread; must be quick, must not throw, and must compare secrets in constant time.
  std::function<std::optional<Principal>(std::string_view authorization, const Peer& peer)> authenticate;
  /// kRequired: the owner promises that `authenticate` gives nobody on TCP a principal without a valid token.
  Tokens tokens = Tokens::kOptional;
};

/// TLS or not, on one TCP address.
enum class Transport : std::uint8_t { kPlain, kTls };

/// A TCP address to listen on.
struct TcpAddress {
  std::string address = "127.0.0.1";  ///< numeric, IPv4 or IPv6 without brackets; "::" is IPv6 only
  std::uint16_t port = 0;             ///< 0: a free one; Server::tcp_addresses() says which
  Transport transport = Transport::kPlain;
};

/// PEM files: the certificate with its chain, and its key.
struct TlsFiles {
  std::string certificate_chain;
  std::string private_key;
};

/// A request that was answered, for metrics and the access log.
struct Served {
  std::string_view method;
  std::string_view pattern;    ///< the route's; empty where none was found
  std::string_view principal;  ///< its name; empty: none
  int status = 0;
  std::uint64_t microseconds = 0;  ///< from the header's last byte to the answer; of a stream: until it began
};

/// What a server is made of. At least one address.
struct ServerOptions {
  std::string unix_socket;  ///< a path of at most 107 bytes; empty: none. Mode 0660.
  std::vector<TcpAddress> tcp;
  std::optional<TlsFiles> tls;  ///< of all addresses with Transport::kTls
  Authentication authentication;
  /// Names that a request's Host header may have on loopback, beside localhost, 127.0.0.1 and [::1]; on other addresses
  /// any name is right while this is empty. The port is not compared: it may be forwarded.
  std::vector<std::string> host_names;
  Limits limits;
  std::function<void(const Served&)> on_served;           ///< on the server's thread; may be empty
  std::function<void(const std::string& what)> on_fault;  ///< a handler has thrown; for the log. As on_served.
};

/// What a server has to do at the moment, and has had to refuse.
struct Statistics {
  std::size_t connections = 0;  ///< open now, unix sockets included
  std::size_t streams = 0;      ///< open now
  std::uint64_t requests = 0;   ///< answered, whatever the status
  std::uint64_t refused_connections = 0;
  std::uint64_t displaced_connections = 0;  ///< closed without a request, for another peer's
  std::uint64_t paced_requests = 0;         ///< had to wait, since their peer asks too fast; connections too
  std::uint64_t lagged_streams = 0;
};

/// What create() would refuse before it binds anything. @returns kInvalidArgument; the message says what to change.
Result<void> check_options(const ServerOptions& options);

/// A running server. Thread-safe.
class Server {
 public:
  /// Binds every address, then serves on a new thread.
  ///
  /// A unix socket that nobody serves any more is replaced. An address that is not loopback wants TLS and
  /// Tokens::kRequired.
  /// @returns
  /// * kInvalidArgument  limits, addresses or their combination; the message says what to change.
  /// * kUnavailable      an address is in use or not of this machine, a TLS file cannot be read, no thread.
  /// * kDamaged          a TLS file is not what it should be, or certificate and key do not belong together.
  static Result<std::unique_ptr<Server>> create(ServerOptions options, Router router);

  /// stop().
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Ends it within a second: no new connections; WebSockets are closed with 1001 unless a frame is on its way; what is
  /// still being answered is cut off. The unix socket's file is removed. Responders and hubs may outlive it. Not to be
  /// called by a handler.
  void stop();

  /// The TCP addresses with the ports that were taken, in the order of the options.
  const std::vector<TcpAddress>& tcp_addresses() const;

  /// Reads the TLS files again, for connections from now on; open ones keep the old certificate.
  /// @returns errors of TLS files as create(); the old certificate stays in use then. kInvalidArgument without TLS.
  Result<void> reload_certificate();

  /// The counters now; each is right by itself, not all of one moment.
  Statistics statistics() const;

 private:
  class Running;
  explicit Server(std::unique_ptr<Running> running);
  std::unique_ptr<Running> running_;
};

}  // namespace skink::coordinator::http
