#include "link.hpp"

#include <algorithm>
#include <utility>

namespace skink::mqtt {
namespace {

using internal::Clock;

constexpr std::chrono::milliseconds kFirstDelay(100);
constexpr std::chrono::milliseconds kLongestDelay(10'000);
/// A connection that breaks sooner does not start the back-off afresh: two programs with one client id throw each other
/// out for ever.
constexpr std::chrono::seconds kLasting(5);
constexpr int kMaxInflight = 256;

std::string uri_of(const SessionOptions& options) {
  // Without the brackets of an IPv6 address: Paho takes the port after the last colon, and would look for the brackets
  // in the certificate.
  return "ssl://" + options.host + ":" + std::to_string(options.port);
}

::mqtt::create_options create_options_of(const SessionOptions& options) {
  // Without sending while disconnected, which the constructor with two numbers would switch on. The limit counts
  // messages that are not sent yet, and its default is 100.
  return ::mqtt::create_options_builder()
      .mqtt_version(MQTTVERSION_3_1_1)
      .send_while_disconnected(false)
      .max_buffered_messages(static_cast<int>(options.max_pending_publications))
      .finalize();
}

::mqtt::connect_options connect_options_of(const SessionOptions& options) {
  ::mqtt::ssl_options tls;
  tls.set_trust_store(options.ca_file);
  tls.set_key_store(options.certificate_file);
  tls.set_private_key(options.key_file);
  tls.set_enable_server_cert_auth(true);
  tls.set_verify(true);  // the host's name too
  ::mqtt::connect_options connect;
  connect.set_mqtt_version(MQTTVERSION_3_1_1);
  connect.set_clean_session(true);
  connect.set_automatic_reconnect(false);  // Paho's knows whole seconds, and only what was connected once
  connect.set_keep_alive_interval(options.keep_alive);
  connect.set_connect_timeout(options.connect_timeout);
  connect.set_max_inflight(kMaxInflight);
  connect.set_ssl(tls);
  if (options.will) {
    const Will& will = *options.will;
    connect.set_will(
        ::mqtt::will_options(will.topic, will.payload.data(), will.payload.size(), 1, will.retain == Retain::kYes));
  }
  return connect;
}

/// The return codes of CONNACK: MQTT 3.1.1, table 3.1.
const char* connack_text(int code) noexcept {
  switch (code) {
    case 1: return "it does not speak MQTT 3.1.1";
    case 2: return "it does not accept the client id";
    case 3: return "it is not available";
    case 4: return "bad user name or password";
    case 5: return "not authorized";
    default: return "for a reason unknown";
  }
}

}  // namespace

Session::Link::Link(std::shared_ptr<internal::Exchange> exchange, const SessionOptions& options)
    : exchange_(std::move(exchange)),
      options_(options),
      random_(std::random_device{}()),
      client_(uri_of(options), options.client_id, create_options_of(options)) {
  // Not set_callback(): it holds a lock that callbacks take, while it asks for the one they hold.
  client_.set_connected_handler([this](const std::string& /*cause*/) { connected(); });
  client_.set_connection_lost_handler([this](const std::string& /*cause*/) { connection_lost(); });
  client_.set_message_callback([this](const ::mqtt::const_message_ptr& message) { message_arrived(message); });
}

// ---- connecting -----------------------------------------------------------------------------------------------------

void Session::Link::dial() {
  {
    const std::lock_guard lock(mutex_);
    if (state_ != State::kWaiting) {
      exchange_->dial_finished();
      return;
    }
    state_ = State::kConnecting;
  }
  try {
    client_.connect(connect_options_of(options_), nullptr, *this);
  } catch (const ::mqtt::exception&) {
    connect_failed(-1);
  }
}

void Session::Link::connected() {
  const std::lock_guard lock(mutex_);
  if (state_ != State::kConnecting) return;
  state_ = State::kConnected;
  connected_since_ = Clock::now();
  exchange_->dial_finished();
  exchange_->connected(options_.port);
  push(EventKind::kConnected);
}

/// @param[in] code  of a CONNACK; negative: there was none.
void Session::Link::connect_failed(int code) {
  const std::lock_guard lock(mutex_);
  if (state_ != State::kConnecting) return;
  exchange_->dial_finished();
  state_ = State::kExamining;
  if (code > 0) {
    push(EventKind::kDisconnected,
         "the broker at " + options_.host + ":" + std::to_string(options_.port) + " refuses client '" +
             options_.client_id + "': " + connack_text(code),
         DisconnectReason::kRefused);
    dial_again();
    return;
  }
  const bool accepted = exchange_->examine([weak = weak_from_this()](const std::stop_token& stop) {
    const std::shared_ptr<Link> link = weak.lock();
    if (link) link->examined(internal::diagnose_connection(link->options_, stop));
  });
  if (accepted) return;
  push(EventKind::kDisconnected, "cannot connect to " + options_.host + ":" + std::to_string(options_.port),
       DisconnectReason::kUnreachable);
  dial_again();
}

void Session::Link::examined(const internal::Diagnosis& diagnosis) {
  const std::lock_guard lock(mutex_);
  if (state_ != State::kExamining) return;
  push(EventKind::kDisconnected, diagnosis.text, diagnosis.reason);
  dial_again();
}

void Session::Link::connection_lost() {
  const std::lock_guard lock(mutex_);
  if (state_ == State::kLeaving) {
    end_as_requested();
    return;
  }
  if (state_ != State::kConnected) return;
  std::string text = "lost the connection to " + options_.host + ":" + std::to_string(options_.port);
  if (Clock::now() - connected_since_ >= kLasting) {
    attempts_ = 0;
  } else {
    text +=
        " soon after it was made: brokers end it when their ACL forbids a topic (is the fleet's name right?), or when "
        "another client connects as '" +
        options_.client_id + "'";
  }
  forget_publications();
  push(EventKind::kDisconnected, std::move(text), DisconnectReason::kLost);
  dial_again();
}

void Session::Link::dial_again() {
  state_ = State::kWaiting;
  exchange_->dial_at(Clock::now() + next_delay(), weak_from_this());
}

std::chrono::milliseconds Session::Link::next_delay() {
  constexpr unsigned kEnoughDoublings = 7;
  const std::chrono::milliseconds longest = kFirstDelay * (1U << std::min(attempts_, kEnoughDoublings));
  ++attempts_;
  const long half = std::min(longest, kLongestDelay).count() / 2;
  return std::chrono::milliseconds(half + std::uniform_int_distribution<long>(0, half)(random_));
}

// ---- messages -------------------------------------------------------------------------------------------------------

Result<Token> Session::Link::publish(const std::string& topic, Bytes payload, Quality quality, Retain retain) {
  if (payload.size() > exchange_->options().max_message_bytes) {
    return make_error(Status::kBufferTooSmall, "a message of " + std::to_string(payload.size()) +
                                                   " bytes is above the limit of " +
                                                   std::to_string(exchange_->options().max_message_bytes));
  }
  Token token = 0;
  {
    const std::lock_guard lock(mutex_);
    if (state_ != State::kConnected) return not_connected();
    if (pending_ >= options_.max_pending_publications) {
      return make_error(Status::kBufferTooSmall, std::to_string(pending_) + " publications are pending already");
    }
    ++pending_;
    token = ++last_token_;
  }
  try {
    const auto message =
        ::mqtt::make_message(topic, payload.data(), payload.size(), static_cast<int>(quality), retain == Retain::kYes);
    void* const context = reinterpret_cast<void*>(token);  // NOLINT(performance-no-int-to-ptr): all that Paho keeps
    client_.publish(message, context, *this);
    return token;
  } catch (const ::mqtt::exception& exception) {
    const std::lock_guard lock(mutex_);
    if (token >= first_valid_token_) --pending_;
    return make_error(Status::kUnavailable, "cannot publish on " + topic + ": " + exception.what());
  }
}

Result<void> Session::Link::subscribe(const std::string& topic, Quality quality) {
  if (!is_connected()) return not_connected();
  try {
    client_.subscribe(topic, static_cast<int>(quality), nullptr, *this);
    return {};
  } catch (const ::mqtt::exception& exception) {
    return make_error(Status::kUnavailable, "cannot subscribe to " + topic + ": " + exception.what());
  }
}

Result<void> Session::Link::unsubscribe(const std::string& topic) {
  if (!is_connected()) return not_connected();
  try {
    client_.unsubscribe(topic, nullptr, *this);
    return {};
  } catch (const ::mqtt::exception& exception) {
    return make_error(Status::kUnavailable, "cannot unsubscribe from " + topic + ": " + exception.what());
  }
}

void Session::Link::message_arrived(const ::mqtt::const_message_ptr& message) {
  const std::string& topic = message->get_topic();
  const ::mqtt::binary& payload = message->get_payload();
  const std::lock_guard lock(mutex_);
  if (state_ == State::kEnded || !exchange_->admits(options_.index, topic, payload.size())) return;
  Event event;
  event.session = options_.index;
  event.kind = EventKind::kMessage;
  event.retained = message->is_retained();
  event.topic = topic;
  event.payload.assign(payload.begin(), payload.end());
  exchange_->push(std::move(event));
}

void Session::Link::on_success(const ::mqtt::token& token) {
  switch (token.get_type()) {
    case ::mqtt::token::Type::PUBLISH:
      publication_ended(reinterpret_cast<Token>(token.get_user_context()), true);
      return;
    case ::mqtt::token::Type::DISCONNECT: disconnected_as_requested(); return;
    default: return;  // CONNECT: connected() is called as well
  }
}

void Session::Link::on_failure(const ::mqtt::token& token) {
  switch (token.get_type()) {
    case ::mqtt::token::Type::CONNECT: connect_failed(token.get_return_code()); return;
    case ::mqtt::token::Type::PUBLISH:
      publication_ended(reinterpret_cast<Token>(token.get_user_context()), false);
      return;
    case ::mqtt::token::Type::DISCONNECT: disconnected_as_requested(); return;
    case ::mqtt::token::Type::SUBSCRIBE: {
      const std::lock_guard lock(mutex_);
      if (state_ != State::kConnected) return;
      const auto topics = token.get_topics();
      push(EventKind::kProblem, "the broker refuses a subscription" +
                                    (topics && !topics->empty() ? " to " + (*topics)[0] : std::string()) +
                                    "; does its ACL allow it?");
      return;
    }
    default: return;
  }
}

void Session::Link::publication_ended(Token token, bool succeeded) {
  const std::lock_guard lock(mutex_);
  if (token < first_valid_token_) return;
  --pending_;
  leave_when_all_is_sent();
  if (!succeeded) return;  // its connection is about to be lost
  Event event;
  event.session = options_.index;
  event.kind = EventKind::kPublished;
  event.token = token;
  exchange_->push(std::move(event));
}

void Session::Link::forget_publications() noexcept {
  first_valid_token_ = last_token_ + 1;
  pending_ = 0;
}

void Session::Link::push(EventKind kind, std::string text, DisconnectReason reason) {
  Event event;
  event.session = options_.index;
  event.kind = kind;
  event.reason = reason;
  event.text = std::move(text);
  exchange_->push(std::move(event));
}

Error Session::Link::not_connected() const {
  return make_error(Status::kUnavailable, "not connected to " + options_.host + ":" + std::to_string(options_.port));
}

bool Session::Link::is_connected() const {
  const std::lock_guard lock(mutex_);
  return state_ == State::kConnected;
}

// ---- the end --------------------------------------------------------------------------------------------------------

/// Paho's own grace is checked every three seconds only.
void Session::Link::disconnect(std::chrono::milliseconds grace) {
  {
    const std::lock_guard lock(mutex_);
    if (state_ == State::kLeaving || state_ == State::kDisconnecting || state_ == State::kEnded) return;
    if (state_ == State::kConnecting) exchange_->dial_finished();
    const bool may_wait = state_ == State::kConnected && pending_ > 0 && grace.count() > 0;
    state_ = State::kLeaving;
    if (may_wait) {
      exchange_->leave_at(Clock::now() + grace, weak_from_this());
      return;
    }
  }
  leave();
}

void Session::Link::leave_when_all_is_sent() {
  if (state_ == State::kLeaving && pending_ == 0) exchange_->leave_at(Clock::now(), weak_from_this());
}

void Session::Link::leave() {
  {
    const std::lock_guard lock(mutex_);
    if (state_ != State::kLeaving) return;
    state_ = State::kDisconnecting;
  }
  try {
    client_.disconnect(0, nullptr, *this);
  } catch (const ::mqtt::exception&) {
    disconnected_as_requested();  // there was no connection
  }
}

void Session::Link::disconnected_as_requested() {
  const std::lock_guard lock(mutex_);
  if (state_ == State::kDisconnecting) end_as_requested();
}

void Session::Link::end_as_requested() {
  state_ = State::kEnded;
  forget_publications();
  push(EventKind::kDisconnected, "disconnected", DisconnectReason::kRequested);
}

void Session::Link::retire() {
  const std::lock_guard lock(mutex_);
  if (state_ == State::kConnecting) exchange_->dial_finished();
  state_ = State::kEnded;
}

}  // namespace skink::mqtt

// ---- sanitizers -----------------------------------------------------------------------------------------------------
// Paho is a library without instrumentation. Its tokens are shared_ptrs, so half of each reference count goes unseen;
// and it forgets a few bytes of a CONNECT that is still under way when the client is destroyed.

#if defined(__SANITIZE_THREAD__)
extern "C" const char* __tsan_default_suppressions() {  // NOLINT(bugprone-reserved-identifier): the runtime's name
  return "race:mqtt::delivery_token::~delivery_token\n"
         "race:mqtt::subscribe_response::~subscribe_response\n"
         "race:mqtt::token::on_success\n"
         "race:mqtt::async_client::remove_token\n";
}
#endif
#if defined(__SANITIZE_ADDRESS__)
extern "C" const char* __lsan_default_suppressions() {  // NOLINT(bugprone-reserved-identifier): the runtime's name
  return "leak:libpaho-mqtt3as.so\n";
}
#endif
