#include <filesystem>

#include "broker_probe.hpp"
#include "findings.hpp"
#include "name_lookup.hpp"
#include "skink/common/wire/topics.hpp"
#include "skink/coordinator/provisioning/fleet_keys.hpp"
#include "skink/host/files/files.hpp"

namespace skink::doctor {
namespace {

constexpr const char* kDevice = "skinkctl-doctor";
constexpr std::chrono::milliseconds kAnswer(3000), kMoment(300);

/// The largest message of the protocol: a chunk of a model.
constexpr std::size_t kLargestBytes = wire::kModelHeadBytes + wire::kModelChunkBytes;

std::string server_of(const coordinator::Settings& settings) {
  return settings.host + ":" + std::to_string(settings.port);
}

/// @returns whether somebody listens.
bool check_port(Findings& findings, const coordinator::Settings& settings) {
  const auto addresses = look_up(settings.host, settings.port);
  if (!addresses) {
    findings.error("broker.dns", addresses.error().message, "fix [broker] host, or the name in DNS or /etc/hosts");
    return false;
  }
  std::string list;
  for (const ServerAddress& address : *addresses) list += (list.empty() ? "" : ", ") + address.text;
  findings.ok("broker.dns", settings.host + ": " + list);
  std::string failed;
  for (const ServerAddress& address : *addresses) {
    const auto connected = try_port(address, std::chrono::seconds(3));
    if (!connected) failed += (failed.empty() ? "" : "; ") + connected.error().message;
    if (connected) {
      findings.ok("broker.tcp", address.text + ": port " + std::to_string(settings.port) + " is open");
      return true;
    }
  }
  findings.error("broker.tcp", failed, "start the broker, open its port in the firewall, or fix [broker] port");
  return false;
}

mqtt::SessionOptions session_options(const coordinator::Settings& settings) {
  mqtt::SessionOptions options;
  options.host = settings.host;
  options.port = settings.port;
  options.ca_file = settings.ca;
  options.certificate_file = settings.certificate;
  options.key_file = settings.key;
  const auto name = mqtt::common_name_of(settings.certificate);
  options.client_id = name ? *name : "coordinator";
  return options;
}

/// @returns whether it is connected.
bool check_connection(Findings& findings, BrokerProbe& probe, const std::string& server) {
  const auto connected = probe.connect();
  if (connected) {
    findings.ok("broker.tls", server + ": its certificate is the authority's, and names it");
    findings.ok("broker.mqtt", server + ": takes the coordinator's certificate");
    return true;
  }
  const bool is_tls = connected.error().code != Status::kWrongAuthentication;
  if (!is_tls) findings.ok("broker.tls", server + ": its certificate is the authority's, and names it");
  findings.error(
      is_tls ? "broker.tls" : "broker.mqtt", connected.error().message,
      is_tls ? "certificates of broker and coordinator must be of one authority, valid, and name [broker] host: "
               "skinkctl certificates show, renew"
             : "let the broker accept the certificate's name: docs/operating.md");
  return false;
}

/// What the coordinator must be able to say, where no device listens.
void check_coordinator_topics(Findings& findings, BrokerProbe& probe, const std::string& fleet) {
  const std::string root = "skink/1/" + fleet + "/";
  std::string lost;
  for (const std::string& topic : {root + "dev/" + kDevice + "/task", root + "dev/" + kDevice + "/release",
                                   root + "model/doctor/0", root + "release/doctor/0"}) {
    // Where one is refused the others will be too: they are only given a moment.
    if (!probe.comes_back(topic, "skinkctl doctor", lost.empty() ? kAnswer : kMoment))
      lost += (lost.empty() ? "" : ", ") + topic;
  }
  if (!lost.empty()) {
    return findings.error("broker.acl.coordinator", "what the coordinator publishes does not come back: " + lost,
                          "the access list must let 'coordinator' read and write skink/1/" + fleet +
                              "/#: is the fleet's name there the same?");
  }
  findings.ok("broker.acl.coordinator", "the coordinator writes and reads " + root + "#");
}

void check_strangers(Findings& findings, BrokerProbe& probe, const std::string& fleet) {
  const std::string topic = "skink/1/" + fleet + "." + kDevice + "/dev/x/task";
  const std::string fence = "skink/1/" + fleet + "/dev/" + kDevice + "/task";
  if (!probe.hears_before(probe, topic, fence, kAnswer)) {
    return findings.ok("broker.acl.others", "topics of other fleets are refused");
  }
  findings.warning("broker.acl.others", "the broker lets the coordinator write " + topic,
                   "the broker has no access list, or a wide one: any device may then speak for another");
}

void check_size(Findings& findings, BrokerProbe& probe, const std::string& fleet) {
  const std::string topic = "skink/1/" + fleet + "/model/doctor/0";
  if (probe.comes_back(topic, std::string(kLargestBytes, 'x'), kAnswer)) {
    return findings.ok("broker.size", "a message of " + std::to_string(kLargestBytes) + " bytes, the largest, passes");
  }
  findings.error("broker.size", "a message of " + std::to_string(kLargestBytes) + " bytes, the largest, does not pass",
                 "max_packet_size 16384 or more, and no smaller message_size_limit, at the broker");
}

void check_version(Findings& findings, BrokerProbe& probe) {
  const std::string version = probe.retained("$SYS/broker/version", std::chrono::seconds(2));
  findings.ok("broker.version", version.empty() ? "the broker does not tell its version" : version);
}

/// Does a connection stay that sends nothing? A coordinator tries again after a second.
bool is_alone(const coordinator::Settings& settings) {
  BrokerProbe probe(session_options(settings));
  if (!probe.connect()) return true;
  (void)probe.retained("skink/1/" + settings.fleet + "/dev/" + kDevice + "/task", kAnswer);
  return !probe.is_lost();
}

/// A certificate for this test, of a device that is in no fleet; removed in the end.
class TestDevice {
 public:
  static Result<TestDevice> make(const coordinator::Settings& settings) {
    auto pair = provisioning::issue_client_pair(settings.release_pki, kDevice, 1);
    if (!pair) return pair.error();
    TestDevice device;
    device.folder_ = settings.state + "/.doctor";
    auto done = make_folder(device.folder_);
    if (done) done = write_unsynchronised(device.key(), pair->key, Readers::kOwner);
    if (done) done = write_unsynchronised(device.certificate(), pair->certificate, Readers::kOwner);
    if (!done) return done.error();
    return device;
  }
  TestDevice(TestDevice&& other) noexcept : folder_(std::exchange(other.folder_, "")) {}
  TestDevice& operator=(TestDevice&&) = delete;
  ~TestDevice() {
    std::error_code ignored;
    if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
  }
  std::string certificate() const { return folder_ + "/cert.pem"; }
  std::string key() const { return folder_ + "/key.pem"; }

