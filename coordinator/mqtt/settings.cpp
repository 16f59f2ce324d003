#include "skink/coordinator/mqtt/settings.hpp"

#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>

#include "skink/common/host/config_reader.hpp"

namespace skink::coordinator {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxPath = 4096;

std::string from_folder_of(const std::string& file, const std::string& path) {
  if (path.empty() || fs::path(path).is_absolute()) return path;
  return (fs::path(file).parent_path() / path).lexically_normal().string();
}

}  // namespace

Result<Settings> read_settings(const std::string& path) {
  auto file = ConfigFile::read(path, {});
  if (!file) return file.error();
  Settings settings;
  const ConfigReader root = file->root();
  const ConfigReader coordinator = root.table("coordinator", Presence::kRequired);
  settings.experiment = from_folder_of(path, coordinator.text("experiment", kMaxPath));
  settings.store = from_folder_of(path, coordinator.text("store", kMaxPath));
  settings.out = from_folder_of(path, coordinator.text("out", kMaxPath, ""));
  settings.checkpoint_rounds = coordinator.count("checkpoint_rounds", {0, 1'000'000'000}, 0);
  settings.run =
      static_cast<std::uint64_t>(coordinator.integer("run", {0, std::numeric_limits<std::int64_t>::max()}, 0));
  const ConfigReader broker = root.table("broker", Presence::kRequired);
  settings.host = broker.text("host", 255, "127.0.0.1");
  settings.port = static_cast<std::uint16_t>(broker.count("port", {1, 65535}, 8883));
  settings.ca = from_folder_of(path, broker.text("ca", kMaxPath));
  settings.certificate = from_folder_of(path, broker.text("certificate", kMaxPath));
  settings.key = from_folder_of(path, broker.text("key", kMaxPath));
  const ConfigReader fleet = root.table("fleet", Presence::kRequired);
  settings.fleet = fleet.word("name", "-_.");
  settings.master_key = from_folder_of(path, fleet.text("master_key", kMaxPath));
  const auto done = file->finish();
  if (!done) return done.error();
  return settings;
}

Result<std::string> read_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  if (!in)
    return make_error(Status::kUnavailable, path + ": cannot be read: is the path right, may this user read it?");
  return text.str();
}

Result<wire::Key> read_key(const std::string& path) {
  auto text = read_text(path);
  if (!text) return text.error();
  while (!text->empty() && (text->back() == '\n' || text->back() == '\r' || text->back() == ' ')) text->pop_back();
  wire::Digest digits;
  if (!wire::from_hex(text->data(), text->size(), digits)) {
    return make_error(Status::kDamaged,
                      path + ": a key is 64 hexadecimal digits; make one with 'openssl rand -hex 32'");
  }
  wire::Key key;
  std::memcpy(key.bytes, digits.bytes, wire::kKeyBytes);
  return key;
}

}  // namespace skink::coordinator
