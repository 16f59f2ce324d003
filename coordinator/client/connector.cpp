#include "connector.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/beast/http/error.hpp>

#include "skink/host/files/files.hpp"

namespace skink::coordinator::client {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;

constexpr std::size_t kMostSocketPath = 107;  // sockaddr_un
constexpr std::size_t kMostCaBytes = std::size_t{1} << 20;

/// Server certificates are checked against these; without a file the system's.
Result<void> load_authorities(asio::ssl::context& context, const std::string& file) {
  ErrorCode code;
  if (file.empty()) {
    context.set_default_verify_paths(code);
    return {};
  }
  const auto text = read_file(file, kMostCaBytes);
  if (!text) return because(text.error(), Cause::kCredentials);
  context.add_certificate_authority(asio::buffer(*text), code);
  ERR_clear_error();
  if (code) return make_error(Status::kDamaged, file + ": no certificate in PEM form", Cause::kCredentials);
  return {};
}

bool is_address(const std::string& host) {
  ErrorCode code;
  (void)asio::ip::make_address(host, code);
  return !code;
}

std::string reason_of(const ErrorCode& code) {
  if (code == asio::error::timed_out) return "no answer in time";
  const bool is_cut = code == beast::http::error::end_of_stream || code == beast::http::error::partial_message ||
                      code == asio::error::eof || code == asio::ssl::error::stream_truncated;
  return is_cut ? "the connection was closed before the answer had ended" : code.message();
}

}  // namespace

Error unreachable(const Endpoint& endpoint, const ErrorCode& code) {
  std::string message = endpoint.text() + ": ";
  if (endpoint.transport != Transport::kUnix) {
    message += reason_of(code);
    return make_error(Status::kUnavailable, message + "; is skink-coordinator running, and does [http] listen say so?");
  }
  if (code == boost::system::errc::no_such_file_or_directory) {
    message += "there is no such socket; is skink-coordinator running? Name another one with --socket or SKINK_SOCKET";
  } else if (code == boost::system::errc::connection_refused) {
    message += "nobody listens at this socket; skink-coordinator has ended: start it again";
  } else if (code == boost::system::errc::permission_denied) {
    message += "permission denied; run this as the user of skink-coordinator, or as one of its group";
  } else {
    message += reason_of(code) + "; what does the log of skink-coordinator say?";
  }
  return make_error(Status::kUnavailable, message);
}

void Connection::close() {
  ErrorCode ignored;
  (tls_ ? tls_->next_layer() : plain_).close(ignored);
}

ErrorCode Connection::connect_tcp(Deadline deadline) {
  asio::ip::tcp::resolver resolver(io_);
  asio::ip::tcp::resolver::results_type found;
  ErrorCode code = wait(deadline, [&](auto done) {
    resolver.async_resolve(endpoint_.host, std::to_string(endpoint_.port),
                           [&found, done](const ErrorCode& failed, const asio::ip::tcp::resolver::results_type& all) {
                             found = all;
                             done(failed);
                           });
  });
  if (code) return code;
  for (const auto& entry : found) {
    ErrorCode ignored;
    plain_.close(ignored);
    code = wait(deadline, [&](auto done) { plain_.async_connect(entry.endpoint(), done); });
    if (!code) break;
  }
  return code;
}

ErrorCode Connection::connect(Deadline deadline) {
  if (endpoint_.transport != Transport::kUnix) return connect_tcp(deadline);
  const asio::local::stream_protocol::endpoint there(endpoint_.socket);
  return wait(deadline, [&](auto done) { plain_.async_connect(there, done); });
}

Result<void> Connection::open(std::chrono::milliseconds time) {
  const Deadline deadline = std::chrono::steady_clock::now() + time;
  if (endpoint_.transport == Transport::kUnix &&
      (endpoint_.socket.empty() || endpoint_.socket.size() > kMostSocketPath)) {
    return make_error(Status::kInvalidArgument, "'" + endpoint_.socket + "': a socket's path has 1..107 bytes",
                      Cause::kUsage);
  }
  const ErrorCode code = connect(deadline);
  if (code) return unreachable(endpoint_, code);
  return endpoint_.transport == Transport::kTls ? shake_hands(deadline) : Result<void>();
}

Result<void> Connection::shake_hands(Deadline deadline) {
  context_.emplace(asio::ssl::context::tls_client);
  SSL_CTX_set_min_proto_version(context_->native_handle(), TLS1_2_VERSION);
  const auto loaded = load_authorities(*context_, endpoint_.ca_file);
  if (!loaded) return loaded.error();
  tls_.emplace(std::move(plain_), *context_);
  ErrorCode code;
  tls_->set_verify_mode(asio::ssl::verify_peer, code);
  if (!code) tls_->set_verify_callback(asio::ssl::host_name_verification(endpoint_.host), code);
  if (code) return make_error(Status::kUnavailable, endpoint_.text() + ": " + code.message());
  if (!is_address(endpoint_.host)) {
    SSL_ctrl(tls_->native_handle(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
             const_cast<char*>(endpoint_.host.c_str()));
  }
  code = wait(deadline, [&](auto done) { tls_->async_handshake(asio::ssl::stream_base::client, done); });
  if (!code) return {};
  if (code.category() != asio::error::get_ssl_category()) return unreachable(endpoint_, code);
  ERR_clear_error();
  return make_error(Status::kUnavailable,
                    endpoint_.text() + ": the TLS handshake failed: " + code.message() +
                        "; does --ca name the CA of the server's certificate, and does that name " + endpoint_.host +
                        "?",
                    Cause::kCredentials);
}

}  // namespace skink::coordinator::client
