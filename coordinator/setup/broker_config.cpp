#include "skink/coordinator/setup/broker_config.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace skink::setup {
namespace {

constexpr std::uint32_t kMiB = 1U << 20;

void add_listener(std::string& text, const BrokerPlan& plan, const std::string& address) {
  text += fmt::format("listener {}{}{}\n", plan.port, address.empty() ? "" : " ", address);
  text += fmt::format("max_connections {}\n", plan.limits.connections);
  text += fmt::format("cafile {0}/ca.pem\ncrlfile {0}/crl.pem\ncertfile {0}/tls/cert.pem\nkeyfile {0}/tls/key.pem\n",
                      plan.folder);
  text += "tls_version tlsv1.2\nrequire_certificate true\n";
  text += "use_identity_as_username true\nuse_username_as_clientid true\n\n";
}

void add_limits(std::string& text, const BrokerLimits& limits) {
  text += fmt::format(
      "# What waits for one client, mostly the coordinator: a whole fleet comes up at once. Beyond, messages are lost\n"
      "# and asked for again.\n"
      "max_queued_messages {}\nmax_queued_bytes {}\n"
      "max_inflight_messages {}\nmax_inflight_bytes {}\n"
      "# The largest message is a chunk of a model: 4104 bytes.\n"
      "max_packet_size {}\n"
      "max_keepalive {}\n"
      "# The last resort. TLS is not counted: see docs/operating.md.\n"
      "memory_limit {}\n\n",
      limits.queued_messages, limits.queued_bytes, limits.inflight_messages, limits.inflight_bytes, limits.packet_bytes,
      limits.keepalive_s, limits.memory_bytes);
}

}  // namespace

BrokerLimits limits_for(std::uint32_t devices) {
  BrokerLimits limits;
  limits.connections = devices + devices / 4 + 16;
  limits.queued_messages = std::max(1000U, 4 * devices);
  limits.queued_bytes = std::max(8 * kMiB, 16384 * std::min(devices, 8192U));
  limits.inflight_messages = 256;
  limits.inflight_bytes = 2 * kMiB;
  limits.packet_bytes = 16384;
  limits.keepalive_s = 600;
  limits.memory_bytes = std::uint64_t{64} * kMiB + std::uint64_t{65536} * devices;
  return limits;
}

std::string broker_config_text(const BrokerPlan& plan) {
  std::string text = fmt::format(
      "# mosquitto {} for the fleet '{}', made by skinkctl init. Certificates are read again on SIGHUP.\n"
      "allow_anonymous false\n",
      plan.dialect == BrokerDialect::kMosquitto20 ? "2.0" : "2.1", plan.fleet);
  if (!plan.user.empty()) text += fmt::format("user {}\n", plan.user);
  if (plan.dialect == BrokerDialect::kMosquitto20) {
    text += fmt::format("acl_file {}/acl\n\n", plan.folder);
  } else {
    text += fmt::format("global_plugin {}\nplugin_opt_acl_file {}/acl\n\n", plan.acl_plugin, plan.folder);
  }
  add_limits(text, plan.limits);
  if (plan.persistence == Persistence::kOn) {
    text += fmt::format("persistence true\npersistence_location {}/data/\nautosave_interval 300\n", plan.folder);
    text += "persistent_client_expiration 1d\n";
  } else {
    text += "persistence false\n";
  }
  text += "sys_interval 60\nset_tcp_nodelay true\n\n";
  text += "log_dest stderr\nlog_type error\nlog_type warning\nlog_type notice\nconnection_messages true\n\n";
  for (const std::string& address : plan.bind) add_listener(text, plan, address);
  if (plan.bind.empty()) add_listener(text, plan, "");
  return text;
}

std::string broker_acl_text(const std::string& fleet) {
  return fmt::format(
      "# %u is the common name of the client's certificate: the device's id.\n"
      "user coordinator\n"
      "topic readwrite skink/1/{0}/#\n"
      "topic read $SYS/broker/version\n\n"
      "pattern write skink/1/{0}/dev/%u/state\n"
      "pattern write skink/1/{0}/dev/%u/update\n"
      "pattern read skink/1/{0}/dev/%u/task\n"
      "pattern read skink/1/{0}/dev/%u/reply\n"
      "pattern read skink/1/{0}/dev/%u/patch\n"
      "pattern read skink/1/{0}/dev/%u/release\n"
      "pattern read skink/1/{0}/dev/%u/renewal\n"
      "pattern write skink/1/{0}/dev/%u/credentials\n"
      "pattern read skink/1/{0}/model/#\n"
      "pattern read skink/1/{0}/release/#\n",
      fleet);
}

}  // namespace skink::setup
