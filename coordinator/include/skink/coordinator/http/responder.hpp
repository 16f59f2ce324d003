#pragma once
/// @file
/// The promise to answer one request: now, or later from another thread.

#include <functional>
#include <memory>

#include "skink/coordinator/http/http_message.hpp"

namespace skink::coordinator::http {

/// Answers one request, once. Move-only; may be moved to and called from any thread, and may outlive the server.
class Responder {
 public:
  /// Where the answer goes; called once at most, from the thread that answers.
  using Deliver = std::function<void(Response)>;

  /// For the server, and for tests of handlers.
  explicit Responder(Deliver deliver);
  Responder(Responder&&) noexcept = default;
  Responder& operator=(Responder&& other) noexcept;
  /// Unanswered, it answers by itself: 500, code "no-answer".
  ~Responder();

  /// Hands the answer to the server's thread and returns at once; never waits for the client. The second call and later
  /// ones, and those after Limits::answer_time or after the client has gone, do nothing.
  void operator()(Response response);

  /// Was it called, or moved from?
  bool is_answered() const { return deliver_ == nullptr; }

 private:
  std::unique_ptr<Deliver> deliver_;
};

}  // namespace skink::coordinator::http
