#pragma once
/// @file
/// One connection: requests one after another, each read, judged, handed to its handler and answered. Pipelined
/// requests wait in the socket; nothing is read while an answer is due.
///
///   [kPaced] -> kHandshake -> kIdle -> kHeader -> [kBody] -> kAnswering -> kWriting -> [kPaced] -> kIdle ... ->
///   kFinishing
///                                             \-> a stream of events takes the channel over

#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "channel.hpp"
#include "request_reader.hpp"
#include "response_head.hpp"
#include "server_state.hpp"

namespace skink::coordinator::http {

class Connection final : public Session {
 public:
  Connection(ServerState& state, Ticket place, std::unique_ptr<Channel> channel, Remote remote);

  /// Once, after make_shared(). Nothing is done before `wait` has passed.
  void start(std::chrono::milliseconds wait);
  void stop() override;
  std::optional<Waiting> waiting() const override;

 private:
  enum class State : std::uint8_t {
    kPaced,
    kHandshake,
    kIdle,
    kHeader,
    kBody,
    kAnswering,
    kWriting,
    kFinishing,
    kGone
  };
  enum class Rest : std::uint8_t { kUsable, kUnread };  ///< of the request's bytes

  std::shared_ptr<Connection> self();
  void set_deadline(std::chrono::milliseconds time);
  void on_deadline();

  void pause(std::chrono::milliseconds wait);
  void open();
  void begin_request();
  void read_more();
  void on_read(const ErrorCode& code, std::size_t count);
  void read_request();
  void on_header();
  void expect_body();
  void on_complete();
  void begin_stream();

  void answer_later(std::uint64_t number, Response response);
  void refuse(Response response);
  void answer(Response response, Rest rest);
  void count_served(int status);
  void charge();
  void write_body();
  void on_written(const ErrorCode& code);
  void finish();
  void close();

  std::unique_ptr<Channel> channel_;
  const Remote remote_;
  boost::asio::steady_timer deadline_;
  State state_now_ = State::kPaced;
  bool is_open_ = false;               ///< the handshake is done
  Clock::time_point waiting_since_;    ///< for a request
  Clock::time_point part_begun_;       ///< of the answer, to be written
  std::chrono::milliseconds pace_{0};  ///< to wait before the next request

  std::string input_;            ///< RequestReader::buffer_bytes() of memory
  std::size_t input_bytes_ = 0;  ///< read and not consumed yet
  std::optional<RequestReader> reader_;
  const Route* route_ = nullptr;
  Ticket body_place_;
  std::size_t body_bytes_ = 0;  ///< of the request, as handed to its handler
  std::uint64_t number_ = 0;    ///< of the request: an answer that is late must not become the next one's
  std::size_t requests_ = 0;
  std::chrono::steady_clock::time_point header_end_;

  std::string output_head_;
  Body output_body_;
  std::size_t written_ = 0;  ///< of output_body_
  std::size_t body_end_ = 0;
  After after_ = After::kClose;
};

}  // namespace skink::coordinator::http
