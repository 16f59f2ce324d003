#pragma once
/// @file
/// An HTTP client for tests that can do what no honest one does: it is a socket, and a reader of answers. Every wait
/// ends after ten seconds, with what has come.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <string>

namespace skink::test {

struct Answer {
  int status = 0;  ///< 0: none came
  std::map<std::string, std::string> headers;
  std::string body;
  bool is_complete = false;

  std::string header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? "" : found->second;
  }
  bool has(const std::string& text) const { return body.find(text) != std::string::npos; }
};

class SocketClient {
 public:
  explicit SocketClient(std::uint16_t port, const std::string& from = "127.0.0.1", int receive_buffer = 0)
      : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    if (receive_buffer > 0) ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    ::inet_pton(AF_INET, from.c_str(), &address.sin_addr);
    REQUIRE(::bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    ::inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    address.sin_port = htons(port);
    REQUIRE(::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  }

  explicit SocketClient(const std::string& unix_path) : fd_(::socket(AF_UNIX, SOCK_STREAM, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    REQUIRE(unix_path.size() < sizeof address.sun_path);
    std::memcpy(address.sun_path, unix_path.data(), unix_path.size());
    REQUIRE(::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  }

  SocketClient(SocketClient&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), input_(std::move(other.input_)), tls_(std::move(other.tls_)) {}
  SocketClient& operator=(SocketClient&&) = delete;
  ~SocketClient() {
    if (fd_ >= 0) ::close(fd_);
  }

  int fd() const { return fd_; }

  /// TLS from now on. @returns false when the handshake fails, as for a certificate that `context` does not trust.
  bool start_tls(SSL_CTX* context) {
    tls_.reset(SSL_new(context));
    SSL_set_fd(tls_.get(), fd_);
    return SSL_connect(tls_.get()) == 1;
  }
  SSL* tls() const { return tls_.get(); }

  /// False: the server has closed, or takes nothing for ten seconds.
  bool send(const std::string& text) {
    for (std::size_t sent = 0; sent < text.size();) {
      if (tls_) {
        const int count = SSL_write(tls_.get(), text.data() + sent, static_cast<int>(text.size() - sent));
        if (count <= 0) return false;
        sent += static_cast<std::size_t>(count);
        continue;
      }
      pollfd entry{fd_, POLLOUT, 0};
      if (::poll(&entry, 1, 10'000) <= 0) return false;
      const ssize_t count = ::send(fd_, text.data() + sent, text.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (count < 0) return false;
      sent += static_cast<std::size_t>(count);
    }
    return true;
  }

  /// Reads once; false at the end, or after `wait`.
  bool receive(std::chrono::milliseconds wait = std::chrono::seconds(10)) {
    char bytes[16384];
    if (tls_ && SSL_pending(tls_.get()) > 0) wait = std::chrono::milliseconds(0);
    pollfd entry{fd_, POLLIN, 0};
    if ((!tls_ || SSL_pending(tls_.get()) == 0) && ::poll(&entry, 1, static_cast<int>(wait.count())) <= 0) return false;
    const auto count =
        tls_ ? static_cast<ssize_t>(SSL_read(tls_.get(), bytes, sizeof bytes)) : ::recv(fd_, bytes, sizeof bytes, 0);
    if (count <= 0) {
      is_closed_ = true;
      return false;
    }
    input_.append(bytes, static_cast<std::size_t>(count));
    return true;
  }

  /// Reads until `text` has come; gives what came up to its end, and keeps the rest. Empty: it did not come.
  std::string read_until(const std::string& text) {
    std::size_t found = 0;
    while ((found = input_.find(text)) == std::string::npos) {
      if (!receive()) return {};
    }
    return take(found + text.size());
  }

  /// `count` bytes, or what came before the end.
  std::string read_bytes(std::size_t count) {
    while (input_.size() < count && receive()) {
    }
    return take(std::min(count, input_.size()));
  }

  /// Everything until the server closes.
  std::string read_all() {
    while (receive()) {
    }
    return take(input_.size());
  }

  /// Has the server closed, within `wait`?
  bool is_closed(std::chrono::milliseconds wait = std::chrono::seconds(10)) {
    while (receive(wait)) {
    }
    return is_closed_;
  }

  enum class Method { kGet, kHead };
  Answer read_answer(Method method = Method::kGet) {
    Answer answer;
    std::string head = read_until("\r\n\r\n");
    if (head.size() < 12 || head.compare(0, 9, "HTTP/1.1 ") != 0) return answer;
    answer.status = std::stoi(head.substr(9, 3));
    for (std::size_t at = head.find("\r\n") + 2; at + 2 < head.size();) {
      const std::size_t end = head.find("\r\n", at), colon = head.find(": ", at);
      std::string name = head.substr(at, colon - at);
      std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
      answer.headers[name] = head.substr(colon + 2, end - colon - 2);
      at = end + 2;
    }
    const std::string length = answer.header("content-length");
    if (method == Method::kHead || length.empty()) {
      answer.is_complete = true;
      return answer;
    }
    answer.body = read_bytes(std::stoul(length));
    answer.is_complete = answer.body.size() == std::stoul(length);
    return answer;
  }

  /// A request with the headers that every honest one has.
  Answer request(const std::string& method, const std::string& target, const std::string& headers = "",
                 const std::string& body = "") {
    std::string text = method + " " + target + " HTTP/1.1\r\nHost: localhost\r\n" + headers;
    if (!body.empty()) text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    send(text + "\r\n" + body);
    return read_answer(method == "HEAD" ? Method::kHead : Method::kGet);
  }
  Answer get(const std::string& target, const std::string& headers = "") { return request("GET", target, headers); }

 private:
  struct TlsDeleter {
    void operator()(SSL* tls) const { SSL_free(tls); }
  };

  std::string take(std::size_t count) {
    std::string text = input_.substr(0, count);
    input_.erase(0, count);
    return text;
  }

  int fd_;
  std::string input_;
  bool is_closed_ = false;
  std::unique_ptr<SSL, TlsDeleter> tls_;
};

}  // namespace skink::test
