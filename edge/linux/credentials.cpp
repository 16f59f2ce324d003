#include "skink/edge/linux/credentials.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>

#include "skink/common/wire/topics.hpp"

namespace skink::edge {
namespace {

constexpr std::size_t kHexDigits = 2 * wire::kKeyBytes;

Result<wire::Key> read_key(const std::string& path) {
  static_assert(wire::kKeyBytes == wire::kDigestBytes, "read as a digest");
  std::ifstream file(path, std::ios::binary);
  if (!file)
    return make_error(Status::kUnavailable, "cannot read the key file '" + path + "': " + std::strerror(errno));
  std::string line;
  std::getline(file, line);
  if (!line.empty() && line.back() == '\r') line.pop_back();
  wire::Digest bytes;
  if (line.size() != kHexDigits || !wire::from_hex(line.data(), line.size(), bytes)) {
    return make_error(Status::kDamaged, "the key file '" + path + "' must hold 64 hexadecimal digits");
  }
  wire::Key key;
  std::memcpy(key.bytes, bytes.bytes, sizeof key.bytes);
  return key;
}

}  // namespace

Result<DeviceCredentials> read_credentials(const std::string& folder, const std::string& device_id) {
  if (!wire::is_valid_id({device_id.data(), device_id.size()})) {
    return make_error(Status::kInvalidArgument,
                      "'" + device_id + "' is not a device id: use 1..64 letters, digits, '-', '_' and '.'");
  }
  const std::string own = folder + "/devices/" + device_id;
  const Result<wire::Key> key = read_key(own + "/hmac.key");
  if (!key) return key.error();
  return DeviceCredentials{device_id, *key, folder + "/ca.pem", own + "/cert.pem", own + "/key.pem"};
}

}  // namespace skink::edge
