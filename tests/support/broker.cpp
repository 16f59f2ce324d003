#include "broker.hpp"

#include <signal.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>

namespace skink::test {
namespace {

constexpr std::chrono::seconds kStartTimeout(20);

std::string make_folder() {
  std::string path = (std::filesystem::temp_directory_path() / "skink-broker.XXXXXX").string();
  if (::mkdtemp(path.data()) == nullptr) throw std::runtime_error("cannot make a temporary folder");
  return path;
}

}  // namespace

std::string source_dir() {
  const char* given = std::getenv("SKINK_SOURCE_DIR");
  return given != nullptr ? given : SKINK_TEST_SOURCE_DIR;
}

std::unique_ptr<Broker> Broker::start(const BrokerOptions& options) {
  for (const char* program : {"mosquitto", "openssl", "bash"}) {
    if (is_installed(program)) continue;
    std::printf("SKIPPED: %s is not installed\n", program);
    return nullptr;
  }
  std::unique_ptr<Broker> broker(new Broker(options));
  broker->make_pki(broker->pki(), options);
  for (int attempt = 0; attempt < 5; ++attempt) {  // somebody else may take the port
    broker->port_ = free_port();
    if (broker->launch()) return broker;
  }
  throw std::runtime_error("the broker does not start: " + read_file(broker->folder_ + "/broker.log"));
}

Broker::Broker(const BrokerOptions& options) : options_(options), folder_(make_folder()) {}

Broker::~Broker() {
  process_.reset();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

void Broker::make_pki(const std::string& folder, const BrokerOptions& options) const {
  std::vector<std::string> command = {"bash",       source_dir() + "/scripts/make-pki", folder,
                                      "--count",    std::to_string(options.devices),    "--fleet",
                                      options.fleet};
  for (const std::string& id : options.expired) {
    command.emplace_back("--expired");
    command.push_back(id);
  }
  Process process(command, folder_ + "/pki.log");
  if (process.wait(std::chrono::minutes(2)) != 0) {
    throw std::runtime_error("make-pki failed: " + read_file(folder_ + "/pki.log"));
  }
}

bool Broker::launch() {
  const std::vector<std::string> command = {"bash",
                                            source_dir() + "/scripts/broker",
                                            folder_ + "/broker",
                                            "--port",
                                            std::to_string(port_),
                                            "--pki",
                                            pki(),
                                            "--fleet",
                                            options_.fleet};
  const auto start = [this](const std::vector<std::string>& words) {
    process_ = std::make_unique<Process>(words, folder_ + "/broker.log");
    return wait_until(kStartTimeout, [this] { return !process_->is_running() || accepts_connections(port_); }) &&
           process_->is_running();
  };
  if (!start(command)) return false;
  if (options_.limit_packets) return true;
  kill();
  const std::string configuration = folder_ + "/broker/mosquitto.conf";
  return start({"bash", "-c", "PATH=$PATH:/usr/sbin; sed -i '/^max_packet_size/d' \"$1\"; exec mosquitto -c \"$1\"",
                "bash", configuration});
}

void Broker::kill() {
  if (!process_) return;
  process_->signal(SIGKILL);
  process_->wait(std::chrono::seconds(5));
  process_.reset();
}

void Broker::restart() {
  kill();
  if (!launch()) throw std::runtime_error("the broker does not start again: " + read_file(folder_ + "/broker.log"));
}

std::string Broker::foreign_pki() {
  std::string folder = folder_ + "/foreign";
  if (!std::filesystem::exists(folder)) make_pki(folder, {});
  return folder;
}

}  // namespace skink::test
