#include "skink/coordinator/setup/gateway_config.hpp"

#include <fmt/format.h>

namespace skink::setup {
namespace {

/// A basic string of TOML; the text has no control characters.
std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

std::string listen_text(const NetworkAddress& address) {
  const bool is_ipv6 = address.host.find(':') != std::string::npos;
  return fmt::format("{}{}{}:{}", is_ipv6 ? "[" : "", address.host, is_ipv6 ? "]" : "", address.port);
}

}  // namespace

std::string coordinator_config_text(const CoordinatorPlan& plan) {
  std::string text = fmt::format(
      "# The coordinator of the fleet '{}', made by skinkctl init: docs/coordinator-config.md. Paths are taken from "
      "this\n"
      "# file's folder.\n"
      "[coordinator]\nstate = {}\n\n"
      "[broker]\nhost = {}\nport = {}\nca = \"pki/ca.pem\"\n"
      "certificate = \"pki/coordinator/cert.pem\"\nkey = \"pki/coordinator/key.pem\"\n"
      "server_certificate = \"broker/tls/cert.pem\"\n\n"
      "[release]\npki = \"pki\"\n\n"
      "[certificates]\npki = \"pki\"\nrenew_days = 60\n\n"
      "[http]\n",
      plan.fleet, quoted(plan.state), quoted(plan.broker_host), plan.broker_port);
  text += fmt::format("socket = {}\n", quoted(plan.state + "/api.sock"));
  if (plan.http) text += fmt::format("listen = [{}]\n", quoted(listen_text(*plan.http)));
  if (plan.has_tls) text += "certificate = \"pki/http/cert.pem\"\nkey = \"pki/http/key.pem\"\n";
  text += fmt::format("\n[fleet]\nname = {}\nmaster_key = \"pki/master.key\"\nrevoked = \"pki/revoked.txt\"\n",
                      quoted(plan.fleet));
  return text;
}

}  // namespace skink::setup