 private:
  TestDevice() = default;
  std::string folder_;
};

/// What a device may say, and what it may not: the coordinator listens.
void check_device_topics(Findings& findings, BrokerProbe& coordinator, const coordinator::Settings& settings) {
  const std::string check = "broker.acl.device";
  const auto device = TestDevice::make(settings);
  if (!device) return findings.ok(check, "not tried, no certificate can be issued: " + device.error().message);
  mqtt::SessionOptions options = session_options(settings);
  options.certificate_file = device->certificate();
  options.key_file = device->key();
  options.client_id = kDevice;
  BrokerProbe probe(options);
  const auto connected = probe.connect();
  if (!connected) return findings.error(check, connected.error().message, "devices cannot connect either");
  const std::string root = "skink/1/" + settings.fleet + "/";
  if (!coordinator.hears(probe, root + "dev/" + kDevice + "/update", kAnswer)) {
    return findings.error(check, "a device's own topic is refused: " + root + "dev/" + kDevice + "/update",
                          "pattern write skink/1/" + settings.fleet + "/dev/%u/update in the access list");
  }
  for (const std::string& topic :
       {root + "dev/" + kDevice + "-2/update", root + "dev/" + kDevice + "/task", root + "model/doctor/0"}) {
    if (coordinator.hears_before(probe, topic, root + "dev/" + kDevice + "/update", kAnswer)) {
      return findings.error(check, "a device may write " + topic + ": it can pose as another, or as the coordinator",
                            "an access list with one pattern for each topic: skinkctl init makes one");
    }
  }
  findings.ok(check, "a device writes its own topics, and is refused those of others");
}

}  // namespace

std::vector<Finding> check_broker(const coordinator::Settings& settings, Connection connection) {
  Findings findings;
  if (!check_port(findings, settings) || connection == Connection::kReachable) return findings.take();
  BrokerProbe probe(session_options(settings));
  if (!check_connection(findings, probe, server_of(settings))) return findings.take();
  const auto try_out = [&](const auto& check) {
    if (probe.is_lost()) return;
    Findings found;
    check(found);
    if (!probe.is_lost()) findings.add(found.take());  // else they say nothing of the broker
  };
  try_out([&](Findings& found) { check_coordinator_topics(found, probe, settings.fleet); });
  try_out([&](Findings& found) { check_strangers(found, probe, settings.fleet); });
  try_out([&](Findings& found) { check_version(found, probe); });
  if (!settings.release_pki.empty() && !settings.state.empty()) {
    try_out([&](Findings& found) { check_device_topics(found, probe, settings); });
  }
  if (!probe.is_lost())
    check_size(findings, probe, settings.fleet);  // last: brokers end connections that send too much
  if (probe.is_lost() && !is_alone(settings)) {
    findings.error("broker.alone",
                   "another client came with the coordinator's certificate and took the connection over: a coordinator "
                   "leads this fleet, and lost its own connection for a moment",
                   "stop it first, or ask with the configuration that it runs with (--config)");
  }
  return findings.take();
}

}  // namespace skink::doctor
