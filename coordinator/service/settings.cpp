#include "skink/coordinator/service/settings.hpp"

#include <filesystem>
#include <limits>

#include "skink/common/limits.hpp"
#include "skink/common/wire/topics.hpp"
#include "skink/host/config/config_reader.hpp"

namespace skink::coordinator {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxPath = 4096;
constexpr std::size_t kMaxAddress = 300;

std::string from_folder_of(const std::string& file, const std::string& path) {
  if (path.empty() || fs::path(path).is_absolute()) return path;
  return (fs::path(file).parent_path() / path).lexically_normal().string();
}

void read_http(const ConfigReader& http, const std::string& path, Settings& settings) {
  settings.http_socket = from_folder_of(path, http.text("socket", kMaxPath, ""));
  if (settings.http_socket.empty() && !settings.state.empty()) settings.http_socket = settings.state + "/api.sock";
  for (const std::string& text : http.names("listen", {0, 8}, kMaxAddress)) {
    const auto address = parse_network_address(text);
    if (!address) http.problem("listen", address.error().message);
    if (address) settings.http_listen.push_back(*address);
  }
  settings.http_certificate = from_folder_of(path, http.text("certificate", kMaxPath, ""));
  settings.http_key = from_folder_of(path, http.text("key", kMaxPath, ""));
  if (settings.http_certificate.empty() != settings.http_key.empty()) {
    http.problem("key", "certificate and key belong together: name both files, or none");
  }
}

}  // namespace

Result<Settings> read_settings(const std::string& path) {
  auto file = ConfigFile::read(path, {});
  if (!file) return file.error();
  Settings settings;
  const ConfigReader root = file->root();
  const ConfigReader coordinator = root.table("coordinator", Presence::kRequired);
  settings.state = from_folder_of(path, coordinator.text("state", kMaxPath, ""));
  settings.experiment = from_folder_of(path, coordinator.text("experiment", kMaxPath, ""));
  settings.store = from_folder_of(path, coordinator.text("store", kMaxPath, ""));
  settings.out = from_folder_of(path, coordinator.text("out", kMaxPath, ""));
  settings.checkpoint_rounds = coordinator.count("checkpoint_rounds", {0, limits::kMaxRounds}, 0);
  settings.clip_factor = coordinator.real("clip_factor", {0.0, 1e6}, settings.clip_factor);
  settings.threads = coordinator.count("threads", {0, limits::kMaxThreads}, 0);
  settings.run =
      static_cast<std::uint64_t>(coordinator.integer("run", {0, std::numeric_limits<std::int64_t>::max()}, 0));
  const ConfigReader broker = root.table("broker", Presence::kRequired);
  settings.host = broker.text("host", limits::kMaxHostBytes, "127.0.0.1");
  settings.port = static_cast<std::uint16_t>(broker.count("port", {1, 65535}, 8883));
  settings.ca = from_folder_of(path, broker.text("ca", kMaxPath));
  settings.certificate = from_folder_of(path, broker.text("certificate", kMaxPath));
  settings.key = from_folder_of(path, broker.text("key", kMaxPath));
  settings.broker_certificate = from_folder_of(path, broker.text("server_certificate", kMaxPath, ""));
  const ConfigReader fleet = root.table("fleet", Presence::kRequired);
  settings.fleet = fleet.id("name");
  settings.master_key = from_folder_of(path, fleet.text("master_key", kMaxPath));
  settings.model_chunk_bytes = fleet.count("model_chunk_bytes", {wire::kLeastModelChunkBytes, wire::kModelChunkBytes},
                                           settings.model_chunk_bytes);
  if (!wire::is_model_chunk_size(settings.model_chunk_bytes)) {
    fleet.problem("model_chunk_bytes", "use a multiple of 32: flash is programmed in units of up to so many bytes");
  }
  settings.revoked = from_folder_of(path, fleet.text("revoked", kMaxPath, ""));
  settings.release_pki = from_folder_of(path, root.table("release", Presence::kOptional).text("pki", kMaxPath, ""));
  const ConfigReader certificates = root.table("certificates", Presence::kOptional);
  settings.certificates_pki = from_folder_of(path, certificates.text("pki", kMaxPath, ""));
  settings.certificate_days = certificates.count("days", {1, limits::kMaxCertificateDays}, settings.certificate_days);
  settings.renew_days = certificates.count("renew_days", {0, limits::kMaxCertificateDays}, 0);
  if (settings.renew_days >= settings.certificate_days) {
    certificates.problem("renew_days", "below [certificates] days, or devices would renew without end");
  }
  read_http(root.table("http", Presence::kOptional), path, settings);
  const auto done = file->finish();
  if (!done) return done.error();
  return settings;
}

SettingsChange change_settings(Settings& running, const Settings& read) {
  SettingsChange change;
  const auto take = [&](const char* key, auto Settings::*member) {
    if (running.*member == read.*member) return;
    running.*member = read.*member;
    change.taken.emplace_back(key);
  };
  const auto leave = [&](const char* key, auto Settings::*member) {
    if (!(running.*member == read.*member)) change.restart.emplace_back(key);
  };
  leave("[coordinator] state", &Settings::state);
  take("[coordinator] checkpoint_rounds", &Settings::checkpoint_rounds);
  take("[coordinator] clip_factor", &Settings::clip_factor);
  leave("[coordinator] threads", &Settings::threads);
  leave("[broker] host", &Settings::host);
  leave("[broker] port", &Settings::port);
  leave("[broker] ca", &Settings::ca);
  leave("[broker] certificate", &Settings::certificate);
  leave("[broker] key", &Settings::key);
  leave("[broker] server_certificate", &Settings::broker_certificate);
  leave("[release] pki", &Settings::release_pki);
  leave("[certificates] pki", &Settings::certificates_pki);
  leave("[certificates] days", &Settings::certificate_days);
  leave("[certificates] renew_days", &Settings::renew_days);
  leave("[http] socket", &Settings::http_socket);
  leave("[http] listen", &Settings::http_listen);
  leave("[http] certificate", &Settings::http_certificate);
  leave("[http] key", &Settings::http_key);
  leave("[fleet] name", &Settings::fleet);
  leave("[fleet] master_key", &Settings::master_key);
  leave("[fleet] model_chunk_bytes", &Settings::model_chunk_bytes);
  leave("[fleet] revoked", &Settings::revoked);
  return change;
}

}  // namespace skink::coordinator
