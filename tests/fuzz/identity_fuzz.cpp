/// @file
/// Identity partitions: as they are, and with length and digest mended so that the content is reached. What is read
/// lies inside the partition, and can be written again to an image that reads and writes the same.

#include <cstring>
#include <vector>

#include "harness.hpp"
#include "skink/common/little_endian.hpp"
#include "skink/common/provisioning/identity.hpp"

namespace skink::test {
namespace {

constexpr std::size_t kHeader = 8;

template <class T>
void check_inside(Span<const T> part, Bytes partition) {
  if (part.empty()) return;
  const auto begin = reinterpret_cast<std::uintptr_t>(part.data());
  const auto first = reinterpret_cast<std::uintptr_t>(partition.data());
  promise(begin >= first && begin + part.size() <= first + partition.size(), "views lie inside the partition");
}

void check(Bytes partition) {
  provisioning::DeviceIdentity identity;
  if (provisioning::read_identity(partition, identity) != Status::kOk) return;
  for (const auto text :
       {identity.fleet, identity.device_id, identity.broker_host, identity.tls_server_name,
        identity.time_servers[0].host, identity.time_servers[1].host, identity.time_servers[2].host}) {
    check_inside(text, partition);
  }
  for (const auto bytes : {identity.ca_certificate, identity.certificate, identity.private_key, identity.release_key}) {
    check_inside(bytes, partition);
  }
  std::vector<std::uint8_t> first(provisioning::kMaxIdentityBytes);
  std::vector<std::uint8_t> second(provisioning::kMaxIdentityBytes);
  std::size_t first_size = 0;
  std::size_t second_size = 0;
  provisioning::DeviceIdentity again;
  promise(provisioning::write_identity(identity, {first.data(), first.size()}, first_size) == Status::kOk,
          "it can be written");
  promise(provisioning::read_identity({first.data(), first_size}, again) == Status::kOk, "and read again");
  promise(provisioning::write_identity(again, {second.data(), second.size()}, second_size) == Status::kOk,
          "and written");
  promise(first_size == second_size && std::memcmp(first.data(), second.data(), first_size) == 0, "to the same bytes");
}

}  // namespace

void fuzz_identity(Bytes input) {
  check(input);
  std::vector<std::uint8_t> image(input.begin(), input.end());
  if (image.size() < kHeader + crypto::kDigestBytes || image.size() > provisioning::kMaxIdentityBytes) return;
  const std::size_t content = image.size() - kHeader - crypto::kDigestBytes;
  std::memcpy(image.data(), "SKI\0\1\0", 6);
  store_u16(image.data() + 6, static_cast<std::uint16_t>(content));
  const crypto::Digest digest = crypto::sha256({image.data(), kHeader + content});
  std::memcpy(image.data() + kHeader + content, digest.bytes, crypto::kDigestBytes);
  check({image.data(), image.size()});
}

}  // namespace skink::test
