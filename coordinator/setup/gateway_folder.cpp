#include "skink/coordinator/setup/gateway_folder.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>

#include "ownership.hpp"
#include "skink/common/wire/topics.hpp"
#include "skink/coordinator/provisioning/fleet_keys.hpp"
#include "skink/coordinator/provisioning/host_name.hpp"
#include "skink/coordinator/setup/gateway_config.hpp"
#include "skink/coordinator/store/fleet_store.hpp"
#include "skink/coordinator/store/new_token.hpp"
#include "skink/host/files/files.hpp"
#include "skink/host/files/folder_lock.hpp"

namespace skink::setup {
namespace {

namespace fs = std::filesystem;

constexpr const char* kBrokerUser = "mosquitto";
constexpr const char* kServiceUser = "skink";

Error invalid(const std::string& message) { return make_error(Status::kInvalidArgument, message); }

/// Absolute, without "." and "..", and without a slash in the end.
std::string absolute(const std::string& path) {
  std::string text = fs::absolute(path).lexically_normal().string();
  while (text.size() > 1 && text.back() == '/') text.pop_back();
  return text;
}

bool is_there_with_content(const std::string& folder) {
  std::error_code code;
  return fs::exists(folder, code) && !(fs::is_directory(folder, code) && fs::is_empty(folder, code));
}

Result<void> check_options(const GatewayOptions& options, const std::string& root, const std::string& state) {
  if (!wire::is_valid_id({options.fleet.data(), options.fleet.size()}) || options.fleet.find('.') == 0) {
    return invalid("'" + options.fleet + "' is not a fleet's name: use " + wire::kIdRule);
  }
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; };
  for (const std::string& path : {root, state}) {
    if (std::any_of(path.begin(), path.end(), is_control)) {
      return invalid("the path of a gateway must not have control characters in it");
    }
  }
  std::vector<std::string> hosts = options.hosts;
  hosts.insert(hosts.end(), options.bind.begin(), options.bind.end());
  for (const std::string& host : hosts) {
    auto fine = provisioning::check_host(host);
    if (!fine) return fine;
  }
  for (const std::string& address : options.bind) {
    if (!provisioning::is_address(address)) return invalid("'" + address + "' is not an address to listen at");
  }
  if (options.http && !provisioning::is_address(options.http->host)) {
    return invalid("'" + options.http->host + "' is not an address to listen at; 127.0.0.1 is for this machine only");
  }
  if (options.http && options.http->port == options.port) {
    return invalid(fmt::format("port {} cannot be both the broker's and that of the HTTP interface", options.port));
  }
  if (is_there_with_content(root)) {
    return invalid(root + ": is there already, and nothing in it was changed; 'skinkctl certificates renew " + root +
                   "' issues its certificates again, another gateway needs another folder");
  }
  if (is_there_with_content(state)) {
    return invalid(state + ": holds the state of a fleet already; name another --state, or move it away");
  }
  return {};
}

/// Two users share the folder, so it is open where it is not private, whatever the caller's umask. Of the process: for
/// programs with one thread.
class UsualMask {
 public:
  UsualMask() : before_(::umask(022)) {}
  ~UsualMask() { ::umask(before_); }
  UsualMask(const UsualMask&) = delete;
  UsualMask& operator=(const UsualMask&) = delete;

