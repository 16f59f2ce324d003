#include "skink/host/data/fingerprint.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <vector>

#include "skink/common/crypto/crypto.hpp"
#include "skink/host/data/dataset.hpp"
#include "skink/host/files/files.hpp"

namespace skink {
namespace {

constexpr const char* kFiles[] = {"x.npy",    "class.npy",  "client.npy",  "split.npy",
                                  "time.npy", "target.npy", "dataset.json"};
constexpr std::size_t kPieceBytes = std::size_t{1} << 20;

void add_head(const std::string& name, std::uint64_t bytes, crypto::Sha256& hash) {
  std::array<std::uint8_t, 8> length{};
  for (std::size_t i = 0; i < length.size(); ++i) length[i] = static_cast<std::uint8_t>(bytes >> (8 * i));
  hash.add(bytes_of(std::string_view(name.c_str(), name.size() + 1)));
  hash.add({length.data(), length.size()});
}

Result<void> add_file(const std::string& path, const std::string& name, crypto::Sha256& hash) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  const auto failed = [&path] {
    return make_error(Status::kUnavailable, path + ": cannot be read: " + std::strerror(errno), Cause::kData);
  };
  if (!file) return failed();
  add_head(name, static_cast<std::uint64_t>(file.tellg()), hash);
  file.seekg(0);
  std::vector<char> piece(kPieceBytes);
  while (file.read(piece.data(), static_cast<std::streamsize>(piece.size())) || file.gcount() > 0) {
    hash.add(bytes_of(std::string_view(piece.data(), static_cast<std::size_t>(file.gcount()))));
  }
  return file.bad() ? Result<void>(failed()) : Result<void>();
}

}  // namespace

Result<std::string> dataset_sha256(const std::string& folder) {
  crypto::Sha256 hash;
  for (const char* name : kFiles) {
    const std::string path = folder + "/" + name;
    std::error_code ignored;
    if (!std::filesystem::exists(path, ignored)) continue;
    const auto added = add_file(path, name, hash);
    if (!added) return added.error();
  }
  char hex[2 * crypto::kDigestBytes + 1];
  crypto::to_hex(hash.finish(), hex);
  return std::string(hex);
}

Result<std::string> dataset_sha256(const TaskConfig& task, const std::string& data_dir) {
  if (task.source != TaskSource::kDataset) return std::string();
  const auto folder = find_dataset(task.dataset, data_dir);
  if (!folder) return folder.error();
  return dataset_sha256(*folder);
}

}  // namespace skink
