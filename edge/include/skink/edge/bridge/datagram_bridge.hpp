#pragma once
/// @file
/// A bridge between nodes that speak in datagrams and a broker: DTLS on one side, for each node one MQTT session under
/// its own certificate on the other (docs/datagram.md). It believes nobody: what opens a node's session is that node's
/// key.

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "skink/edge/bridge/datagram_peer.hpp"
#include "skink/edge/bridge/dtls_server.hpp"
#include "skink/host/config/network_address.hpp"
#include "skink/host/program/event_log.hpp"

namespace skink::edge {

/// What a bridge is made from.
struct DatagramBridgeOptions {
  NetworkAddress listen;  ///< UDP
  NetworkAddress broker;  ///< MQTT over TLS
  std::string fleet;      ///< of docs/protocol.md, section 1
  std::string identity;   ///< folder of read_credentials(): of all nodes that may come
  DtlsLimits dtls;
  DatagramPeerLimits node;
  std::function<void(const LogLine&)> log;  ///< called by the thread in run(); empty: no log
};

/// The bridge. One thread calls.
class DatagramBridge {
 public:
  /// Binds the socket. @returns kInvalidArgument: the fleet's name; as DtlsServer::open().
  static Result<std::unique_ptr<DatagramBridge>> open(const DatagramBridgeOptions& options);
  ~DatagramBridge();
  DatagramBridge(const DatagramBridge&) = delete;
  DatagramBridge& operator=(const DatagramBridge&) = delete;

  /// Serves until `stop` is true; then has the births of its nodes removed, within 2 s.
  void run(const std::atomic<bool>& stop);

 private:
  struct Self;
  explicit DatagramBridge(std::unique_ptr<Self> self);
  std::unique_ptr<Self> self_;
};

}  // namespace skink::edge
