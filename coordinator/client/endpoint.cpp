/// @file
/// Where a service is, from what a person writes.

#include <algorithm>

#include "skink/coordinator/client/api_client.hpp"
#include "skink/host/config/network_address.hpp"
#include "skink/host/files/files.hpp"

namespace skink::coordinator::client {
namespace {

constexpr std::size_t kMostTokenBytes = 4096;

Error bad_url(const std::string& url, const char* why) {
  return make_error(Status::kInvalidArgument, "'" + url + "': " + why, Cause::kUsage);
}

bool is_this_machine(const std::string& host) {
  const bool is_number = host.find_first_not_of("0123456789.") == std::string::npos;  // not 127.example.org
  return host == "localhost" || host == "::1" || (is_number && host.rfind("127.", 0) == 0);
}

/// "host", "host:port", "[::1]", "[::1]:port" with a port.
std::string with_port(const std::string& authority, const char* port) {
  const std::size_t after_brackets = authority.find(']');
  const std::size_t from = after_brackets == std::string::npos ? 0 : after_brackets;
  return authority.find(':', from) == std::string::npos ? authority + ":" + port : authority;
}

}  // namespace

std::string Endpoint::text() const {
  if (transport == Transport::kUnix) return socket;
  const std::string name = host.find(':') == std::string::npos ? host : "[" + host + "]";
  return (transport == Transport::kTls ? "https://" : "http://") + name + ":" + std::to_string(port);
}

Result<Endpoint> parse_url(const std::string& url) {
  constexpr const char* kForm = "https://host:port expected, or on this machine http://localhost:port";
  Endpoint endpoint;
  std::string rest;
  if (url.rfind("https://", 0) == 0) {
    endpoint.transport = Transport::kTls;
    rest = url.substr(8);
  } else if (url.rfind("http://", 0) == 0) {
    endpoint.transport = Transport::kTcp;
    rest = url.substr(7);
  } else {
    return bad_url(url, kForm);
  }
  if (!rest.empty() && rest.back() == '/') rest.pop_back();
  if (rest.find_first_of("/?#@") != std::string::npos) return bad_url(url, kForm);
  const auto address = parse_network_address(with_port(rest, endpoint.transport == Transport::kTls ? "443" : "80"));
  if (!address) return bad_url(url, kForm);
  endpoint.host = address->host;
  endpoint.port = address->port;
  if (endpoint.transport == Transport::kTcp && !is_this_machine(endpoint.host)) {
    return bad_url(url,
                   "plain HTTP is for this machine only, because the token could be read on the way; use https://");
  }
  return endpoint;
}

Result<std::string> read_token(const std::string& path) {
  auto text = read_file(path, kMostTokenBytes);
  if (!text) return because(text.error(), Cause::kCredentials);
  while (!text->empty() && (text->back() == '\n' || text->back() == '\r' || text->back() == ' ')) text->pop_back();
  const bool is_word =
      !text->empty() && std::all_of(text->begin(), text->end(), [](char c) { return c > ' ' && c < 127; });
  if (!is_word) return make_error(Status::kDamaged, path + ": a token is one word in one line", Cause::kCredentials);
  return text;
}

}  // namespace skink::coordinator::client
