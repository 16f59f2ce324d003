#include "skink/firmware/samples/block_rings.hpp"

#include "skink/firmware/samples/reading_ring.hpp"
#include "skink/firmware/samples/shared_word.hpp"

namespace skink::firmware {
namespace {

constexpr uint8_t kAfterGap = 0x80;
constexpr uint8_t kUnlabelled = 0x7f;  ///< kNoLabel beside that bit
constexpr uint32_t kMostParts = 256;

constexpr bool is_count(size_t count) noexcept {
  return count >= 2 && count <= kMostParts && (count & (count - 1)) == 0;
}

uint8_t note_of(uint8_t label, bool after_gap) noexcept {
  return static_cast<uint8_t>((label & kUnlabelled) | (after_gap ? kAfterGap : 0));
}

uint8_t label_of(uint8_t note) noexcept {
  const auto label = static_cast<uint8_t>(note & kUnlabelled);
  return label == kUnlabelled ? kNoLabel : label;
}

// The copy of a part that may be written over meanwhile, and what is loaded after it, in this order.
#if defined(__SANITIZE_THREAD__)
template <class T>
T load_in_copy(const T& shared) noexcept {
  return load_acquire(shared);  // the thread sanitizer does not know fences
}
void end_of_copy() noexcept {}
#else
template <class T>
T load_in_copy(const T& shared) noexcept {
  return load_relaxed(shared);
}
void end_of_copy() noexcept { __atomic_thread_fence(__ATOMIC_ACQUIRE); }
#endif

}  // namespace

Status BlockRing::begin(Span<int16_t> memory, size_t block, MutableBytes notes) noexcept {
  if (block == 0 || memory.size() % block != 0 || !is_count(memory.size() / block)) return Status::kInvalidArgument;
  if (notes.size() < memory.size() / block) return Status::kBufferTooSmall;
  *this = BlockRing();
  memory_ = memory;
  notes_ = notes;
  block_ = block;
  blocks_ = static_cast<uint32_t>(memory.size() / block);
  return Status::kOk;
}

Span<int16_t> BlockRing::claim() noexcept {
  if (blocks_ == 0) return {};
  if (head_ - load_acquire(tail_) == blocks_) {
    gap_ = true;
    store_relaxed(lost_, lost_ + 1);
    return {};
  }
  return place(head_);
}

void BlockRing::commit(uint8_t label) noexcept {
  notes_[head_ % blocks_] = note_of(label, gap_);
  gap_ = false;
  store_release(head_, head_ + 1);
}

bool BlockRing::front(Block& block) const noexcept {
  if (load_acquire(head_) == tail_) return false;
  const uint8_t note = notes_[tail_ % blocks_];
  block = {place(tail_), label_of(note), (note & kAfterGap) != 0};
  return true;
}

void BlockRing::release() noexcept { store_release(tail_, tail_ + 1); }

Status DmaRing::begin(Span<int16_t> memory, uint32_t parts, MutableBytes notes) noexcept {
  if (!is_count(parts) || memory.empty() || memory.size() % parts != 0) return Status::kInvalidArgument;
  if (notes.size() < parts) return Status::kBufferTooSmall;
  *this = DmaRing();
  memory_ = memory;
  notes_ = notes;
  part_ = memory.size() / parts;
  parts_ = parts;
  return Status::kOk;
}

void DmaRing::part_done(uint8_t label) noexcept {
  if (parts_ == 0) return;
  store_relaxed(notes_[done_ % parts_], note_of(label, false));
  store_release(done_, done_ + 1);
}

bool DmaRing::take(Span<int16_t> out, Block& block) noexcept {
  const uint32_t done = load_acquire(done_);
  if (done == taken_ || out.size() != part_) return false;
  if (done - taken_ >= parts_) {  // the transfer is in part `done` now, whose memory is that of done - parts
    const uint32_t oldest = done - parts_ + 1;
    lost_ += oldest - taken_;
    taken_ = oldest;
    gap_ = true;
  }
  const uint32_t place = taken_ % parts_;
  const int16_t* from = memory_.data() + place * part_;
  for (size_t i = 0; i < part_; ++i) out[i] = load_in_copy(from[i]);
  const uint8_t note = load_in_copy(notes_[place]);
  end_of_copy();
  const bool is_whole = load_relaxed(done_) - taken_ < parts_;
  ++taken_;
  if (!is_whole) {
    ++lost_;
    gap_ = true;
    return false;
  }
  block = {out, label_of(note), gap_};
  gap_ = false;
  return true;
}

}  // namespace skink::firmware