 private:
  mode_t before_;
};

bool is_wildcard(const std::string& address) { return address == "0.0.0.0" || address == "::"; }

/// What stands in the broker's certificate: what was asked for first, each once, and those of this machine.
std::vector<std::string> with_local_names(const std::vector<std::string>& hosts) {
  std::vector<std::string> names;
  const auto add = [&names](const std::string& name) {
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  };
  for (const std::string& host : hosts) add(host);
  for (const char* local : {"localhost", "127.0.0.1", "::1"}) add(local);
  return names;
}

std::vector<std::string> names_of(const GatewayOptions& options) {
  std::vector<std::string> hosts = options.hosts;
  for (const std::string& address : options.bind) {
    if (!is_wildcard(address)) hosts.push_back(address);
  }
  return with_local_names(hosts);
}

Result<void> write_pair(const std::string& folder, const Result<provisioning::KeyPair>& pair) {
  if (!pair) return pair.error();
  auto done = make_folder(folder);
  if (done) done = write_unsynchronised(folder + "/key.pem", pair->key, Readers::kOwner);
  if (done) done = write_unsynchronised(folder + "/cert.pem", pair->certificate, Readers::kEverybody);
  return done ? sync_folder(folder) : done;
}

/// The pair changes in one step, also for one that reads meanwhile and after a power cut: another folder takes the
/// place.
Result<void> replace_pair(const std::string& folder, const Result<provisioning::KeyPair>& pair, const char* user) {
  const std::string made = folder + ".new";
  std::error_code ignored;
  fs::remove_all(made, ignored);  // of a command that was interrupted
  auto done = write_pair(made, pair);
  if (done) done = give_to(made, user);
  if (done) done = move_folder(made, folder, Occupied::kExchange);
  fs::remove_all(made, ignored);
  return done;
}

bool listens_beyond_loopback(const GatewayOptions& options) {
  return options.http && options.http->host != "127.0.0.1" && options.http->host != "::1";
}

Result<void> make_keys(const std::string& folder, const GatewayOptions& options) {
  const GatewayFolder gateway{folder};
  auto done = make_folder(gateway.pki());
  if (done) done = provisioning::make_fleet_keys(gateway.pki(), options.fleet);
  const auto client = [&] { return provisioning::issue_client_pair(gateway.pki(), "coordinator", options.days); };
  const auto server = [&] { return provisioning::issue_server_pair(gateway.pki(), names_of(options), options.days); };
  if (done) done = write_pair(gateway.pki() + "/coordinator", client());
  if (done && listens_beyond_loopback(options)) {
    done = write_pair(gateway.pki() + "/http", server());
  }
  if (done) done = sync_folder(gateway.pki());
  if (done) done = write_pair(gateway.broker_pair(), server());
  return done;
}

Result<void> copy(const std::string& from, const std::string& to) {
  const auto content = read_file(from);
  return content ? write_unsynchronised(to, *content, Readers::kEverybody) : content.error();
}

Result<void> make_broker_files(const std::string& folder, const BrokerPlan& plan) {
  const GatewayFolder gateway{folder};
  auto done = copy(gateway.pki() + "/ca.pem", gateway.broker() + "/ca.pem");
  if (done) done = copy(gateway.pki() + "/crl.pem", gateway.broker() + "/crl.pem");
  if (done && plan.persistence == Persistence::kOn) done = make_folder(gateway.broker() + "/data");
  if (done) done = write_unsynchronised(gateway.broker() + "/acl", broker_acl_text(plan.fleet), Readers::kEverybody);
  if (done) {
    done = write_unsynchronised(gateway.broker() + "/mosquitto.conf", broker_config_text(plan), Readers::kEverybody);
  }
  return done ? sync_folder(gateway.broker()) : done;
}

/// fleet.db with the first token, for who asks over TCP: over the unix socket none is needed. @returns its secret.
Result<std::string> make_state(const std::string& state, const std::string& fleet) {
  auto store = coordinator::FleetStore::open(state + "/fleet.db", fleet);
  if (!store) return store.error();
  const coordinator::NewToken token = coordinator::make_token("first", "admin");
  const auto id = store->add_token(token.row);
  if (!id) return id.error();
  const auto noted = store->add_audit({0, "", "init", "token.add", token.row.name, token.row.scope});
  if (!noted) return noted.error();
  return token.secret;
}

/// Nobody else's: keys, and what the fleet has learned.
Result<void> make_private(const std::string& folder) {
  std::error_code code;
  fs::permissions(folder, fs::perms::owner_all, code);
  if (!code) return {};
  return make_error(Status::kUnavailable, folder + ": its mode cannot be changed: " + code.message(), Cause::kStore);
}

BrokerPlan plan_of(const GatewayOptions& options, const std::string& root) {
  BrokerPlan plan;
  plan.fleet = options.fleet;
  plan.folder = root + "/broker";
  plan.port = options.port;
  plan.bind = options.bind;
  plan.dialect = options.dialect;
  plan.persistence = options.persistence;
  plan.limits = limits_for(options.devices);
  plan.acl_plugin =
      options.acl_plugin.empty() ? std::string(SKINK_MOSQUITTO_PLUGINS) + "/mosquitto_acl_file.so" : options.acl_plugin;
  return plan;
}

CoordinatorPlan coordinator_plan_of(const GatewayOptions& options, const std::string& root, const std::string& state) {
  CoordinatorPlan plan;
  plan.fleet = options.fleet;
  plan.state = state == root + "/state" ? "state" : state;
  const bool is_bound = !options.bind.empty() && !is_wildcard(options.bind.front());
  plan.broker_host = is_bound ? options.bind.front() : "127.0.0.1";
  plan.broker_port = options.port;
  plan.http = options.http;
  plan.has_tls = listens_beyond_loopback(options);
  return plan;
}

/// Everything of a new gateway, in a folder under another name. @returns the first token; none with its state
/// elsewhere.
Result<std::string> put_together(const std::string& made, const GatewayOptions& options, const std::string& root,
                                 const std::string& state) {
  auto done = make_keys(made, options);
  if (done) done = make_broker_files(made, plan_of(options, root));
  if (done) {
    done =
        write_unsynchronised(GatewayFolder{made}.config(),
                             coordinator_config_text(coordinator_plan_of(options, root, state)), Readers::kEverybody);
  }
  if (!done) return done.error();
  std::string token;
  if (state == root + "/state") {
    auto first = make_state(made + "/state", options.fleet);
    if (!first) return first;
    token = *first;
    done = make_private(made + "/state");
    if (done) done = sync_folder(made + "/state");
  }
  if (done) done = make_private(made + "/pki");
  if (done) done = give_to_services(made);
  if (done) done = sync_folder(made);
  if (!done) return done.error();
  return token;
}

}  // namespace

