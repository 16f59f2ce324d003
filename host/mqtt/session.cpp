#include "skink/host/mqtt/session.hpp"

#include <utility>

#include "link.hpp"
#include "tls_credentials.hpp"

namespace skink::mqtt {
namespace {

constexpr std::size_t kMostPending = 65'000;  // message ids have 16 bits

Result<void> check(const SessionOptions& options) {
  if (options.host.empty() || options.port == 0) return make_error(Status::kInvalidArgument, "host or port is missing");
  if (options.client_id.empty()) return make_error(Status::kInvalidArgument, "a session needs a client id");
  if (options.max_pending_publications < 1 || options.max_pending_publications > kMostPending) {
    return make_error(Status::kInvalidArgument, "max_pending_publications: 1.." + std::to_string(kMostPending));
  }
  return check_credentials(options);
}

}  // namespace

Result<void> check_credentials(const SessionOptions& options) {
  const Result<internal::SslContext> credentials = internal::load_credentials(options);
  if (!credentials) return because(credentials.error(), Cause::kCredentials);
  return {};
}

Result<std::unique_ptr<Session>> Session::start(EventQueue& queue, const SessionOptions& options) {
  if (const Result<void> checked = check(options); !checked) return checked.error();
  try {
    auto link = std::make_shared<Link>(queue.exchange_, options);
    link->start();
    return std::unique_ptr<Session>(new Session(std::move(link)));
  } catch (const ::mqtt::exception& exception) {
    return make_error(Status::kUnavailable, "MQTT client '" + options.client_id + "': " + exception.what());
  }
}

Session::Session(std::shared_ptr<Link> link) : link_(std::move(link)) {}

Session::~Session() { link_->retire(); }

Result<Token> Session::publish(const std::string& topic, Bytes payload, Quality quality, Retain retain) {
  return link_->publish(topic, payload, quality, retain);
}

Result<void> Session::subscribe(const std::string& topic, Quality quality) { return link_->subscribe(topic, quality); }

Result<void> Session::unsubscribe(const std::string& topic) { return link_->unsubscribe(topic); }

void Session::disconnect(std::chrono::milliseconds grace) { link_->disconnect(grace); }

bool Session::is_connected() const { return link_->is_connected(); }

}  // namespace skink::mqtt
