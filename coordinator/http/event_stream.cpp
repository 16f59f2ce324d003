#include "event_stream.hpp"

#include <boost/asio/steady_timer.hpp>
#include <deque>

#include "response_head.hpp"

namespace skink::coordinator::http {
namespace {

constexpr std::size_t kBatchEvents = 64;
constexpr std::uint16_t kGoingAway = 1001;
constexpr std::uint16_t kTryAgainLater = 1013;

/// Times, places and what comes next; how it is written is the derived class's.
class EventStream : public Session {
 public:
  EventStream(ServerState& state, StreamStart start)
      : Session(state, std::move(start.connection_place)),
        timer_(state.io),
        place_(std::move(start.stream_place)),
        feed_(std::move(start.feed)),
        hub_(start.hub) {}

  void wake() override {
    if (is_open_ && !is_writing_) send_next();
  }

 protected:
  /// Sends what the hub has; waits for wake() where that is nothing.
  virtual void send_next() = 0;
  virtual void send_heartbeat() = 0;
  virtual void abort() = 0;

  /// Events may come: once the protocol's beginning is written.
  void open() {
    watching_ = state_.watch(hub_, *this);
    is_open_ = true;
    set_timer(state_.limits.heartbeat_time);
    send_next();
  }

  void set_timer(std::chrono::milliseconds time) {
    timer_.expires_after(time);
    timer_.async_wait([this, me = shared_from_this()](const ErrorCode& code) {
      if (code || timer_.expiry() > std::chrono::steady_clock::now()) return;
      if (is_writing_ || !is_open_) return end();  // too slow
      send_heartbeat();
    });
  }

  void begin_write() {
    is_writing_ = true;
    set_timer(state_.limits.write_time);
  }

  /// False: the stream is over.
  bool end_write(const ErrorCode& code) {
    is_writing_ = false;
    if (code || is_ended_) {
      end();
      return false;
    }
    set_timer(is_open_ ? state_.limits.heartbeat_time : state_.limits.linger_time);
    return true;
  }

  /// Nothing more is sent, and the client has a moment to close.
  void leave() {
    is_open_ = false;
    watching_ = {};
    if (!is_writing_ && !is_ended_) set_timer(state_.limits.linger_time);
  }

  /// At once.
  void end() {
    if (is_ended_) return;
    is_ended_ = true;
    is_open_ = false;
    watching_ = {};
    place_ = {};
    timer_.cancel();
    abort();
  }

  EventFeed::Next next() {
    EventFeed::Next next = feed_.next(kBatchEvents);
    if (next.notice == Notice::kLagged) {
      ++state_.lagged_streams;
      leave();
    }
    return next;
  }

  bool is_open() const { return is_open_; }
  bool is_writing() const { return is_writing_; }
  bool is_ended() const { return is_ended_; }

 private:
  bool is_open_ = false;  ///< events may be sent
  bool is_writing_ = false;
  bool is_ended_ = false;
  boost::asio::steady_timer timer_;  ///< the write's end while one is in progress, else the next heartbeat
  Ticket place_;
  EventFeed feed_;
  EventHub& hub_;
  Ticket watching_;
};

class SseStream final : public EventStream {
 public:
  SseStream(ServerState& state, StreamStart start, std::unique_ptr<Channel> channel)
      : EventStream(state, std::move(start)), channel_(std::move(channel)) {}

  void begin() {
    Response response;
    response.content_type = "text/event-stream";
    response.headers.emplace_back("X-Accel-Buffering", "no");  // a proxy's, that would hold events back
    text_ = response_head(response, std::nullopt, After::kClose);
    read();
    write([this] { open(); });
  }

  void stop() override { end(); }

 private:
  void send_next() override {
    const EventFeed::Next what = next();
    text_.clear();
    if (what.notice != Notice::kNone) text_ = sse_text(what.notice, what.oldest, what.newest);
    for (const auto& event : what.events) text_ += sse_text(*event);
    if (text_.empty()) return;
    if (what.notice == Notice::kLagged) return write([this] { finish(); });
    write([this] { send_next(); });
  }

  void send_heartbeat() override {
    text_ = ": still here\n\n";
    write([this] { send_next(); });
  }

  template <class Then>
  void write(Then then) {
    begin_write();
    channel_->write({boost::asio::buffer(text_), {}},
                    [this, me = shared_from_this(), then](const ErrorCode& code, std::size_t) {
                      if (end_write(code)) then();
                    });
  }

  /// To learn that the client has gone; it has nothing to say.
  void read() {
    channel_->read_some(boost::asio::buffer(input_),
                        [this, me = shared_from_this()](const ErrorCode& code, std::size_t) {
                          if (is_finishing_) return;  // cancelled
                          if (code) return end();
                          if (!is_ended()) read();
                        });
  }

  void finish() {
    is_finishing_ = true;
    leave();
    channel_->cancel_read();
    channel_->finish([this, me = shared_from_this()] { end(); });
  }

  void abort() override { channel_->close(); }

  std::unique_ptr<Channel> channel_;
  std::string text_;
  std::array<char, 256> input_{};
  bool is_finishing_ = false;
};

class WebSocketStream final : public EventStream {
 public:
  WebSocketStream(ServerState& state, StreamStart start, std::unique_ptr<WebSocket> socket)
      : EventStream(state, std::move(start)), socket_(std::move(socket)) {}

  void begin(const std::string& key) {
    begin_write();
    socket_->accept(key, [this, me = shared_from_this()](const ErrorCode& code) {
      if (!end_write(code)) return;
      const std::weak_ptr<Session> weak = me;
      socket_->read_until_end(
          [this, weak] {
            if (const auto still = weak.lock()) leave();
          },
          [this, me] { end(); });
      open();
    });
  }

  void stop() override {
    if (is_open() && !is_writing()) return close(kGoingAway, "the server stops");
    end();
  }

 private:
  void send_next() override {
    if (frames_.empty()) {
      const EventFeed::Next what = next();
      if (what.notice != Notice::kNone) frames_.push_back(frame_text(what.notice, what.oldest, what.newest));
      for (const auto& event : what.events) frames_.push_back(frame_text(*event));
      is_lagged_ = what.notice == Notice::kLagged;
    }
    if (frames_.empty()) return;
    begin_write();
    socket_->write(frames_.front(), [this, me = shared_from_this()](const ErrorCode& code) {
      frames_.pop_front();
      if (!end_write(code)) return;
      if (is_lagged_ && frames_.empty()) return close(kTryAgainLater, "lagged");
      if (is_open() || is_lagged_) send_next();
    });
  }

  void send_heartbeat() override { set_timer(state_.limits.heartbeat_time); }  // Beast sends pings by itself

  void close(std::uint16_t code, const std::string& reason) {
    leave();
    socket_->close(code, reason, [this, me = shared_from_this()](const ErrorCode&) { end(); });
  }

  void abort() override { socket_->abort(); }

  std::unique_ptr<WebSocket> socket_;
  std::deque<std::string> frames_;  ///< of one batch
  bool is_lagged_ = false;
};

}  // namespace

void begin_sse_stream(ServerState& state, StreamStart start, std::unique_ptr<Channel> channel) {
  std::make_shared<SseStream>(state, std::move(start), std::move(channel))->begin();
}

void begin_websocket_stream(ServerState& state, StreamStart start, std::unique_ptr<WebSocket> socket,
                            const std::string& key) {
  std::make_shared<WebSocketStream>(state, std::move(start), std::move(socket))->begin(key);
}

}  // namespace skink::coordinator::http
