#include <chrono>
#include <filesystem>

#include "findings.hpp"
#include "skink/coordinator/store/database_file.hpp"
#include "skink/host/files/files.hpp"

namespace skink::doctor {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
constexpr std::uint64_t kLittleSpace = 1024 * kMiB;
constexpr std::uint64_t kNoSpace = 64 * kMiB;

void check_space(Findings& findings, const std::string& state) {
  std::error_code code;
  const auto space = fs::space(state, code);
  if (code) return findings.error("state.space", state + ": " + code.message(), "is the disk mounted?");
  const std::string text = state + ": " + std::to_string(space.available / kMiB) + " MiB free";
  const char* remedy = "free disk space; 'skinkctl runs' shows what is kept of old runs";
  if (space.available < kNoSpace) return findings.error("state.space", text, remedy);
  if (space.available < kLittleSpace) return findings.warning("state.space", text, remedy);
  findings.ok("state.space", text);
}

/// A file that is written, synchronised and removed again, as the service's own.
void check_writing(Findings& findings, const std::string& state) {
  const std::string probe = state + "/.doctor";
  auto done = write_file(probe, "skinkctl doctor\n", Readers::kOwner);
  if (done) done = remove_file(probe);
  if (done) return findings.ok("state.writable", state + ": files can be written and synchronised");
  findings.error("state.writable", done.error().message, "let the service's user write there, or free disk space");
}

void check_stores(Findings& findings, const std::string& state) {
  const std::string path = state + "/fleet.db";
  std::error_code code;
  if (!fs::exists(path, code)) return findings.ok("state.store", path + ": not there yet, the service makes it");
  const auto sound = coordinator::check_database(path);
  if (sound) return findings.ok("state.store", path + ": sound");
  findings.error("state.store", sound.error().message, "skinkctl restore FILE DIR");
}

/// A clock that was set back makes certificates begin in the future, and dates of events jump.
void check_clock(Findings& findings, const std::string& state) {
  std::error_code code;
  const auto now = fs::file_time_type::clock::now();
  for (auto file = fs::directory_iterator(state, code); !code && file != fs::directory_iterator();
       file.increment(code)) {
    const auto written = file->last_write_time(code);
    if (code || written <= now + std::chrono::minutes(1)) continue;
    const auto ahead = std::chrono::duration_cast<std::chrono::minutes>(written - now).count();
    return findings.warning("clock",
                            file->path().string() + ": was written " + std::to_string(ahead) +
                                " minutes in the future: the clock was ahead then, or is behind now",
                            "set the clock (timedatectl), and keep it right with NTP or a battery");
  }
  findings.ok("clock", "no file of the state is from the future");
}

}  // namespace

std::vector<Finding> check_state(const coordinator::Settings& settings) {
  Findings findings;
  const std::string& state = settings.state;
  std::error_code code;
  if (state.empty()) {
    findings.warning("state", "[coordinator] state is not named: this configuration is of one run",
                     "name a state folder for the service");
  } else if (fs::exists(state, code) && !fs::is_directory(state, code)) {
    findings.error("state", state + ": is no folder", "move it away, or name another [coordinator] state");
  } else if (!fs::is_directory(state, code)) {
    findings.warning("state", state + ": not there yet, the service makes it", "start the service");
  } else {
    check_writing(findings, state);
    check_space(findings, state);
    check_stores(findings, state);
    check_clock(findings, state);
  }
  return findings.take();
}

}  // namespace skink::doctor
