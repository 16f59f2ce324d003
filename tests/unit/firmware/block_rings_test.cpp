/// @file
/// Blocks from an interrupt to the main loop: order, overruns, and two sides that run at once.

#include "skink/firmware/samples/block_rings.hpp"

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <thread>
#include <vector>

#include "skink/firmware/samples/reading_ring.hpp"

using namespace skink;
using namespace skink::firmware;

namespace {

constexpr std::size_t kBlock = 6;

template <std::size_t blocks>
struct Memory {
  std::array<std::int16_t, blocks * kBlock> numbers{};
  std::array<std::uint8_t, blocks> notes{};
  Span<std::int16_t> span() { return {numbers.data(), numbers.size()}; }
  MutableBytes bytes() { return {notes.data(), notes.size()}; }
};

bool is_block(const Block& block, int number) {
  return block.readings.size() == kBlock &&
         std::all_of(block.readings.begin(), block.readings.end(), [number](auto value) { return value == number; });
}

bool produce(BlockRing& ring, std::int16_t number, std::uint8_t label = kNoLabel) {
  const Span<std::int16_t> place = ring.claim();
  if (place.empty()) return false;
  std::fill(place.begin(), place.end(), number);
  ring.commit(label);
  return true;
}

/// A circular transfer, part by part, as a controller beside the processor.
struct Transfer {
  void write(DmaRing& ring, std::int16_t number, std::uint8_t label = kNoLabel) {
    begin(number);
    ring.part_done(label);
  }
  /// All of a part but its end.
  void begin(std::int16_t number) {
    for (std::size_t i = 0; i < kBlock; ++i) {
      __atomic_store_n(memory.data() + next % memory.size(), number, __ATOMIC_RELEASE);
      ++next;
    }
  }
  Span<std::int16_t> memory;
  std::size_t next = 0;
};

}  // namespace

TEST_CASE("block ring: first in, first out, with labels", "[firmware][samples]") {
  Memory<4> memory;
  BlockRing ring;
  Block block;
  CHECK(ring.claim().empty());
  REQUIRE(ring.begin(memory.span(), kBlock, memory.bytes()) == Status::kOk);
  CHECK_FALSE(ring.front(block));
  for (std::int16_t i = 0; i < 50; ++i) {
    REQUIRE(produce(ring, i, static_cast<std::uint8_t>(i % 3 == 0 ? kNoLabel : i)));
    REQUIRE(produce(ring, static_cast<std::int16_t>(-i)));
    REQUIRE(ring.front(block));
    CHECK(is_block(block, i));
    CHECK(block.label == (i % 3 == 0 ? kNoLabel : i));
    CHECK_FALSE(block.after_gap);
    ring.release();
    REQUIRE(ring.front(block));
    CHECK(is_block(block, -i));
    ring.release();
  }
  CHECK(ring.lost() == 0);
}

TEST_CASE("block ring: what finds it full is lost, counted and marked", "[firmware][samples]") {
  Memory<2> memory;
  BlockRing ring;
  REQUIRE(ring.begin(memory.span(), kBlock, memory.bytes()) == Status::kOk);
  CHECK(produce(ring, 1));
  CHECK(produce(ring, 2));
  CHECK_FALSE(produce(ring, 3));
  CHECK_FALSE(produce(ring, 4));
  CHECK(ring.lost() == 2);
  Block block;
  for (const int number : {1, 2}) {
    REQUIRE(ring.front(block));
    CHECK(is_block(block, number));
    CHECK_FALSE(block.after_gap);
    ring.release();
  }
  CHECK(produce(ring, 5));
  ring.note_gap();
  CHECK(produce(ring, 6));
  for (const int number : {5, 6}) {
    REQUIRE(ring.front(block));
    CHECK(is_block(block, number));
    CHECK(block.after_gap);
    ring.release();
  }
}

TEST_CASE("rings: memory that does not divide is refused", "[firmware][samples]") {
  std::array<std::int16_t, 24> memory{};
  std::array<std::uint8_t, 8> notes{};
  const Span<std::int16_t> all(memory.data(), 24);
  const MutableBytes bytes(notes.data(), 8);
  BlockRing blocks;
  CHECK(blocks.begin(all, 0, bytes) == Status::kInvalidArgument);
  CHECK(blocks.begin(all, 7, bytes) == Status::kInvalidArgument);
  CHECK(blocks.begin(all, 8, bytes) == Status::kInvalidArgument);
  CHECK(blocks.begin(all, 24, bytes) == Status::kInvalidArgument);
  CHECK(blocks.begin(all, 6, bytes.first(3)) == Status::kBufferTooSmall);
  CHECK(blocks.begin(all, 6, bytes) == Status::kOk);
  DmaRing parts;
  CHECK(parts.begin(all, 1, bytes) == Status::kInvalidArgument);
  CHECK(parts.begin(all, 3, bytes) == Status::kInvalidArgument);
  CHECK(parts.begin(all, 16, bytes) == Status::kInvalidArgument);
  CHECK(parts.begin({}, 2, bytes) == Status::kInvalidArgument);
  CHECK(parts.begin(all, 8, bytes.first(7)) == Status::kBufferTooSmall);
  CHECK(parts.begin(all, 8, bytes) == Status::kOk);
}

