#include "manifest.hpp"

#include <boost/json.hpp>
#include <map>

#include "skink/host/program/build.hpp"

namespace skink::backup {
namespace {

namespace json = boost::json;

Error damaged(const std::string& what) {
  return make_error(Status::kDamaged, std::string(kManifestName) + ": " + what, Cause::kStore);
}

std::string text_in(const json::object& object, std::string_view field) {
  const json::value* value = object.if_contains(field);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

/// Equal to what the archive had, entry by entry?
Result<void> check_files(const json::array& entries, const std::vector<ArchivedFile>& files) {
  std::map<std::string, const ArchivedFile*> had;
  for (const ArchivedFile& file : files) had[file.name] = &file;
  for (const json::value& entry : entries) {
    if (!entry.is_object()) return damaged("a file is no object");
    const std::string name = text_in(entry.get_object(), "name");
    const auto found = had.find(name);
    if (found == had.end()) return damaged("'" + name + "' is not in the archive");
    const json::value* bytes = entry.get_object().if_contains("bytes");
    const bool same = bytes != nullptr && bytes->is_number() &&
                      json::value_to<std::uint64_t>(*bytes) == found->second->bytes &&
                      text_in(entry.get_object(), "sha256") == found->second->sha256;
    if (!same) return damaged("'" + name + "' is not what was backed up: its length or SHA-256 is another one");
    had.erase(found);
  }
  if (!had.empty()) return damaged("does not know '" + had.begin()->first + "'");
  return {};
}

}  // namespace

std::string manifest_text(const BackupReport& report, const std::vector<ArchivedFile>& files) {
  json::array entries;
  for (const ArchivedFile& file : files) {
    entries.push_back({{"name", file.name}, {"bytes", file.bytes}, {"sha256", file.sha256}});
  }
  return json::serialize(json::object{{"format", kBackupFormat},
                                      {"program", kSkinkVersion},
                                      {"fleet", report.fleet},
                                      {"created", report.created},
                                      {"folder", report.folder},
                                      {"state", report.state},
                                      {"has_keys", report.has_keys},
                                      {"files", entries}}) +
         "\n";
}

Result<BackupReport> check_manifest(const std::string& text, const std::vector<ArchivedFile>& files) {
  boost::system::error_code code;
  const json::value parsed = json::parse(text, code);
  if (code || !parsed.is_object()) return damaged("not JSON");
  const json::object& manifest = parsed.get_object();
  if (text_in(manifest, "format") != kBackupFormat) {
    return make_error(Status::kNewerVersion,
                      "the backup's format is '" + text_in(manifest, "format") + "', this program reads " +
                          kBackupFormat + "; use the program that wrote it",
                      Cause::kStore);
  }
  const json::value* entries = manifest.if_contains("files");
  if (entries == nullptr || !entries->is_array()) return damaged("has no list of files");
  try {
    const auto same = check_files(entries->get_array(), files);
    if (!same) return same.error();
  } catch (const std::exception&) {
    return damaged("a length is no whole number");
  }
  BackupReport report;
  report.fleet = text_in(manifest, "fleet");
  report.created = text_in(manifest, "created");
  report.folder = text_in(manifest, "folder");
  report.state = text_in(manifest, "state");
  const json::value* has_keys = manifest.if_contains("has_keys");
  report.has_keys = has_keys != nullptr && has_keys->is_bool() && has_keys->get_bool();
  report.files = files.size();
  for (const ArchivedFile& file : files) report.bytes += file.bytes;
  return report;
}

}  // namespace skink::backup
