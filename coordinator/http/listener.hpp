#pragma once
/// @file
/// Addresses that are listened on, and what comes in by them.

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <string>

#include "server_state.hpp"

namespace skink::coordinator::http {

using Acceptor = boost::asio::basic_socket_acceptor<boost::asio::generic::stream_protocol>;

/// The certificate of new connections; replaced on the server's thread.
struct TlsSlot {
  std::shared_ptr<boost::asio::ssl::context> context;
};

/// Binds a unix socket with mode 0660. A file left by a process that is gone is replaced.
/// @returns kInvalidArgument for the path, kUnavailable where something else is there or somebody serves.
Result<Acceptor> listen_unix(boost::asio::io_context& io, const std::string& path);

/// Removes `path` if it is the socket that `inode` was.
void remove_unix(const std::string& path, std::uint64_t inode);

/// The inode of the socket at `path`; 0: there is none.
std::uint64_t unix_inode(const std::string& path);

/// Binds a TCP address, and fills in the port that was taken.
/// @returns kInvalidArgument for an address that is none, kUnavailable for one in use or not of this machine.
Result<Acceptor> listen_tcp(boost::asio::io_context& io, TcpAddress& address);

/// Is it 127.0.0.0/8 or ::1?
/// @returns kInvalidArgument for a text that is no numeric address.
Result<bool> is_loopback(const std::string& address);

/// Accepts connections until it is closed. On the server's thread.
class Listener {
 public:
  /// @param[in] tls  nullptr: without TLS.
  Listener(ServerState& state, Acceptor acceptor, PeerKind kind, const TlsSlot* tls);

  void start();
  void close();

 private:
  void admit(boost::asio::generic::stream_protocol::socket socket);

  ServerState& state_;
  Acceptor acceptor_;
  const PeerKind kind_;
  const TlsSlot* tls_;
  boost::asio::steady_timer pause_;
};

}  // namespace skink::coordinator::http
