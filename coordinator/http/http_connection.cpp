#include "http_connection.hpp"

#include <cstring>
#include <exception>

#include "event_stream.hpp"
#include "skink/coordinator/http/problem.hpp"

namespace skink::coordinator::http {
namespace {

constexpr std::size_t kPartBytes = 65536;  // of an answer, each with its own write_time
constexpr std::chrono::seconds kSlowPart(2);
constexpr double kUnitBytes = 16384;  // of bodies, in units of Limits::pace_burst
const std::string kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

Response busy(const char* what) {
  Response response = problem(503, "too-busy", what);
  response.headers.emplace_back("Retry-After", "2");
  return response;
}

}  // namespace

Connection::Connection(ServerState& state, Ticket place, std::unique_ptr<Channel> channel, Remote remote)
    : Session(state, std::move(place)), channel_(std::move(channel)), remote_(std::move(remote)), deadline_(state.io) {}

std::shared_ptr<Connection> Connection::self() { return std::static_pointer_cast<Connection>(shared_from_this()); }

void Connection::set_deadline(std::chrono::milliseconds time) {
  deadline_.expires_after(time);
  deadline_.async_wait([me = self()](const ErrorCode& code) {
    // Set anew after it had expired, but before this call: that counts.
    if (!code && me->deadline_.expiry() <= std::chrono::steady_clock::now()) me->on_deadline();
  });
}

void Connection::on_deadline() {
  switch (state_now_) {
    case State::kPaced: return is_open_ ? begin_request() : open();
    case State::kHeader:
      if (input_bytes_ == 0) return close();
      channel_->cancel_read();
      return refuse(problem(408, "too-slow", "the header did not arrive in time"));
    case State::kBody:
      channel_->cancel_read();
      return refuse(problem(408, "too-slow", "the body did not arrive in time"));
    case State::kAnswering:
      return answer(problem(503, "no-answer-in-time", "the request takes too long; it may still be carried out"),
                    Rest::kUsable);
    default: return close();
  }
}

void Connection::start(std::chrono::milliseconds wait) {
  waiting_since_ = Clock::now();
  if (wait.count() > 0) return pause(wait);
  open();
}

void Connection::pause(std::chrono::milliseconds wait) {
  ++state_.paced_requests;
  state_now_ = State::kPaced;
  set_deadline(wait);
}

void Connection::open() {
  state_now_ = State::kHandshake;
  set_deadline(state_.limits.header_time);
  channel_->handshake([me = self()](const ErrorCode& code) {
    if (me->state_now_ != State::kHandshake) return;
    if (code) return me->close();
    me->is_open_ = true;
    me->begin_request();
  });
}

void Connection::stop() { close(); }

std::optional<Session::Waiting> Connection::waiting() const {
  switch (state_now_) {
    case State::kPaced:
    case State::kHandshake:
    case State::kIdle:
    case State::kHeader: return Waiting{remote_, waiting_since_};
    case State::kFinishing: return Waiting{remote_, part_begun_};
    case State::kWriting:  // to somebody who does not read
      if (Clock::now() - part_begun_ < kSlowPart) return std::nullopt;
      return Waiting{remote_, part_begun_};
    case State::kBody:
    case State::kAnswering:
    case State::kGone: break;
  }
  return std::nullopt;
}

void Connection::begin_request() {
  reader_.emplace(state_.limits);
  route_ = nullptr;
  body_place_ = {};
  body_bytes_ = 0;
  output_body_ = {};
  ++number_;
  if (requests_ > 0) set_deadline(state_.limits.idle_time);  // the first request's header_time runs since start()
  state_now_ = State::kIdle;
  if (input_bytes_ == 0) return read_more();
  if (requests_ > 0) set_deadline(state_.limits.header_time);
  state_now_ = State::kHeader;
  read_request();
}

void Connection::read_more() {
  input_.resize(RequestReader::buffer_bytes(state_.limits));
  channel_->read_some(boost::asio::buffer(input_.data() + input_bytes_, input_.size() - input_bytes_),
                      [me = self()](const ErrorCode& code, std::size_t count) { me->on_read(code, count); });
}

void Connection::on_read(const ErrorCode& code, std::size_t count) {
  if (state_now_ != State::kIdle && state_now_ != State::kHeader && state_now_ != State::kBody) return;
  if (code) return close();
  input_bytes_ += count;
  if (state_now_ == State::kIdle) {
    state_now_ = State::kHeader;
    if (requests_ > 0) set_deadline(state_.limits.header_time);
  }
  read_request();
}

void Connection::read_request() {
  const auto feed = [this] {
    const std::size_t used = reader_->feed({input_.data(), input_bytes_});
    input_bytes_ -= used;
    std::memmove(input_.data(), input_.data() + used, input_bytes_);
    return used;
  };
  while (input_bytes_ > 0 && feed() > 0) {
    if (reader_->state() == RequestReader::State::kRefused || reader_->state() == RequestReader::State::kComplete)
      break;
    if (reader_->state() == RequestReader::State::kBody && state_now_ == State::kHeader) break;
  }
  switch (reader_->state()) {
    case RequestReader::State::kRefused: return refuse(std::move(reader_->refusal()));
    case RequestReader::State::kHeader: return read_more();
    case RequestReader::State::kBody: return state_now_ == State::kHeader ? on_header() : read_more();
    case RequestReader::State::kComplete: return state_now_ == State::kHeader ? on_header() : on_complete();
  }
}

void Connection::on_header() {
  header_end_ = std::chrono::steady_clock::now();
  ++requests_;
  Gate::Verdict verdict = state_.gate.admit(reader_->head(), remote_, header_end_);
  route_ = verdict.route;
  if (verdict.answer) {
    return answer(std::move(*verdict.answer), reader_->head().has_body ? Rest::kUnread : Rest::kUsable);
  }
  if (reader_->head().has_body) return expect_body();
  if (route_->kind == RouteKind::kServerSentEvents || route_->kind == RouteKind::kWebSocket) return begin_stream();
  on_complete();
}

void Connection::expect_body() {
  if (route_->kind != RouteKind::kHandler) {
    return refuse(problem(400, "invalid-request", "this path takes no body"));
  }
  auto place = state_.admit_body(reader_->head().body_bytes);
  if (!place) return refuse(busy("too many requests with a body are under way; try again"));
  body_place_ = std::move(*place);
  state_now_ = State::kBody;
  set_deadline(state_.limits.body_time);
  if (!reader_->head().expects_continue || input_bytes_ > 0) return read_request();
  channel_->write({boost::asio::buffer(kContinue), {}}, [me = self()](const ErrorCode& code, std::size_t) {
    if (me->state_now_ != State::kBody) return;
    if (code) return me->close();
    me->read_request();
  });
}

void Connection::on_complete() {
  state_now_ = State::kAnswering;
  set_deadline(state_.limits.answer_time);
  Request& request = reader_->head().request;
  request.body = reader_->take_body();
  body_bytes_ = request.body.size();
  const std::weak_ptr<Connection> weak = self();
  Responder respond([mailbox = state_.mailbox, weak, number = number_](Response response) {
    mailbox->post([weak, number, response = std::move(response)]() mutable {
      if (const auto me = weak.lock()) me->answer_later(number, std::move(response));
    });
  });
  try {
    route_->handler(request, std::move(respond));
  } catch (const std::exception& error) {  // a bug of the handler's: it must not end the server
    if (state_.options.on_fault) state_.options.on_fault(route_->method + " " + route_->pattern + ": " + error.what());
    answer(problem(500, "internal", "the server has failed; its log says why"), Rest::kUsable);
  }
}

void Connection::begin_stream() {
  FeedRequest feed;
  if (auto refusal = read_feed_request(reader_->head().request, feed)) {
    return answer(std::move(*refusal), Rest::kUsable);
  }
  if (reader_->head().is_head_method) {
    Response response;
    response.content_type = "text/event-stream";
    return answer(std::move(response), Rest::kUsable);
  }
  if (route_->kind == RouteKind::kWebSocket && input_bytes_ > 0) {
    return refuse(problem(400, "invalid-request", "frames of a WebSocket come after the answer to its upgrade"));
  }
  auto place = state_.admit_stream();
  if (!place) return answer(busy("there are too many streams; close one, or try again"), Rest::kUsable);
  count_served(route_->kind == RouteKind::kWebSocket ? 101 : 200);
  deadline_.cancel();
  state_now_ = State::kGone;
  StreamStart start{take_place(), std::move(*place), EventFeed(route_->events, std::move(feed)), *route_->events};
  if (route_->kind == RouteKind::kWebSocket) {
    begin_websocket_stream(state_, std::move(start), channel_->become_websocket(state_.limits),
                           reader_->head().websocket_key);
  } else {
    begin_sse_stream(state_, std::move(start), std::move(channel_));
  }
}

void Connection::answer_later(std::uint64_t number, Response response) {
  if (number == number_ && state_now_ == State::kAnswering) answer(std::move(response), Rest::kUsable);
}

void Connection::refuse(Response response) { answer(std::move(response), Rest::kUnread); }

void Connection::answer(Response response, Rest rest) {
  const Head& head = reader_->head();
  fill_instance(response, head.request.path);
  const bool is_last = requests_ >= state_.limits.requests_per_connection || state_.is_stopping;
  const bool goes_on = rest == Rest::kUsable && head.keeps_alive && !is_last;
  after_ = goes_on ? After::kKeepAlive : After::kClose;
  output_head_ = response_head(response, response.body.bytes().size(), after_);
  output_body_ = std::move(response.body);
  body_end_ = head.is_head_method || !has_content(response.status) ? 0 : output_body_.bytes().size();
  written_ = 0;
  count_served(response.status);
  charge();
  state_now_ = State::kWriting;
  write_body();
}

void Connection::charge() {
  const double bytes = static_cast<double>(body_bytes_ + body_end_);
  pace_ = state_.pace.charge(remote_.key, 1 + bytes / kUnitBytes, Clock::now());
}

void Connection::count_served(int status) {
  ++state_.requests;
  if (!state_.options.on_served) return;
  const Request& request = reader_->head().request;
  const auto time =
      route_ == nullptr ? std::chrono::steady_clock::duration(0) : std::chrono::steady_clock::now() - header_end_;
  state_.options.on_served({.method = request.method,
                            .pattern = route_ != nullptr ? std::string_view(route_->pattern) : std::string_view(),
                            .principal = request.principal ? std::string_view(request.principal->name) : "",
                            .status = status,
                            .microseconds = static_cast<std::uint64_t>(
                                std::chrono::duration_cast<std::chrono::microseconds>(time).count())});
}

void Connection::write_body() {
  part_begun_ = Clock::now();
  set_deadline(state_.limits.write_time);
  const std::size_t count = std::min(kPartBytes, body_end_ - written_);
  const Buffers buffers = {boost::asio::buffer(output_head_),
                           boost::asio::const_buffer(output_body_.bytes().data() + written_, count)};
  written_ += count;
  channel_->write(buffers, [me = self()](const ErrorCode& code, std::size_t) { me->on_written(code); });
}

void Connection::on_written(const ErrorCode& code) {
  if (state_now_ != State::kWriting) return;
  if (code) return close();
  output_head_.clear();
  if (written_ < body_end_) return write_body();
  if (after_ != After::kKeepAlive) return finish();
  waiting_since_ = Clock::now();
  if (pace_.count() == 0) return begin_request();
  reader_.reset();
  body_place_ = {};
  output_body_ = {};
  pause(pace_);
}

void Connection::finish() {
  state_now_ = State::kFinishing;
  body_place_ = {};
  set_deadline(state_.limits.linger_time);
  channel_->finish([me = self()] { me->close(); });
}

void Connection::close() {
  if (state_now_ == State::kGone) return;
  state_now_ = State::kGone;
  deadline_.cancel();
  channel_->close();
  take_place();  // now, not when the last handler has gone: somebody may wait for it
}

}  // namespace skink::coordinator::http
