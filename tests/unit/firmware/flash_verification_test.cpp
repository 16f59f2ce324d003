/// @file
/// A part that reports success and has not done what it was asked: every program and erase is read back.

#include <catch2/catch.hpp>
#include <numeric>

#include "fakes/fake_flash.hpp"
#include "skink/firmware/journal.hpp"
#include "skink/firmware/model_store.hpp"
#include "skink/firmware/vector_flash.hpp"

namespace skink::firmware {
namespace {

using test::FakeFlash;

std::vector<std::uint8_t> counted(std::size_t count) {
  std::vector<std::uint8_t> bytes(count);
  std::iota(bytes.begin(), bytes.end(), std::uint8_t{0});
  return bytes;
}

TEST_CASE("flash: bytes that did not change are a failed program", "[firmware][storage][verify]") {
  FakeFlash flash(512, 4, 8);
  const auto bytes = counted(72);  // more than one step of the reading back, and a rest
  const std::uint32_t worn = GENERATE(0U, 31U, 32U, 71U, 72U);
  flash.stuck = {512 + worn};
  CHECK(flash.flash.program(512, {bytes.data(), bytes.size()}) == (worn < 72 ? Status::kUnavailable : Status::kOk));
}

TEST_CASE("flash: a byte that is not erased is a failed erase", "[firmware][storage][verify]") {
  FakeFlash flash(512, 4, 8);
  const auto bytes = counted(512);
  REQUIRE(flash.flash.program(512, {bytes.data(), bytes.size()}) == Status::kOk);
  const std::uint32_t worn = GENERATE(0U, 100U, 510U);
  flash.stuck = {512 + worn};
  CHECK(flash.flash.erase(1) == Status::kUnavailable);
  flash.stuck = {511, 1024};
  CHECK(flash.flash.erase(1) == Status::kOk);
}

TEST_CASE("model store: a worn cell of a slot is a failure of the download", "[firmware][storage][verify]") {
  FakeFlash flash;
  ModelStore store;
  REQUIRE(store.open(flash.flash, 2, 7) == Status::kOk);
  const auto model = counted(600);
  REQUIRE(store.begin(600) == Status::kOk);
  flash.stuck = {3 * 512 + 333};  // of the first data sector
  Status status = Status::kOk;
  for (std::uint32_t at = 0; at < 600 && status == Status::kOk; at += 100) {
    status =
        store.write(at, {model.data() + at, 100}, at == 500 ? firmware::ChunkPart::kEnd : firmware::ChunkPart::kMore);
  }
  CHECK(status == Status::kUnavailable);
  flash.stuck.clear();
  REQUIRE(store.begin(600) == Status::kOk);
  REQUIRE(store.write(0, {model.data(), 600}, firmware::ChunkPart::kEnd) == Status::kOk);
  flash.stuck = {2 * 512 + 20};  // of the header
  CHECK(store.commit({}, 600) == Status::kUnavailable);
  CHECK_FALSE(store.has_model());
  flash.stuck = {3 * 512 + 5};  // which is no longer one
  CHECK(store.begin(600) == Status::kUnavailable);
}

TEST_CASE("residual flash: a worn cell is a failure of the write", "[firmware][storage][verify]") {
  FakeFlash flash;
  VectorFlash residuals;
  REQUIRE(residuals.open(flash.flash, 2, 7) == Status::kOk);
  const edge::VectorStore store = residuals.store();
  const std::vector<float> numbers(100, 1.5F);
  REQUIRE(store.begin(store.context, 100) == Status::kOk);
  flash.stuck = {3 * 512 + 42};
  CHECK(store.write(store.context, 0, {numbers.data(), numbers.size()}) == Status::kUnavailable);
}

TEST_CASE("journal: an entry on a worn cell takes the next place", "[firmware][storage][verify]") {
  FakeFlash flash;
  Journal journal;
  REQUIRE(journal.open(flash.flash, 0) == Status::kOk);
  const Journal::Entry first{1, true, {1000, 1, 0}};
  const Journal::Entry second{2, true, {1000, 2, 0}};
  REQUIRE(journal.append(first) == Status::kOk);
  flash.stuck = {32 + 8, 64 + 8};  // of two places
  REQUIRE(journal.append(second) == Status::kOk);
  Journal again;
  REQUIRE(again.open(flash.flash, 0) == Status::kOk);
  CHECK(again.last().starts == 2);
  CHECK(again.last().task == second.task);
}

TEST_CASE("journal: a sector that stays as it was is a failure", "[firmware][storage][verify]") {
  FakeFlash flash;
  flash.bytes[10] = 0;
  flash.stuck = {10};
  Journal journal;
  REQUIRE(journal.open(flash.flash, 0) == Status::kOk);
  CHECK(journal.append({1, false, {}}) == Status::kUnavailable);
}

}  // namespace
}  // namespace skink::firmware
