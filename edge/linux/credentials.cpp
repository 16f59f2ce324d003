#include "skink/edge/linux/credentials.hpp"

#include <filesystem>

#include "skink/common/wire/topics.hpp"
#include "skink/host/files/files.hpp"
#include "skink/host/mqtt/session.hpp"

namespace skink::edge {

Result<DeviceCredentials> read_credentials(const std::string& folder, const std::string& device_id) {
  if (!wire::is_valid_id({device_id.data(), device_id.size()})) {
    return make_error(Status::kInvalidArgument, "'" + device_id + "' is not a device id: use " + wire::kIdRule);
  }
  const std::string own = folder + "/devices/" + device_id;
  const Result<crypto::Key> key = read_key(own + "/hmac.key");
  if (!key) return key.error();
  DeviceCredentials credentials{device_id, *key, folder + "/ca.pem", own + "/cert.pem", own + "/key.pem", {}};
  const std::string release_key = folder + "/release.pub";
  if (!std::filesystem::exists(release_key)) return credentials;
  Result<std::vector<std::uint8_t>> point = mqtt::public_point_of(release_key);
  if (!point) return point.error();
  credentials.release_key = std::move(*point);
  return credentials;
}

}  // namespace skink::edge
