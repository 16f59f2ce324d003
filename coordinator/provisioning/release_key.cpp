#include "release_key.hpp"

#include <filesystem>

#include "skink/host/files/files.hpp"

namespace skink::provisioning {
namespace {

Result<Der> point_of(const Result<EvpKey>& key, const std::string& path) {
  if (!key) return key.error();
  Der point = p256_point_of(key->get());
  if (point.empty()) return make_error(Status::kDamaged, path + ": not a P-256 key");
  return point;
}

}  // namespace

Result<Der> release_point(const PkiFolder& folder) {
  namespace fs = std::filesystem;
  const std::string public_path = folder.release_public_key();
  const std::string private_path = folder.release_key();
  if (fs::exists(public_path)) return point_of(read_public_key(public_path), public_path);
  const auto lock = FolderLock::wait_for(folder.release_lock());
  if (!lock) return lock.error();
  // Perhaps another program has made it meanwhile.
  if (fs::exists(public_path)) return point_of(read_public_key(public_path), public_path);
  if (!fs::exists(private_path)) {
    const auto written = write_file(private_path, private_pem_of(generate_p256_key().get()), Readers::kOwner);
    if (!written) return written.error();
  }
  const auto key = read_private_key(private_path);
  auto point = point_of(key, private_path);
  if (!point) return point;
  const auto written = write_file(public_path, public_pem_of(key->get()), Readers::kEverybody);
  if (!written) return written.error();
  return point;
}

}  // namespace skink::provisioning
