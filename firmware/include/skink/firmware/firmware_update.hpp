#pragma once
/// @file
/// A hook for the platform's firmware update. Skink brings no firmware to a device and starts none: that is the
/// platform's (MCUboot, ESP-IDF's OTA, the boot ROM). What comes with it, however it comes, is held against the release
/// that was signed for the fleet (docs/release.md, kind 2): who signed it, whether it is newer, and every byte of it.

#include "skink/common/crypto/crypto.hpp"
#include "skink/common/model/model_file.hpp"
#include "skink/common/provisioning/signed_release.hpp"
#include "skink/common/span.hpp"
#include "skink/common/status.hpp"

namespace skink::firmware {

/// What the release key has signed.
struct FirmwareOffer {
  uint32_t number = 0;  ///< above the installed one's
  uint32_t bytes = 0;   ///< of the image
  crypto::Digest digest;
  char name[provisioning::kMaxReleaseNameBytes + 1] = "";
};

/// The platform's place for the next firmware. Functions return false when they could not do it; `context` is handed to
/// them. esp_ota_begin(), esp_ota_write(), esp_ota_end() with esp_ota_set_boot_partition(), esp_ota_abort(); or those
/// of MCUboot's secondary slot and boot_set_pending().
struct FirmwareSlot {
  void* context = nullptr;
  bool (*begin)(void* context, const FirmwareOffer& offer) = nullptr;  ///< false also: not now
  bool (*write)(void* context, uint32_t offset, Bytes bytes) = nullptr;
  bool (*finish)(void* context, const FirmwareOffer& offer) = nullptr;  ///< the image is whole: start it next
  void (*abort)(void* context) = nullptr;  ///< it will not become whole; after a begin() that returned true, once
};

/// Takes a signed release of firmware as it comes, in order, in pieces of any size, and gives the image to a slot:
/// nothing before the signature is checked, and finish() only after the last byte was. Not ISR-safe.
class FirmwareUpdate {
 public:
  /// @param[in] release_key  uncompressed P-256 point, as the identity has it; borrowed
  /// @param[in] installed    number of the release that runs, or was confirmed last, as the platform has kept it: no
  ///                         other is refused but what is not above it. 0: none.
  /// @param[in] slot         copied; its functions are called from take() and stop()
  FirmwareUpdate(Bytes release_key, uint32_t installed, const FirmwareSlot& slot) noexcept
      : key_(release_key), installed_(installed), slot_(slot) {}
  ~FirmwareUpdate() { stop(); }
  FirmwareUpdate(const FirmwareUpdate&) = delete;
  FirmwareUpdate& operator=(const FirmwareUpdate&) = delete;

  /// The next bytes of the file that `skinkctl release sign --firmware` wrote.
  ///
  /// @returns
  /// * kOk                   more is wanted; or the image is whole and finish() has returned true: see is_whole()
  /// * kWrongAuthentication  not signed with the release key
  /// * kUnsupported          a release of something else than firmware
  /// * kInvalidArgument      signed, but not sound; its number is not above the installed one's; or bytes after the end
  /// * kDamaged              no release; or the image is not the one that was signed
  /// * kNewerVersion         a format of a later firmware
  /// * kBufferTooSmall       no memory to check the signature
  /// * kUnavailable          the slot cannot take it, or an earlier call has failed
  /// After an error it takes nothing more, and the slot was told to abort.
  Status take(Bytes bytes) noexcept;

  /// Gives up, unless the image is whole.
  void stop() noexcept;

  /// The last byte was taken, and finish() has returned true.
  bool is_whole() const noexcept { return stage_ == Stage::kWhole; }
  /// What was signed; once the first kReleaseHeaderBytes were taken.
  const FirmwareOffer& offer() const noexcept { return offer_; }
  /// Bytes of the image that the slot has.
  uint32_t received() const noexcept { return received_; }

 private:
  enum class Stage : uint8_t { kHeader, kImage, kWhole, kFailed };

  Status open() noexcept;
  Status pass_on(Bytes bytes) noexcept;
  Status fail(Status status) noexcept;

  const Bytes key_;
  const uint32_t installed_;
  const FirmwareSlot slot_;
  Stage stage_ = Stage::kHeader;
  bool is_begun_ = false;
  uint32_t received_ = 0;
  size_t header_bytes_ = 0;
  uint8_t header_[provisioning::kReleaseHeaderBytes] = {};
  FirmwareOffer offer_;
  crypto::Sha256 hash_;
};

/// The vendor's TLV of an MCUboot image that holds the first kReleaseHeaderBytes of the release of its payload.
inline constexpr uint16_t kMcubootManifestTlv = 0x00a0;

/// Looks at an image in MCUboot's secondary slot that came another way (SMP, a hawkBit client, a cable): call it before
/// boot_request_upgrade(). The payload, from the header's end for its length, must be what the release in the TLV was
/// signed for. MCUboot's own signature is MCUboot's to check. (MCUboot, docs/design.md, "Image format".)
///
/// @param[in]  image        from its header on
/// @param[in]  release_key  uncompressed P-256 point
/// @param[in]  installed    as for FirmwareUpdate
/// @param[out] offer        what was signed; on kOk only
/// @returns as FirmwareUpdate::take() without what concerns its slot; kDamaged also for what is no MCUboot image,
///          kUnavailable when it has no such TLV or cannot be read.
/// Cost: one signature, one SHA-256 over the payload; 512 bytes of stack.
Status check_mcuboot_image(const model::ByteSource& image, Bytes release_key, uint32_t installed,
                           FirmwareOffer& offer) noexcept;

}  // namespace skink::firmware
