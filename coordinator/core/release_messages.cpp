#include "skink/coordinator/core/release_messages.hpp"

#include <cstring>
#include <stdexcept>

#include "skink/common/wire/messages.hpp"
#include "skink/common/wire/topics.hpp"
#include "skink/coordinator/core/model_messages.hpp"

namespace skink::coordinator {

std::vector<Publish> release_chunks(const AnnouncedRelease& release) {
  return model_chunks({wire::TopicKind::kReleaseModel, release.slot}, release.model, release.file, release.chunk_bytes);
}

Publish release_announcement(const AnnouncedRelease& release, const ReleaseChain& chain, std::string_view device_id,
                             const crypto::Key& key) {
  wire::Release message{};
  if (release.header.size() != sizeof message.header) throw std::logic_error("a release's header has 144 bytes");
  std::memcpy(message.header, release.header.data(), sizeof message.header);
  std::memcpy(message.model_sha256, release.model.bytes, sizeof message.model_sha256);
  message.slot = release.slot;
  message.patch_base = chain.bytes.empty() ? 0 : chain.base;
  message.patch_bytes = static_cast<std::uint32_t>(chain.bytes.size());
  message.model_chunk_bytes = said_chunk_bytes(release.chunk_bytes);
  message.seed = release.seed;
  message.inner_learning_rate = release.inner_learning_rate;
  message.passes = release.passes;
  message.batch_size = release.batch_size;
  Publish publish;
  publish.topic = wire::TopicKind::kRelease;
  publish.device_id = std::string(device_id);
  publish.retain = true;
  publish.payload.resize(wire::kMaxReleaseMessageBytes);
  std::size_t written = 0;
  const MutableBytes out{publish.payload.data(), publish.payload.size()};
  if (wire::encode_release(message, {publish.device_id.c_str(), key}, out, written) != Status::kOk) {
    throw std::logic_error("a release does not fit in kMaxReleaseMessageBytes");
  }
  publish.payload.resize(written);
  return publish;
}

}  // namespace skink::coordinator