Result<void> give_to_services(const std::string& folder) {
  std::error_code code;
  auto done = give_to(folder, kServiceUser);
  if (done && fs::is_directory(folder + "/broker", code)) done = give_to(folder + "/broker", kBrokerUser);
  return done;
}

Result<NewGateway> make_gateway(const GatewayOptions& options) {
  const UsualMask mask;
  NewGateway made;
  made.folder.root = absolute(options.folder);
  const std::string& root = made.folder.root;
  made.state = options.state.empty() ? root + "/state" : absolute(options.state);
  made.limits = limits_for(options.devices);
  const auto fine = check_options(options, root, made.state);
  if (!fine) return fine.error();
  const std::string unfinished = root + ".unfinished";
  std::error_code code;
  fs::remove_all(unfinished, code);  // of a command that was interrupted
  auto done = make_folder(unfinished);
  if (!done) return done.error();
  auto token = put_together(unfinished, options, root, made.state);
  if (token) {
    if (fs::is_directory(root, code)) fs::remove(root, code);  // it is empty
    done = move_folder(unfinished, root, Occupied::kRefuse);
  }
  if (!token || !done) {
    fs::remove_all(unfinished, code);
    return token ? done.error() : token.error();
  }
  // Elsewhere it comes last: the service makes its state itself where there is none, and 'tokens add' a token.
  if (token->empty()) {
    token = make_state(made.state, options.fleet);
    if (token) done = make_private(made.state);
    if (token && done) done = give_to(made.state, kServiceUser);
    if (!token || !done) return token ? done.error() : token.error();
  }
  made.token = *token;
  auto certificates = certificates_of(root);
  if (!certificates) return certificates.error();
  made.certificates = std::move(*certificates);
  return made;
}

Result<std::vector<provisioning::CertificateReport>> renew_certificates(const std::string& folder,
                                                                        const std::vector<std::string>& hosts,
                                                                        std::uint32_t days) {
  const UsualMask mask;
  const GatewayFolder gateway{absolute(folder)};
  const auto authority = provisioning::describe_certificate(gateway.pki() + "/ca.pem");
  if (!authority) return authority.error();
  const auto lock = FolderLock::take(gateway.pki(), "another program issues or revokes here; wait for it");
  if (!lock) return lock.error();
  const auto old = provisioning::describe_certificate(gateway.broker_pair() + "/cert.pem");
  if (!old && hosts.empty()) return old.error();
  const std::vector<std::string> names = old && hosts.empty() ? old->names : with_local_names(hosts);
  const auto client = [&] { return provisioning::issue_client_pair(gateway.pki(), "coordinator", days); };
  const auto server = [&] { return provisioning::issue_server_pair(gateway.pki(), names, days); };
  auto done = replace_pair(gateway.broker_pair(), server(), kBrokerUser);
  if (done) {
    done = replace_pair(gateway.pki() + "/coordinator", client(), kServiceUser);
  }
  std::error_code code;
  if (done && fs::exists(gateway.pki() + "/http/cert.pem", code)) {
    done = replace_pair(gateway.pki() + "/http", server(), kServiceUser);
  }
  if (!done) return done.error();
  return certificates_of(folder);
}

Result<std::vector<provisioning::CertificateReport>> certificates_of(const std::string& folder) {
  const GatewayFolder gateway{absolute(folder)};
  std::vector<std::string> paths{gateway.pki() + "/ca.pem", gateway.broker_pair() + "/cert.pem",
                                 gateway.pki() + "/coordinator/cert.pem"};
  std::error_code code;
  if (fs::exists(gateway.pki() + "/http/cert.pem", code)) paths.push_back(gateway.pki() + "/http/cert.pem");
  std::vector<std::string> devices;
  for (const auto& device : fs::directory_iterator(gateway.pki() + "/devices", code)) {
    for (const auto& file : fs::directory_iterator(device.path(), code)) {
      if (file.path().extension() == ".pem" && file.path().filename() != "key.pem") {
        devices.push_back(file.path().string());
      }
    }
  }
  std::sort(devices.begin(), devices.end());
  paths.insert(paths.end(), devices.begin(), devices.end());
  std::vector<provisioning::CertificateReport> reports;
  for (const std::string& path : paths) {
    auto report = provisioning::describe_certificate(path);
    if (!report) return report.error();
    reports.push_back(std::move(*report));
  }
  return reports;
}

}  // namespace skink::setup
