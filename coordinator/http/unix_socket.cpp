#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/local/stream_protocol.hpp>
#include <cerrno>
#include <cstring>

#include "listener.hpp"

namespace skink::coordinator::http {
namespace {

namespace asio = boost::asio;
using ErrorCode = boost::system::error_code;
using Local = asio::local::stream_protocol;

constexpr std::size_t kMostPathBytes = 107;  // sockaddr_un
constexpr mode_t kMode = 0660;

Error unavailable(const std::string& path, const std::string& why) {
  return make_error(Status::kUnavailable, path + ": " + why, Cause::kConfiguration);
}

/// Removes what a process that is gone has left.
Result<void> make_way(asio::io_context& io, const std::string& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return {};
    return unavailable(path, std::strerror(errno));
  }
  if (!S_ISSOCK(status.st_mode)) return unavailable(path, "is there and no socket; remove it, or choose another path");
  Local::socket probe(io);
  ErrorCode code;
  probe.open(Local(), code);
  probe.native_non_blocking(true, code);
  probe.connect(Local::endpoint(path), code);
  if (code != asio::error::connection_refused) {
    if (code && code != asio::error::would_block) return unavailable(path, code.message());
    return unavailable(path, "another process serves there; stop it, or choose another path");
  }
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return unavailable(path, std::strerror(errno));
  return {};
}

}  // namespace

Result<Acceptor> listen_unix(asio::io_context& io, const std::string& path) {
  if (path.size() > kMostPathBytes) {
    return make_error(Status::kInvalidArgument,
                      path + ": the path of a unix socket has at most 107 bytes; choose a shorter one",
                      Cause::kConfiguration);
  }
  if (const auto way = make_way(io, path); !way) return way.error();
  Acceptor acceptor(io);
  ErrorCode code;
  acceptor.open(Local(), code);
  // Before bind() it is the mode that the file gets, less the umask: there is no moment in which others may connect.
  if (!code && ::fchmod(acceptor.native_handle(), kMode) != 0) code.assign(errno, boost::system::system_category());
  if (!code) acceptor.bind(Local::endpoint(path), code);
  if (!code && ::chmod(path.c_str(), kMode) != 0) code.assign(errno, boost::system::system_category());
  if (!code) acceptor.listen(asio::socket_base::max_listen_connections, code);
  if (code) return unavailable(path, code.message());
  return acceptor;
}

std::uint64_t unix_inode(const std::string& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode) ? status.st_ino : 0;
}

void remove_unix(const std::string& path, std::uint64_t inode) {
  if (inode != 0 && unix_inode(path) == inode) ::unlink(path.c_str());
}

}  // namespace skink::coordinator::http
