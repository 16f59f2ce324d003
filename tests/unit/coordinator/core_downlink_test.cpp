/// @file
/// The coordinator's core: who gets patches, and which.

#include "unit/coordinator/core_bench.hpp"

using namespace skink;
using test::kRun;
using Bench = test::CoreBench;

TEST_CASE("core: a device that has one of the last models gets the way from there", "[coordinator][core][downlink]") {
  Bench bench(std::vector<Override>{{"codec.downlink", "int8"}});
  const std::uint64_t old = crypto::prefix_of(bench.core.model().digest());
  const std::string answered = bench.first();
  const std::string other = bench.second();
  CHECK((bench.tasks[answered].patch_bytes == 0 && bench.tasks[other].patch_bytes == 0));
  bench.answer(answered);
  const wire::Update last = bench.update_for(other);
  bench.tasks.clear();
  bench.send(other, last, {1.0F, 0.0F});
  REQUIRE(bench.core.rounds_done() == 1);
  for (const auto& [id, task] : bench.tasks) {
    const bool has_old = id == answered || id == other;
    CHECK((task.patch_bytes != 0) == has_old);
    CHECK((bench.patches.count(id) != 0) == has_old);
  }
  const std::string id = bench.first();
  bench.birth(id, true, old);
  bench.take();
  const wire::Task told = bench.tasks[id];
  CHECK(told.patch_base == old);
  const std::vector<std::uint8_t>& part = bench.patches[id];
  REQUIRE(part.size() == wire::kPatchHeadBytes + told.patch_bytes);
  CHECK(load_u64(part.data()) == crypto::prefix_of(bench.core.model().digest()));
  CHECK(load_u32(part.data() + 8) == 0);
  CHECK(std::string(part.begin() + wire::kPatchHeadBytes, part.begin() + wire::kPatchHeadBytes + 5) == "\4int8");
  SECTION("not in a reminder") {
    bench.tasks.clear();
    bench.tick(bench.core.next_wake_ms());
    REQUIRE(bench.tasks.count(id) == 1);
    CHECK(bench.tasks[id].patch_bytes == 0);
  }
  SECTION("not from a model that nobody knows, or from none") {
    bench.birth(id, true, GENERATE(0U, 123U));
    bench.take();
    CHECK(bench.tasks[id].patch_bytes == 0);
  }
  SECTION("not when it has the newest") {
    bench.birth(id, true, crypto::prefix_of(bench.core.model().digest()));
    bench.take();
    CHECK(bench.tasks[id].patch_bytes == 0);
  }
}

TEST_CASE("core: patches are kept while together they are shorter than the model", "[coordinator][core][downlink]") {
  rounds::PatchBook book("int8", 0, 101);
  const auto digest = [](std::uint8_t round) {
    crypto::Digest made;
    made.bytes[0] = static_cast<std::uint8_t>(round + 1);
    return made;
  };
  for (std::uint8_t round = 0; round < 5; ++round)
    book.add({round, digest(round), std::vector<std::uint8_t>(30, round)});
  REQUIRE(book.patches().size() == 3);  // of 31 bytes with their lengths
  CHECK(book.patches().front().round == 2);
  CHECK(book.find(crypto::prefix_of(digest(1))) == nullptr);
  CHECK(book.chain_from(digest(1)).empty());
  CHECK(book.chain_from(digest(3)).size() == 1 + 4 + 1 + 1 + 2 * 31);
  CHECK(book.chain_from(digest(5)).empty());  // the newest
  CHECK(book.chain_from(digest(2)).size() == 1 + 4 + 1 + 1 + 3 * 31);
  book.add({5, digest(5), std::vector<std::uint8_t>(100)});
  CHECK(book.patches().empty());
}
