/// @file
/// What skinkctl init is made of: names of hosts, certificates of servers and what is said of them, the broker's limits
/// and its two dialects.

#include <catch2/catch.hpp>

#include "pki.hpp"
#include "skink/coordinator/provisioning/certificate_report.hpp"
#include "skink/coordinator/provisioning/fleet_keys.hpp"
#include "skink/coordinator/provisioning/host_name.hpp"
#include "skink/coordinator/setup/broker_config.hpp"
#include "skink/coordinator/setup/gateway_config.hpp"

namespace {

using namespace skink;
using provisioning::CertificateUse;

bool has_line(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

}  // namespace

TEST_CASE("host names: DNS names and addresses are accepted, nothing else", "[coordinator][provisioning]") {
  for (const char* good : {"gateway", "gateway.example", "GATE-way.example", "a1.b2", "192.0.2.7", "::1", "2001:db8::7",
                           "3com.example", "xn--bcher-kva.example"}) {
    INFO(good);
    CHECK(provisioning::check_host(good).has_value());
  }
  const std::string label(64, 'a');
  std::string name = "a";
  while (name.size() <= 253) name += ".a";
  for (const std::string& bad :
       {std::string(), std::string("."), std::string("a..b"), std::string("a."), std::string("-a"), std::string("a-"),
        std::string("*.example"), std::string("a_b"), std::string("a b"), std::string("a,IP:1.2.3.4"),
        std::string("999.1.1.1"), std::string("1.2.3"), std::string("12345"), std::string("[::1]"),
        std::string("::1%eth0"), std::string("a\nb"),
        std::string("b\xc3\xbc"
                    "cher"),
        label, name}) {
    INFO(bad);
    const auto checked = provisioning::check_host(bad);
    REQUIRE(!checked.has_value());
    CHECK(checked.error().code == Status::kInvalidArgument);
  }
  CHECK(provisioning::is_address("::1"));
  CHECK(!provisioning::is_address("gateway"));
}

TEST_CASE("fleet keys: servers have all names, and are accepted for what they are for", "[coordinator][provisioning]") {
  const test::TemporaryFolder folder;
  REQUIRE(provisioning::make_fleet_keys(folder.path(), "plant").has_value());
  const auto server = provisioning::issue_server_pair(folder.path(), {"gateway.example", "192.0.2.7", "::1"}, 20);
  const auto client = provisioning::issue_client_pair(folder.path(), "coordinator", 1'000'000 / 100);
  REQUIRE(server.has_value());
  REQUIRE(client.has_value());
  folder.write("server.pem", server->certificate);
  folder.write("server.key", server->key);
  folder.write("client.pem", client->certificate);
  const std::string ca = folder.file("ca.pem");

  const auto report = provisioning::describe_certificate(folder.file("server.pem"));
  REQUIRE(report.has_value());
  CHECK(report->subject == "gateway.example");
  CHECK(report->issuer == "skink CA");
  CHECK(report->names == std::vector<std::string>{"gateway.example", "192.0.2.7", "::1"});
  CHECK(report->days_left(report->ends) == 0);
  CHECK(report->days_left(report->ends - 86400) == 1);
  CHECK(report->days_left(report->ends + 1) == -1);
  CHECK(provisioning::check_chain(ca, folder.file("server.pem"), CertificateUse::kTlsServer).has_value());
  CHECK(provisioning::check_chain(ca, folder.file("client.pem"), CertificateUse::kTlsClient).has_value());
  const auto wrong_use = provisioning::check_chain(ca, folder.file("server.pem"), CertificateUse::kTlsClient);
  REQUIRE(!wrong_use.has_value());
  CHECK(wrong_use.error().message.find("another purpose") != std::string::npos);
  CHECK(provisioning::check_key_of(folder.file("server.pem"), folder.file("server.key")).has_value());
  const auto wrong_key = provisioning::check_key_of(folder.file("client.pem"), folder.file("server.key"));
  REQUIRE(!wrong_key.has_value());
  CHECK(wrong_key.error().message.find("does not belong") != std::string::npos);
  // No longer than the authority's, although more was asked for.
  const auto authority = provisioning::describe_certificate(ca);
  const auto long_one = provisioning::describe_certificate(folder.file("client.pem"));
  REQUIRE(authority.has_value());
  REQUIRE(long_one.has_value());
  CHECK(long_one->ends == authority->ends);

  const test::Pki foreign;
  CHECK(!provisioning::check_chain(foreign.file("ca.pem"), folder.file("server.pem"), CertificateUse::kTlsServer)
             .has_value());
  CHECK(!provisioning::issue_server_pair(folder.path(), {}, 20).has_value());
  CHECK(!provisioning::issue_server_pair(folder.path(), {"*"}, 20).has_value());
  CHECK(!provisioning::issue_client_pair(folder.file("absent"), "coordinator", 20).has_value());
}

TEST_CASE("broker configuration: limits grow with the fleet, and are never without end", "[coordinator][setup]") {
  for (const std::uint32_t devices : {1U, 100U, 500U, 10'000U, 100'000U}) {
    const setup::BrokerLimits limits = setup::limits_for(devices);
    INFO(devices);
    CHECK(limits.connections > devices);
    CHECK(limits.queued_messages >= devices);  // every birth at once
    CHECK(limits.queued_messages > 0);
    CHECK(limits.queued_bytes > 0);
    CHECK(limits.queued_bytes <= 128U << 20);
    CHECK(limits.inflight_messages > 0);
    CHECK(limits.packet_bytes > 4104 + 256);
    CHECK(limits.keepalive_s >= 60);
    CHECK(limits.memory_bytes > limits.queued_bytes / 2);
  }
}

TEST_CASE("broker configuration: both dialects, persistence, and a listener for each address", "[coordinator][setup]") {
  setup::BrokerPlan plan;
  plan.fleet = "plant";
  plan.folder = "/srv/gw/broker";
  plan.limits = setup::limits_for(100);
  plan.bind = {"127.0.0.1", "::1"};
  plan.acl_plugin = "/usr/lib/acl.so";
  const std::string old = setup::broker_config_text(plan);
  CHECK(has_line(old, "listener 8883 127.0.0.1"));
  CHECK(has_line(old, "listener 8883 ::1"));
  CHECK(has_line(old, "acl_file /srv/gw/broker/acl"));
  CHECK(has_line(old, "persistence false"));
  CHECK(has_line(old, "use_username_as_clientid true"));
  CHECK(old.find("plugin") == std::string::npos);
  plan.dialect = setup::BrokerDialect::kMosquitto21;
  plan.persistence = setup::Persistence::kOn;
  plan.bind = {};
  const std::string made = setup::broker_config_text(plan);
  CHECK(has_line(made, "listener 8883"));
  CHECK(has_line(made, "global_plugin /usr/lib/acl.so"));
  CHECK(has_line(made, "plugin_opt_acl_file /srv/gw/broker/acl"));
  CHECK(!has_line(made, "acl_file /srv/gw/broker/acl"));
  CHECK(has_line(made, "persistence_location /srv/gw/broker/data/"));
}

TEST_CASE("coordinator configuration: a path with quotes stays one path", "[coordinator][setup]") {
  setup::CoordinatorPlan plan;
  plan.fleet = "plant";
  plan.state = "/srv/a \"b\" \\c";
  plan.broker_host = "::1";
  plan.http = NetworkAddress{"::1", 8080};
  const std::string text = setup::coordinator_config_text(plan);
  CHECK(has_line(text, R"(state = "/srv/a \"b\" \\c")"));
  CHECK(has_line(text, R"(listen = ["[::1]:8080"])"));
}