TEST_CASE("DMA ring: halves are taken while the transfer is in the other one", "[firmware][samples]") {
  Memory<2> memory;
  DmaRing ring;
  std::array<std::int16_t, kBlock> copy{};
  const Span<std::int16_t> out(copy.data(), kBlock);
  Block block;
  ring.part_done(1);
  REQUIRE(ring.begin(memory.span(), 2, memory.bytes()) == Status::kOk);
  CHECK(ring.part_size() == kBlock);
  CHECK_FALSE(ring.take(out, block));
  Transfer transfer{memory.span()};
  for (std::int16_t i = 0; i < 20; ++i) {
    transfer.write(ring, i, static_cast<std::uint8_t>(i));
    CHECK_FALSE(ring.take(out.first(kBlock - 1), block));
    REQUIRE(ring.take(out, block));
    CHECK(is_block(block, i));
    CHECK(block.label == i);
    CHECK_FALSE(block.after_gap);
    CHECK_FALSE(ring.take(out, block));
  }
  CHECK(ring.lost() == 0);
}

TEST_CASE("DMA ring: parts that were written over are counted, never handed out", "[firmware][samples]") {
  Memory<4> memory;
  DmaRing ring;
  REQUIRE(ring.begin(memory.span(), 4, memory.bytes()) == Status::kOk);
  Transfer transfer{memory.span()};
  for (std::int16_t i = 0; i < 11; ++i) transfer.write(ring, i);
  transfer.begin(11);  // over the place of 7
  std::array<std::int16_t, kBlock> copy{};
  const Span<std::int16_t> out(copy.data(), kBlock);
  Block block;
  for (const int number : {8, 9, 10}) {
    REQUIRE(ring.take(out, block));
    CHECK(is_block(block, number));
    CHECK(block.after_gap == (number == 8));
  }
  CHECK_FALSE(ring.take(out, block));
  CHECK(ring.lost() == 8);
}

TEST_CASE("DMA ring: beside a transfer that never stops every part is whole", "[firmware][samples][threads]") {
  Memory<4> memory;
  DmaRing ring;
  REQUIRE(ring.begin(memory.span(), 4, memory.bytes()) == Status::kOk);
  constexpr int kParts = 10000;
  std::thread producer([&] {
    Transfer transfer{memory.span()};
    for (int i = 0; i < kParts; ++i) {
      transfer.write(ring, static_cast<std::int16_t>(i % 32000));
      if (i % 16 == 0) std::this_thread::yield();
    }
  });
  std::array<std::int16_t, kBlock> copy{};
  Block block;
  int taken = 0;
  int last = -1;
  bool is_sound = true;
  const auto take = [&] {
    if (!ring.take({copy.data(), kBlock}, block)) return false;
    ++taken;
    const int number = block.readings[0];
    is_sound = is_sound && is_block(block, block.readings[0]) && (number == (last + 1) % 32000 || block.after_gap);
    last = number;
    return true;
  };
  while (taken + static_cast<int>(ring.lost()) < kParts - 8) (void)take();
  producer.join();
  for (int i = 0; i < 8; ++i) (void)take();
  CHECK(is_sound);
  CHECK(taken + static_cast<int>(ring.lost()) == kParts);
  CHECK(taken > 0);
}

TEST_CASE("block ring: two sides at once lose nothing unnoticed", "[firmware][samples][threads]") {
  Memory<4> memory;
  BlockRing ring;
  REQUIRE(ring.begin(memory.span(), kBlock, memory.bytes()) == Status::kOk);
  constexpr int kBlocks = 10000;
  std::thread producer([&] {
    for (int i = 0; i < kBlocks; ++i) {
      (void)produce(ring, static_cast<std::int16_t>(i % 32000));
      if (i % 16 == 0) std::this_thread::yield();
    }
  });
  int taken = 0;
  int last = -1;
  bool is_sound = true;
  Block block;
  const auto take = [&] {
    if (!ring.front(block)) return;
    const int number = block.readings[0];
    is_sound = is_sound && is_block(block, block.readings[0]) && (number == (last + 1) % 32000 || block.after_gap);
    last = number;
    ++taken;
    ring.release();
  };
  while (taken + static_cast<int>(ring.lost()) < kBlocks) take();
  producer.join();
  CHECK(is_sound);
  CHECK(taken + static_cast<int>(ring.lost()) == kBlocks);
}
