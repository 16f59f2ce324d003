#include "skink/coordinator/core/chain_messages.hpp"

#include <algorithm>
#include <cstring>

#include "skink/common/little_endian.hpp"
#include "skink/common/wire/topics.hpp"

namespace skink::coordinator {

std::vector<Publish> chain_messages(const std::string& device_id, const crypto::Digest& model,
                                    const std::vector<std::uint8_t>& chain, std::uint32_t message_bytes) {
  const std::size_t part_bytes = message_bytes - wire::kPatchHeadBytes;
  std::vector<Publish> parts;
  for (std::size_t offset = 0; offset < chain.size(); offset += part_bytes) {
    const std::size_t count = std::min(part_bytes, chain.size() - offset);
    Publish part;
    part.topic = wire::TopicKind::kPatch;
    part.device_id = device_id;
    part.payload.resize(wire::kPatchHeadBytes + count);
    store_u64(part.payload.data(), crypto::prefix_of(model));
    store_u32(part.payload.data() + 8, static_cast<std::uint32_t>(offset));
    std::memcpy(part.payload.data() + wire::kPatchHeadBytes, chain.data() + offset, count);
    parts.push_back(std::move(part));
  }
  return parts;
}

}  // namespace skink::coordinator
