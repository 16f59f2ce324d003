#pragma once
/// @file
/// Makes devices: a key (or the name of one that a secure element keeps), a certificate of the fleet's authority, the
/// HMAC key, and the identity image that goes into the device's flash (docs/identity.md). docs/provisioning.md says
/// what lies where and who may read it.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "skink/host/config/network_address.hpp"
#include "skink/host/result.hpp"

namespace skink::provisioning {

/// Base of the identity partition in a .hex file, where a board's memory map does not say otherwise.
inline constexpr std::uint32_t kDefaultImageAddress = 0x0007F000;

/// What is done with a device that has keys already.
enum class Existing : std::uint8_t {
  kRefuse,
  kReplace  ///< new keys; the old certificate is kept beside the new one and stays valid
};

/// What new devices are told, and where their keys go.
struct ProvisioningOptions {
  std::string pki;  ///< folder as scripts/make-pki makes it: ca.pem, ca.key, master.key
  std::string out;  ///< folder for images; created
  std::string fleet;
  NetworkAddress broker;
  std::string tls_server_name;               ///< empty: the broker's host
  std::vector<NetworkAddress> time_servers;  ///< kMaxTimeServers at most; asked in turn
  std::uint32_t days = 3650;
  std::uint32_t image_address = kDefaultImageAddress;
  Existing existing = Existing::kRefuse;
  /// Of one device, whose secure element has its key: the path of a request for its certificate (PKCS #10, PEM or DER),
  /// and what the device calls the key, which stands in the image in its place. Both, or neither.
  std::string request;
  std::string key_name;
};

/// A device that was made, for the list that is printed.
struct ProvisionedDevice {
  std::string id;
  std::string serial;       ///< of the certificate, hexadecimal
  std::string valid_until;  ///< 2036-11-20
  std::string image;        ///< path
  std::size_t image_bytes = 0;
};

/// Makes devices of one fleet. Holds the lock of its folder of keys.
class Provisioner {
 public:
  /// Reads the authority and the master key, takes the folder's lock until it is destroyed, refuses ids that cannot be
  /// provisioned, and then makes the release key pair if there is none.
  /// @param[in] ids  of the devices that make() is to make.
  /// @returns kUnavailable or kDamaged, naming the file at fault, or when another program has the lock;
  ///          kInvalidArgument for options out of range, for a request that is not for the one id or comes without a
  ///          name, and for an id that is none, is named twice, is there already
  ///          (in the PKI folder or as an image) or is revoked.
  static Result<Provisioner> open(const ProvisioningOptions& options, const std::vector<std::string>& ids);
  Provisioner(Provisioner&&) noexcept;
  Provisioner& operator=(Provisioner&&) noexcept;
  ~Provisioner();

  /// Makes one device, of those that open() was told. Its folder appears in one step, then its image; whatever happens
  /// meanwhile (a full disk, a power cut), there is no image whose certificate is not in the folder.
  /// @returns kUnavailable when a file cannot be written, kBufferTooSmall when the certificates do not fit in an image.
  Result<ProvisionedDevice> make(const std::string& id) const;

 private:
  struct State;
  explicit Provisioner(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace skink::provisioning
