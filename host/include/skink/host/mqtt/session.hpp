#pragma once
/// @file
/// One MQTT 3.1.1 connection over TLS, for host programs. The only place that knows Eclipse Paho MQTT C++; its
/// exceptions end here, and its callback threads do nothing but fill an EventQueue.
///
/// A session connects by itself, again and again, with back-off (100 ms doubling to 10 s, half of it random). It is
/// always a clean one: after every kConnected the owner subscribes anew. Beside other sessions of the process that are
/// connected and idle, connecting takes up to 2 s: Paho C 1.3 does not look at a new socket before its poll() ends.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "skink/common/span.hpp"
#include "skink/host/mqtt/event_queue.hpp"
#include "skink/host/result.hpp"

namespace skink::mqtt {

/// MQTT's QoS 0 and 1, and whether the broker keeps a message for later subscribers.
enum class Quality : std::uint8_t { kAtMostOnce = 0, kAtLeastOnce = 1 };
enum class Retain : std::uint8_t { kNo, kYes };

/// What the broker publishes, QoS 1, when the client vanishes without a disconnect.
struct Will {
  std::string topic;
  std::vector<std::uint8_t> payload;
  Retain retain = Retain::kYes;
};

/// Where a broker is, and with what to prove who one is. PEM files.
struct SessionOptions {
  std::size_t index = 0;           ///< tags the session's events
  std::string host = "127.0.0.1";  ///< must be named by the broker's certificate; an address avoids waiting for DNS
  std::uint16_t port = 8883;
  std::string ca_file;
  std::string certificate_file;
  std::string key_file;
  /// Unique at the broker: a second one throws the first one out. Must be the certificate's common name, to which
  /// brokers bind it (docs/protocol.md, section 1).
  std::string client_id;
  std::chrono::seconds keep_alive{30};
  std::chrono::seconds connect_timeout{10};
  std::optional<Will> will;
  std::size_t max_pending_publications = 2000;  ///< 1..65000; publish() fails beyond
};

/// Checks that CA, certificate and key of `options` can be read, are what they should be and belong together.
/// @returns kUnavailable or kDamaged, naming the file at fault.
Result<void> check_credentials(const SessionOptions& options);

/// The common name in a PEM certificate: who its owner is to the broker.
/// @returns kUnavailable (cannot be read) or kDamaged (no certificate, or one without a name), naming the file.
Result<std::string> common_name_of(const std::string& certificate_file);

/// The public key in a PEM file as an uncompressed P-256 point, 65 bytes.
/// @returns kUnavailable (cannot be read) or kDamaged (no public key, or one of another curve), naming the file.
Result<std::vector<std::uint8_t>> public_point_of(const std::string& key_file);

/// Thread-safe. No call waits for the network.
class Session {
 public:
  /// Checks that the files are there, are what they should be and belong together, and starts to connect at the queue's
  /// next wait(). A certificate that has expired is no error yet: the broker decides, then kDisconnected says it.
  ///
  /// @returns kUnavailable or kDamaged with the name of the file at fault, kInvalidArgument for other options.
  static Result<std::unique_ptr<Session>> start(EventQueue& queue, const SessionOptions& options);

  /// Closes the connection, if there still is one, politely: the broker forgets the will. Up to 0.2 s for the last
  /// session of a process. Events that wait in the queue stay.
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// Hands a copy of the message to the sender.
  ///
  /// @returns a token, repeated by kPublished; kUnavailable when not connected, or it cannot be sent; kBufferTooSmall
  ///          when too many publications are pending or the message is larger than the queue would accept
  ///          (max_message_bytes).
  Result<Token> publish(const std::string& topic, Bytes payload, Quality quality, Retain retain);

  /// Asks the broker for messages on a topic filter, or not to send them any more. Does not wait for its answer: a
  /// subscription that it refuses is a kProblem.
  /// @returns kUnavailable when not connected, or the request cannot be sent.
  Result<void> subscribe(const std::string& topic, Quality quality);
  Result<void> unsubscribe(const std::string& topic);

  /// Ends the session for good, with an MQTT DISCONNECT: the broker forgets the will. kDisconnected follows, within
  /// `grace` plus a moment; until then pending publications may still leave.
  void disconnect(std::chrono::milliseconds grace = std::chrono::milliseconds(0));

  /// Is the connection established? It may break at any time: the calls above return kUnavailable then.
  bool is_connected() const;

 private:
  class Link;
  explicit Session(std::shared_ptr<Link> link);
  std::shared_ptr<Link> link_;
};

}  // namespace skink::mqtt
