#pragma once
/// @file
/// A client of a fleet service's HTTP interface, for command lines: it blocks, has a bound for every time and size, and
/// opens a connection for each request. Not for programs with many requests at a time. Requests: docs/fleet-store.md
/// says what is behind them.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "skink/host/result.hpp"

namespace skink::coordinator::client {

/// How a service is reached.
enum class Transport : std::uint8_t { kUnix, kTcp, kTls };

/// Where a service is, and who asks.
struct Endpoint {
  Transport transport = Transport::kUnix;
  std::string socket;      ///< kUnix: path, 1..107 bytes
  std::string host;        ///< kTcp, kTls: name or address; the certificate must have it
  std::uint16_t port = 0;  ///< kTcp, kTls
  std::string ca_file;     ///< kTls: PEM; empty: the CAs of the system
  std::string token;       ///< empty: none is sent

  /// For messages: the path, or https://host:port.
  std::string text() const;
};

/// Reads http://host:port or https://host:port; without a port 80 or 443. Plain HTTP is for this machine only, because
/// whoever is on the way reads the token.
/// @returns kInvalidArgument for anything else; Cause::kUsage.
Result<Endpoint> parse_url(const std::string& url);

/// Reads a token from a file: one word of at most 4096 bytes.
/// @returns kUnavailable or kDamaged, with Cause::kCredentials.
Result<std::string> read_token(const std::string& path);

/// Bounds of one request.
struct ClientLimits {
  std::chrono::milliseconds connect_time{5'000};   ///< name look-up, connection and TLS handshake together
  std::chrono::milliseconds answer_time{15'000};   ///< from the request to the end of the answer
  std::chrono::milliseconds silence_time{60'000};  ///< of a stream; the service sends something every 15 seconds
  std::size_t answer_bytes = std::size_t{4} << 20;
};

/// What is asked.
struct Call {
  const char* method = "GET";
  std::string target;           ///< path and query
  std::string body;             ///< JSON; empty: none
  std::string idempotency_key;  ///< empty: none
};

/// What was answered, whatever the status.
struct Answer {
  int status = 0;
  std::string body;
};

/// One event of a stream.
struct StreamEvent {
  std::string id;  ///< empty: of the stream itself, a "gap" or "lagged"
  std::string type;
  std::string data;  ///< JSON
};

/// Cuts a stream of server-sent events into events; parts may end anywhere.
class EventReader {
 public:
  /// Takes the next part. @returns the events that it completes; kUnsupported for one of more than 1 MiB.
  Result<std::vector<StreamEvent>> add(const std::string& part);

 private:
  void read_line(const std::string& line, std::vector<StreamEvent>& events);

  std::string rest_;
  StreamEvent event_;
};

/// Asks one service. Not thread-safe.
class ApiClient {
 public:
  /// Connects nowhere yet.
  explicit ApiClient(Endpoint endpoint) : endpoint_(std::move(endpoint)) {}

  /// Asks and waits for the answer.
  /// @returns kUnavailable when nobody answers in time, with what to do about it; kUnsupported for an answer that is
  ///          longer than the limit; kDamaged for one that is not HTTP; Cause::kCredentials for a certificate that is
  ///          refused or cannot be read.
  Result<Answer> send(const Call& call, const ClientLimits& limits = {}) const;

  /// Follows a stream of events until it ends or `on_event` returns false.
  /// @param[in] last_event_id  resume after this one; empty: from now on.
  /// @returns the answer, with its body, when it is no stream (its status is not 200); status 200 when the stream has
  ///          ended. Errors as send(), also when a stream falls silent.
  Result<Answer> follow(const std::string& target, const std::string& last_event_id,
                        const std::function<bool(const StreamEvent&)>& on_event, const ClientLimits& limits = {}) const;

  /// Whom it asks.
  const Endpoint& endpoint() const { return endpoint_; }

 private:
  Endpoint endpoint_;
};

}  // namespace skink::coordinator::client
