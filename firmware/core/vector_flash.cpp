#include "skink/firmware/vector_flash.hpp"

#include "skink/common/little_endian.hpp"

namespace skink::firmware {
namespace {

crypto::Digest digest_of(const edge::VectorTag& tag) noexcept {
  crypto::Digest digest{};
  store_u64(digest.bytes, tag.owner);
  store_u64(digest.bytes + 8, tag.settings);
  store_u32(digest.bytes + 16, tag.version);
  store_u32(digest.bytes + 20, tag.numbers);
  return digest;
}

}  // namespace

Status VectorFlash::open(Flash& flash, uint32_t first_sector, uint32_t slot_sectors) noexcept {
  return slot_sectors == 0 ? Status::kOk : slots_.open(flash, first_sector, slot_sectors);
}

edge::VectorStore VectorFlash::store() noexcept {
  edge::VectorStore store;
  store.context = this;
  store.capacity = slots_.capacity() / static_cast<uint32_t>(sizeof(float));
  store.find = [](void* context, edge::VectorTag& tag) noexcept {
    const ModelStore& slots = self(context).slots_;
    const uint8_t* bytes = slots.digest().bytes;
    tag = {load_u64(bytes), load_u64(bytes + 8), load_u32(bytes + 16), load_u32(bytes + 20)};
    return slots.has_model();
  };
  store.read = [](void* context, size_t first, Span<float> out) noexcept {
    const MutableBytes bytes{reinterpret_cast<uint8_t*>(out.data()), out.size() * sizeof(float)};
    return self(context).slots_.read_whole(static_cast<uint32_t>(first * sizeof(float)), bytes);
  };
  store.begin = [](void* context, uint32_t numbers) noexcept {
    self(context).bytes_ = numbers * static_cast<uint32_t>(sizeof(float));
    return self(context).slots_.begin(self(context).bytes_);
  };
  store.write = [](void* context, size_t first, Span<const float> numbers) noexcept {
    const auto offset = static_cast<uint32_t>(first * sizeof(float));
    const Bytes bytes{reinterpret_cast<const uint8_t*>(numbers.data()), numbers.size() * sizeof(float)};
    const bool is_end = offset + bytes.size() == self(context).bytes_;
    return self(context).slots_.write(offset, bytes, is_end ? ChunkPart::kEnd : ChunkPart::kMore);
  };
  store.commit = [](void* context, const edge::VectorTag& tag) noexcept {
    return self(context).slots_.commit(digest_of(tag), self(context).bytes_);
  };
  return store;
}

}  // namespace skink::firmware
