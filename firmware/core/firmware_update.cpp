#include "skink/firmware/firmware_update.hpp"

#include <string.h>

#include "skink/common/little_endian.hpp"

namespace skink::firmware {
namespace {

// MCUboot, docs/design.md, "Image format".
constexpr uint32_t kImageMagic = 0x96f3b83d;
constexpr uint16_t kTlvMagic = 0x6907;
constexpr uint16_t kProtectedTlvMagic = 0x6908;
constexpr uint32_t kImageHeaderBytes = 32;
constexpr uint32_t kTlvHeadBytes = 4;  ///< of an area and of an entry
constexpr size_t kPieceBytes = 256;

/// Header, signature and number; what is signed comes out.
Status read_offer(Bytes header, Bytes release_key, uint32_t installed, FirmwareOffer& offer) noexcept {
  provisioning::Release manifest;
  const Status status = provisioning::read_manifest(header, release_key, manifest);
  if (status != Status::kOk) return status == Status::kUnavailable ? Status::kDamaged : status;
  if (manifest.kind != provisioning::ReleaseKind::kFirmware) return Status::kUnsupported;
  if (manifest.number <= installed) return Status::kInvalidArgument;
  offer.number = manifest.number;
  offer.bytes = manifest.content_bytes;
  offer.digest = manifest.digest;
  memcpy(offer.name, manifest.name.data(), manifest.name.size());
  offer.name[manifest.name.size()] = 0;
  return Status::kOk;
}

}  // namespace

// ---- a release as it comes ------------------------------------------------------------------------------------------

Status FirmwareUpdate::take(Bytes bytes) noexcept {
  if (stage_ == Stage::kFailed) return Status::kUnavailable;
  if (stage_ == Stage::kHeader) {
    const size_t missing = sizeof header_ - header_bytes_;
    const Bytes head = bytes.first(bytes.size() < missing ? bytes.size() : missing);
    if (!head.empty()) memcpy(header_ + header_bytes_, head.data(), head.size());
    header_bytes_ += head.size();
    if (header_bytes_ < sizeof header_) return Status::kOk;
    const Status status = open();
    if (status != Status::kOk) return fail(status);
    bytes = bytes.subspan(head.size(), bytes.size() - head.size());
  }
  if (bytes.empty()) return Status::kOk;
  if (bytes.size() > offer_.bytes - received_) return fail(Status::kInvalidArgument);
  const Status status = pass_on(bytes);
  return status == Status::kOk ? status : fail(status);
}

Status FirmwareUpdate::open() noexcept {
  const Status status = read_offer(Bytes(header_), key_, installed_, offer_);
  if (status != Status::kOk) return status;
  if (!slot_.begin(slot_.context, offer_)) return Status::kUnavailable;
  is_begun_ = true;
  stage_ = Stage::kImage;
  return Status::kOk;
}

Status FirmwareUpdate::pass_on(Bytes bytes) noexcept {
  if (!slot_.write(slot_.context, received_, bytes)) return Status::kUnavailable;
  hash_.add(bytes);
  received_ += static_cast<uint32_t>(bytes.size());
  if (received_ < offer_.bytes) return Status::kOk;
  if (hash_.finish() != offer_.digest) return Status::kDamaged;
  if (!slot_.finish(slot_.context, offer_)) return Status::kUnavailable;
  stage_ = Stage::kWhole;
  return Status::kOk;
}

Status FirmwareUpdate::fail(Status status) noexcept {
  const bool tells_slot = is_begun_ && stage_ == Stage::kImage;
  if (stage_ != Stage::kWhole) stage_ = Stage::kFailed;  // bytes after the end undo nothing
  if (tells_slot) slot_.abort(slot_.context);
  return status;
}

void FirmwareUpdate::stop() noexcept {
  if (stage_ == Stage::kHeader || stage_ == Stage::kImage) (void)fail(Status::kUnavailable);
}

// ---- an image in MCUboot's slot -------------------------------------------------------------------------------------

namespace {

/// Where the parts of an image are; sums of what an image claims are 64 bits wide.
struct McubootImage {
  uint64_t payload = 0;
  uint64_t payload_bytes = 0;
  uint64_t tlvs = 0;
};

Status read_at(const model::ByteSource& source, uint64_t offset, MutableBytes out) noexcept {
  if (offset > source.size || out.size() > source.size - offset) return Status::kDamaged;
  return source.read(source.context, static_cast<uint32_t>(offset), out) == Status::kOk ? Status::kOk
                                                                                        : Status::kUnavailable;
}

Status read_image_header(const model::ByteSource& source, McubootImage& image) noexcept {
  uint8_t header[kImageHeaderBytes];
  const Status status = read_at(source, 0, header);
  if (status != Status::kOk) return status;
  const uint16_t header_bytes = load_u16(header + 8);
  if (load_u32(header) != kImageMagic || header_bytes < kImageHeaderBytes) return Status::kDamaged;
  image.payload = header_bytes;
  image.payload_bytes = load_u32(header + 12);
  image.tlvs = image.payload + image.payload_bytes;
  return image.tlvs > source.size ? Status::kDamaged : Status::kOk;
}

/// Looks for the manifest in the area of entries at `begin`, and says where the area ends.
Status search_area(const model::ByteSource& source, uint64_t begin, uint16_t magic,
                   uint8_t (&manifest)[provisioning::kReleaseHeaderBytes], bool& is_found, uint64_t& end) noexcept {
  uint8_t head[kTlvHeadBytes];
  Status status = read_at(source, begin, head);
  end = begin;
  if (status != Status::kOk || load_u16(head) != magic) return status;
  end = begin + load_u16(head + 2);  // its own four bytes are counted
  for (uint64_t at = begin + kTlvHeadBytes; at + kTlvHeadBytes <= end;) {
    status = read_at(source, at, head);
    if (status != Status::kOk) return status;
    at += kTlvHeadBytes;
    const uint16_t bytes = load_u16(head + 2);
    if (load_u16(head) == kMcubootManifestTlv && bytes == sizeof manifest && at + bytes <= end) {
      is_found = true;
      return read_at(source, at, manifest);
    }
    at += bytes;
  }
  return Status::kOk;
}

Status hash_payload(const model::ByteSource& source, const McubootImage& image, crypto::Digest& digest) noexcept {
  crypto::Sha256 hash;
  uint8_t piece[kPieceBytes];
  for (uint64_t done = 0; done < image.payload_bytes; done += kPieceBytes) {
    const uint64_t left = image.payload_bytes - done;
    const MutableBytes part(piece, left < kPieceBytes ? static_cast<size_t>(left) : kPieceBytes);
    const Status status = read_at(source, image.payload + done, part);
    if (status != Status::kOk) return status;
    hash.add(part);
  }
  digest = hash.finish();
  return Status::kOk;
}

}  // namespace

Status check_mcuboot_image(const model::ByteSource& source, Bytes release_key, uint32_t installed,
                           FirmwareOffer& offer) noexcept {
  McubootImage image;
  Status status = read_image_header(source, image);
  if (status != Status::kOk) return status;
  uint8_t manifest[provisioning::kReleaseHeaderBytes];
  bool is_found = false;
  uint64_t end = 0;
  status = search_area(source, image.tlvs, kProtectedTlvMagic, manifest, is_found, end);
  if (status == Status::kOk && !is_found) status = search_area(source, end, kTlvMagic, manifest, is_found, end);
  if (status != Status::kOk) return status;
  if (!is_found) return Status::kUnavailable;
  FirmwareOffer signed_for;
  status = read_offer(manifest, release_key, installed, signed_for);
  if (status != Status::kOk) return status;
  if (signed_for.bytes != image.payload_bytes) return Status::kDamaged;
  crypto::Digest digest;
  status = hash_payload(source, image, digest);
  if (status != Status::kOk) return status;
  if (digest != signed_for.digest) return Status::kDamaged;
  offer = signed_for;
  return Status::kOk;
}

}  // namespace skink::firmware
