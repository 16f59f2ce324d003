#include "skink/coordinator/results/claim.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <filesystem>
#include <iterator>
#include <string_view>
#include <vector>

#include "skink/host/experiment/experiment_text.hpp"
#include "skink/host/files/files.hpp"

namespace skink::coordinator {
namespace {

Error refuse(const std::string& folder, const std::string& why) {
  return make_error(Status::kInvalidArgument, folder + ": " + why, Cause::kConfiguration);
}

bool exists(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

/// Results, or a part of them.
constexpr const char* kResults[] = {"/summary.json",  "/checkpoint.json", "/metrics.csv", "/devices.csv",
                                    "/confusion.csv", "/wire.csv",        "/model.skm"};

bool has_results(const std::string& folder) {
  return std::any_of(std::begin(kResults), std::end(kResults),
                     [&folder](const char* name) { return exists(folder + name); });
}

/// What a summary says of its data; empty where it says nothing.
std::string dataset_of(const std::string& summary_path) {
  const auto text = read_file(summary_path);
  if (!text) return "";
  boost::json::error_code code;
  const boost::json::value summary = boost::json::parse(*text, code);
  if (code || !summary.is_object()) return "";
  const boost::json::value* hash = summary.get_object().if_contains("dataset_sha256");
  return hash != nullptr && hash->is_string() ? std::string(hash->get_string()) : "";
}

/// Is this text as a run writes it? Somebody's own file, with comments in it, is not.
bool is_of_a_run(const std::string& text) {
  const auto experiment = parse_experiment(text, "");
  return experiment && to_toml(*experiment) == text;
}

/// A file of that name that somebody has written would be lost.
Result<void> check_file(const std::string& folder) {
  const std::string path = experiment_path(folder);
  if (!exists(path)) return {};
  const auto there = read_file(path);
  if (!there) return because(there.error(), Cause::kStore);
  if (is_of_a_run(*there)) return {};
  return refuse(path, "is not as a run writes it, and would be replaced; name another folder, or move the file away");
}

/// @returns an empty text: the folder is free, or of this experiment.
Result<std::string> objection(const std::string& folder, const Claim& claim, const std::string& wanted) {
  if (!has_results(folder)) return std::string();  // whoever had it got to nothing
  const std::string path = experiment_path(folder);
  if (!exists(path)) return std::string("holds results that do not say of which experiment");
  const auto there = read_file(path);
  if (!there) return because(there.error(), Cause::kStore);
  if (*there != wanted) return "holds another experiment (" + first_difference(*there, wanted) + ")";
  const std::string dataset = dataset_of(folder + kResults[0]);
  if (!dataset.empty() && !claim.dataset_sha256.empty() && dataset != claim.dataset_sha256) {
    return "holds this experiment with other data: data set " + claim.experiment.task.dataset + " has changed since";
  }
  return std::string();
}

/// model-100.skm: the model after so many rounds.
bool is_model_of_round(const std::string& name) {
  constexpr std::string_view kBefore = "model-";
  constexpr std::string_view kAfter = ".skm";
  if (name.size() <= kBefore.size() + kAfter.size() || name.rfind(kBefore, 0) != 0) return false;
  const std::size_t end = name.find_first_not_of("0123456789", kBefore.size());
  return end != std::string::npos && name.substr(end) == kAfter;
}

/// The summary first: what is left without it is no result.
Result<void> remove_results(const std::string& folder) {
  std::vector<std::string> paths;
  for (const char* name : kResults) {
    if (exists(folder + name)) paths.push_back(folder + name);
  }
  std::error_code unreadable;
  for (const auto& entry : std::filesystem::directory_iterator(folder, unreadable)) {
    if (is_model_of_round(entry.path().filename().string())) paths.push_back(entry.path().string());
  }
  for (const std::string& path : paths) {
    auto removed = remove_file(path);
    if (!removed) return removed;
  }
  return {};
}

}  // namespace

std::string experiment_path(const std::string& folder) { return folder + "/experiment.toml"; }

Result<void> check_no_run(const std::string& folder) {
  if (!has_results(folder)) return {};
  return refuse(folder, "holds the results of one run; name another folder for many");
}

Result<void> check_folder(const std::string& folder, const Claim& claim) {
  if (exists(folder + "/runs.csv")) return refuse(folder, "holds many runs; name another folder for one");
  auto file = check_file(folder);
  if (!file || claim.found == Found::kReplace) return file;
  const auto objected = objection(folder, claim, to_toml(claim.experiment));
  if (!objected) return objected.error();
  return objected->empty() ? Result<void>() : refuse(folder, *objected + "; " + claim.remedy);
}

Result<void> claim_folder(const std::string& folder, const Claim& claim) {
  auto free = check_folder(folder, claim);
  if (!free) return free;
  const auto objected = objection(folder, claim, to_toml(claim.experiment));
  if (!objected) return objected.error();
  if (!objected->empty()) {  // of another, which may be replaced
    auto removed = remove_results(folder);
    if (!removed) return removed;
  }
  return write_file(experiment_path(folder), to_toml(claim.experiment));
}

}  // namespace skink::coordinator
