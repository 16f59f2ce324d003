#include "skink/host/config/network_address.hpp"

#include <charconv>

namespace skink {
namespace {

bool is_port(const std::string& text, std::uint16_t& port) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() && port != 0;
}

}  // namespace

Result<NetworkAddress> parse_network_address(const std::string& text) {
  const Error error =
      make_error(Status::kInvalidArgument, "'" + text + "' is not HOST:PORT, such as gateway.local:8883");
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos || colon == 0) return error;
  NetworkAddress address;
  address.host = text.substr(0, colon);
  const bool is_bracketed = address.host.front() == '[' && address.host.back() == ']';
  if (is_bracketed) address.host = address.host.substr(1, address.host.size() - 2);
  const bool has_colon = address.host.find(':') != std::string::npos;
  if (address.host.empty() || has_colon != is_bracketed || !is_port(text.substr(colon + 1), address.port)) return error;
  return address;
}

}  // namespace skink
