#include "skink/common/provisioning/signed_release.hpp"

#include <string.h>

#include "skink/common/little_endian.hpp"
#include "skink/common/wire/topics.hpp"

namespace skink::provisioning {
namespace {

constexpr uint8_t kMagic[4] = {'S', 'K', 'R', 0};
constexpr uint16_t kVersion = 1;

// offsets in the manifest
constexpr size_t kVersionAt = 4;
constexpr size_t kKindAt = 6;
constexpr size_t kNumberAt = 8;
constexpr size_t kLengthAt = 12;
constexpr size_t kDigestAt = 16;
constexpr size_t kNameAt = kDigestAt + crypto::kDigestBytes;
static_assert(kNameAt + kMaxReleaseNameBytes == kManifestBytes, "docs/release.md");

bool is_all(Bytes bytes, uint8_t value) noexcept {
  for (const uint8_t byte : bytes) {
    if (byte != value) return false;
  }
  return true;
}

bool is_known(ReleaseKind kind) noexcept {
  return kind == ReleaseKind::kModel || kind == ReleaseKind::kFirmware || kind == ReleaseKind::kAuthorities;
}

}  // namespace

Status read_manifest(Bytes header, Bytes release_key, Release& release) noexcept {
  const Bytes begin = header.first(header.size() < kReleaseHeaderBytes ? header.size() : kReleaseHeaderBytes);
  if (is_all(begin, 0xff) || is_all(begin, 0)) return Status::kUnavailable;
  if (begin.size() < kReleaseHeaderBytes) return Status::kTruncated;
  if (memcmp(begin.data(), kMagic, sizeof kMagic) != 0) return Status::kDamaged;
  const uint16_t version = load_u16(begin.data() + kVersionAt);
  if (version > kVersion) return Status::kNewerVersion;
  const Bytes manifest = begin.first(kManifestBytes);
  const Status status = crypto::verify_signature(manifest, begin.subspan(kManifestBytes), release_key);
  if (status != Status::kOk) return status;

  Release read;
  read.kind = static_cast<ReleaseKind>(load_u16(manifest.data() + kKindAt));
  read.number = load_u32(manifest.data() + kNumberAt);
  read.content_bytes = load_u32(manifest.data() + kLengthAt);
  memcpy(read.digest.bytes, manifest.data() + kDigestAt, crypto::kDigestBytes);
  const auto* name = reinterpret_cast<const char*>(manifest.data() + kNameAt);
  size_t length = kMaxReleaseNameBytes;
  while (length > 0 && name[length - 1] == 0) --length;
  read.name = {name, length};
  if (version != kVersion || !is_known(read.kind) || !wire::is_valid_id(read.name) || read.content_bytes == 0) {
    return Status::kInvalidArgument;
  }
  release = read;
  return Status::kOk;
}

uint32_t claimed_number(Bytes header) noexcept {
  return header.size() < kReleaseHeaderBytes ? 0 : load_u32(header.data() + kNumberAt);
}

Status read_release(Bytes partition, Bytes release_key, Release& release) noexcept {
  Release read;
  const Status status = read_manifest(partition, release_key, read);
  if (status != Status::kOk) return status;
  const Bytes rest = partition.subspan(kReleaseHeaderBytes);
  if (rest.size() < read.content_bytes) return Status::kTruncated;
  read.content = rest.first(read.content_bytes);
  if (crypto::sha256(read.content) != read.digest) return Status::kDamaged;
  release = read;
  return Status::kOk;
}

Status write_manifest(const Release& release, uint8_t (&out)[kManifestBytes]) noexcept {
  const bool is_sound = is_known(release.kind) && wire::is_valid_id(release.name) &&
                        release.name.size() <= kMaxReleaseNameBytes && !release.content.empty() &&
                        release.content.size() <= UINT32_MAX;
  if (!is_sound) return Status::kInvalidArgument;
  memset(out, 0, sizeof out);
  memcpy(out, kMagic, sizeof kMagic);
  store_u16(out + kVersionAt, kVersion);
  store_u16(out + kKindAt, static_cast<uint16_t>(release.kind));
  store_u32(out + kNumberAt, release.number);
  store_u32(out + kLengthAt, static_cast<uint32_t>(release.content.size()));
  const crypto::Digest digest = crypto::sha256(release.content);
  memcpy(out + kDigestAt, digest.bytes, crypto::kDigestBytes);
  memcpy(out + kNameAt, release.name.data(), release.name.size());
  return Status::kOk;
}

}  // namespace skink::provisioning
