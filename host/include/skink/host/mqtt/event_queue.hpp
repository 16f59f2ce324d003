#pragma once
/// @file
/// What happened on MQTT sessions, in order, for one thread to take. Any number of sessions share a queue, so a program
/// with a thousand connections needs no thousand threads. Sessions: session.hpp.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace skink::mqtt {

namespace internal {
class Exchange;
}

/// Names a publication of one session until its kPublished or the session's next kDisconnected.
using Token = std::uint64_t;

/// What happened.
enum class EventKind : std::uint8_t {
  kConnected,     ///< subscribe now: nothing is left of subscriptions made before
  kDisconnected,  ///< or an attempt to connect failed; tokens are void; the session tries again by itself
  kMessage,
  kPublished,  ///< the broker has the message (QoS 1: acknowledged)
  kProblem,    ///< `text` for the log: a message too large was dropped, a subscription was refused
};

/// Why there is no connection.
enum class DisconnectReason : std::uint8_t {
  kRequested,    ///< Session::disconnect()
  kLost,         ///< an established connection broke
  kUnreachable,  ///< no such host, nobody listens, or no answer
  kCertificate,  ///< TLS refused, by us or by the broker; trying again helps only after a certificate is fixed
  kRefused,      ///< the broker answered and said no
};

/// One event of one session. Fields without their kind in the comment are set for all kinds.
struct Event {
  std::size_t session = 0;  ///< SessionOptions::index
  EventKind kind = EventKind::kMessage;
  DisconnectReason reason = DisconnectReason::kLost;  ///< kDisconnected
  bool retained = false;                              ///< kMessage: it was kept by the broker, not sent just now
  Token token = 0;                                    ///< kPublished
  std::chrono::steady_clock::time_point at;           ///< when it came into the queue
  std::string topic;                                  ///< kMessage
  std::vector<std::uint8_t> payload;                  ///< kMessage
  std::string text;  ///< kDisconnected, kProblem: a sentence with what to do; names the file where one is at fault
};

/// Limits that a queue sets to all its sessions together.
struct EventQueueOptions {
  std::size_t max_message_bytes = std::size_t{1} << 20;   ///< larger messages are dropped with a kProblem
  std::size_t max_queued_bytes = std::size_t{256} << 20;  ///< so are all messages while this much waits
  std::size_t max_connecting = 32;                        ///< TLS handshakes at a time; a herd would time out together
};

/// The events of any number of sessions. Thread-safe; one thread waits. Sessions may outlive it: they share what they
/// need, but are not served any more.
class EventQueue {
 public:
  /// An empty queue. Starts no thread and connects nothing by itself: Session::start() and wait() do.
  explicit EventQueue(const EventQueueOptions& options = {});
  ~EventQueue();
  EventQueue(const EventQueue&) = delete;
  EventQueue& operator=(const EventQueue&) = delete;

  /// Replaces `events` by all that happened, oldest first; waits for at most `timeout` when nothing did. Connection
  /// attempts are made in here, so call it again and again.
  void wait(std::vector<Event>& events, std::chrono::milliseconds timeout);

  /// Makes a wait() in another thread return early. Not for signal handlers.
  void interrupt();

 private:
  friend class Session;
  std::shared_ptr<internal::Exchange> exchange_;
};

}  // namespace skink::mqtt
