#include "name_lookup.hpp"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

namespace skink::doctor {
namespace {

struct Closer {
  void operator()(addrinfo* list) const noexcept { freeaddrinfo(list); }
};

class Socket {
 public:
  explicit Socket(int family) : handle_(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {}
  ~Socket() {
    if (handle_ >= 0) ::close(handle_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  int get() const { return handle_; }

 private:
  int handle_;
};

std::string text_of(const addrinfo& entry) {
  char host[NI_MAXHOST] = "?";
  getnameinfo(entry.ai_addr, entry.ai_addrlen, host, sizeof host, nullptr, 0, NI_NUMERICHOST);
  return host;
}

}  // namespace

Result<std::vector<ServerAddress>> look_up(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int status = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  const std::unique_ptr<addrinfo, Closer> list(found);
  if (status != 0) return make_error(Status::kUnavailable, host + ": has no address: " + gai_strerror(status));
  std::vector<ServerAddress> addresses;
  for (const addrinfo* entry = list.get(); entry != nullptr; entry = entry->ai_next) {
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(entry->ai_addr);
    addresses.push_back({{bytes, bytes + entry->ai_addrlen}, entry->ai_family, text_of(*entry)});
  }
  return addresses;
}

Result<void> try_port(const ServerAddress& address, std::chrono::milliseconds wait) {
  const Socket socket(address.family);
  const auto refuse = [&address](int error) {
    return make_error(Status::kUnavailable, address.text + ": " + std::strerror(error));
  };
  if (socket.get() < 0) return refuse(errno);
  const auto* bytes = reinterpret_cast<const sockaddr*>(address.socket_address.data());
  if (::connect(socket.get(), bytes, static_cast<socklen_t>(address.socket_address.size())) == 0) return {};
  if (errno != EINPROGRESS) return refuse(errno);
  pollfd ready{socket.get(), POLLOUT, 0};
  if (::poll(&ready, 1, static_cast<int>(wait.count())) <= 0) return refuse(ETIMEDOUT);
  int error = 0;
  socklen_t length = sizeof error;
  if (::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &length) != 0) return refuse(errno);
  return error == 0 ? Result<void>() : refuse(error);
}

}  // namespace skink::doctor
