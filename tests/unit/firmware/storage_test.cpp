#include <catch2/catch.hpp>
#include <random>

#include "fakes/fake_flash.hpp"
#include "skink/firmware/journal.hpp"
#include "skink/firmware/model_store.hpp"
#include "skink/firmware/vector_flash.hpp"

namespace skink::firmware {
namespace {

using test::FakeFlash;

constexpr std::uint32_t kSlotSectors = 7;

std::vector<std::uint8_t> model_of(int version, std::size_t bytes) {
  std::mt19937 random(static_cast<unsigned>(version));
  std::vector<std::uint8_t> model(bytes);
  for (auto& byte : model) byte = static_cast<std::uint8_t>(random());
  return model;
}

crypto::Digest digest_of(const std::vector<std::uint8_t>& model) {
  return crypto::sha256({model.data(), model.size()});
}

/// Stores a model as a download does: in chunks, each in pieces.
Status store_model(ModelStore& store, const std::vector<std::uint8_t>& model, std::size_t chunk, std::size_t piece) {
  Status status = store.begin(static_cast<std::uint32_t>(model.size()));
  for (std::size_t begin = 0; begin < model.size(); begin += chunk) {
    const std::size_t end = std::min(model.size(), begin + chunk);
    for (std::size_t at = begin; at < end && status == Status::kOk; at += piece) {
      const std::size_t count = std::min(piece, end - at);
      status = store.write(static_cast<std::uint32_t>(at), {model.data() + at, count},
                           at + count == end ? firmware::ChunkPart::kEnd : firmware::ChunkPart::kMore);
    }
  }
  if (status != Status::kOk) return status;
  return store.commit(digest_of(model), static_cast<std::uint32_t>(model.size()));
}

std::vector<std::uint8_t> content(const ModelStore& store) {
  std::vector<std::uint8_t> bytes(store.model_bytes());
  REQUIRE(store.read(0, {bytes.data(), bytes.size()}) == Status::kOk);
  return bytes;
}

TEST_CASE("model store: an erased flash holds no model, a stored one is found again", "[firmware][storage]") {
  FakeFlash flash(512, 16, GENERATE(4U, 8U, 32U));
  ModelStore store;
  REQUIRE(store.open(flash.flash, 2, kSlotSectors) == Status::kOk);
  CHECK_FALSE(store.has_model());
  CHECK(store.capacity() == 6 * 512);
  const auto model = model_of(1, GENERATE(1U, 31U, 1000U, 3072U));
  const std::size_t piece = GENERATE(1U, 7U, 64U, 5000U);
  REQUIRE(store_model(store, model, 1024, piece) == Status::kOk);
  CHECK(content(store) == model);
  ModelStore again;
  REQUIRE(again.open(flash.flash, 2, kSlotSectors) == Status::kOk);
  CHECK(again.has_model());
  CHECK(again.digest() == digest_of(model));
  CHECK(content(again) == model);
}

TEST_CASE("model store: slots take turns, so each is erased every second time", "[firmware][storage]") {
  FakeFlash flash;
  ModelStore store;
  REQUIRE(store.open(flash.flash, 2, kSlotSectors) == Status::kOk);
  for (int version = 1; version <= 10; ++version) {
    REQUIRE(store_model(store, model_of(version, 700), 4096, 100) == Status::kOk);
    ModelStore again;
    REQUIRE(again.open(flash.flash, 2, kSlotSectors) == Status::kOk);
    CHECK(content(again) == model_of(version, 700));
  }
  CHECK(flash.erasures[2] == 5);
  CHECK(flash.erasures[2 + kSlotSectors] == 5);
  CHECK(flash.erasures[0] == 0);
}

TEST_CASE("model store: a chunk that was cut off may come again", "[firmware][storage]") {
  FakeFlash flash;
  ModelStore store;
  REQUIRE(store.open(flash.flash, 2, kSlotSectors) == Status::kOk);
  const auto model = model_of(3, 1500);
  REQUIRE(store.begin(1500) == Status::kOk);
  REQUIRE(store.write(0, {model.data(), 333}, firmware::ChunkPart::kMore) == Status::kOk);
  for (std::size_t at = 0; at < model.size(); at += 100) {
    REQUIRE(store.write(static_cast<std::uint32_t>(at), {model.data() + at, 100},
                        at + 100 == model.size() ? firmware::ChunkPart::kEnd : firmware::ChunkPart::kMore) ==
            Status::kOk);
  }
  REQUIRE(store.commit(digest_of(model), 1500) == Status::kOk);
  CHECK(content(store) == model);
}

TEST_CASE("model store: on a flash that is mapped, the model's bytes lie in memory", "[firmware][storage]") {
  FakeFlash flash;
  ModelStore store;
  model::ByteSource source = store.source();
  CHECK(source.in_place(source.context) == nullptr);
  REQUIRE(store.open(flash.flash, 2, kSlotSectors) == Status::kOk);
  CHECK(source.in_place(source.context) == nullptr);
  flash.flash.mapped = flash.bytes.data();
  for (const int version : {1, 2, 3}) {  // the slots take turns
    const auto model = model_of(version, 1500);
    REQUIRE(store_model(store, model, 512, 64) == Status::kOk);
    CHECK(std::equal(model.begin(), model.end(), source.in_place(source.context)));
  }
}

TEST_CASE("model store: other bytes where some are already are refused", "[firmware][storage]") {
  FakeFlash flash;
  ModelStore store;
  REQUIRE(store.open(flash.flash, 2, kSlotSectors) == Status::kOk);
  const auto model = model_of(3, 64);
  const auto other = model_of(4, 64);
  REQUIRE(store.begin(64) == Status::kOk);
  REQUIRE(store.write(0, {model.data(), 64}, firmware::ChunkPart::kEnd) == Status::kOk);
  CHECK(store.write(0, {other.data(), 64}, firmware::ChunkPart::kEnd) == Status::kUnavailable);
}

TEST_CASE("model store: whatever the moment at which power goes, one whole model is there", "[firmware][storage]") {
  FakeFlash reference;
  ModelStore store;
  REQUIRE(store.open(reference.flash, 2, kSlotSectors) == Status::kOk);
  const auto first = model_of(1, 900);
  const auto second = model_of(2, 950);
  REQUIRE(store_model(store, first, 512, 60) == Status::kOk);
  const std::uint64_t before = reference.steps;
  const auto bytes = reference.bytes;
  REQUIRE(store_model(store, second, 512, 60) == Status::kOk);
  const std::uint64_t steps = reference.steps - before;
  REQUIRE(steps > 100);
  for (std::uint64_t cut = 1; cut <= steps + 1; ++cut) {
    CAPTURE(cut);
    FakeFlash flash;
    flash.bytes = bytes;
    ModelStore torn;
    REQUIRE(torn.open(flash.flash, 2, kSlotSectors) == Status::kOk);
    flash.steps_left = cut;
    const Status status = store_model(torn, second, 512, 60);
    CHECK((status == Status::kOk) == (cut > steps));
    flash.power_on();
    ModelStore again;
    REQUIRE(again.open(flash.flash, 2, kSlotSectors) == Status::kOk);
    REQUIRE(again.has_model());
    const auto found = content(again);
    REQUIRE(found == (again.digest() == digest_of(second) ? second : first));
    REQUIRE(store_model(again, model_of(3, 800), 512, 60) == Status::kOk);  // and goes on
    CHECK(content(again) == model_of(3, 800));
  }
}

TEST_CASE("model store: what does not fit is refused", "[firmware][storage]") {
  FakeFlash flash;
  ModelStore store;
  CHECK(store.open(flash.flash, 3, kSlotSectors) == Status::kInvalidArgument);
  CHECK(store.open(flash.flash, 2, 0) == Status::kInvalidArgument);
  CHECK(store.begin(1) == Status::kUnavailable);
  REQUIRE(store.open(flash.flash, 2, kSlotSectors) == Status::kOk);
  std::vector<std::uint8_t> bytes(3073);
  CHECK(store.begin(0) == Status::kInvalidArgument);
  CHECK(store.begin(3073) == Status::kInvalidArgument);
  REQUIRE(store.begin(513) == Status::kOk);
  CHECK(flash.erasures == std::vector<int>{0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
  CHECK(store.write(500, {bytes.data(), 14}, firmware::ChunkPart::kEnd) == Status::kUnavailable);
  REQUIRE(store.begin(3072) == Status::kOk);
  CHECK(store.write(0, {bytes.data(), bytes.size()}, firmware::ChunkPart::kEnd) == Status::kUnavailable);
  CHECK(store.read(3000, {bytes.data(), 73}) == Status::kUnavailable);
  CHECK(store.commit({}, 3073) == Status::kInvalidArgument);
  CHECK(store.commit({}, 0) == Status::kInvalidArgument);
}

Journal::Entry entry_of(std::uint32_t i) { return {i, i % 3 != 0, {1000U + i, i, i % 5}}; }

bool same(const Journal::Entry& a, const Journal::Entry& b) {
  return a.starts == b.starts && a.has_task == b.has_task && a.task == b.task;
}

TEST_CASE("journal: the last entry is found again, through many sectors", "[firmware][storage]") {
  FakeFlash flash;
  Journal journal;
  REQUIRE(journal.open(flash.flash, 0) == Status::kOk);
  CHECK(same(journal.last(), Journal::Entry()));
  for (std::uint32_t i = 1; i <= 100; ++i) {
    REQUIRE(journal.append(entry_of(i)) == Status::kOk);
    CHECK(same(journal.last(), entry_of(i)));
    Journal again;
    REQUIRE(again.open(flash.flash, 0) == Status::kOk);
    REQUIRE(same(again.last(), entry_of(i)));
  }
  CHECK(flash.erasures[0] + flash.erasures[1] == 7);  // 16 records of 32 bytes in 512
}

TEST_CASE("journal: a torn entry leaves the one before it", "[firmware][storage]") {
  for (std::uint64_t cut = 1; cut < 200; ++cut) {
    CAPTURE(cut);
    FakeFlash flash;
    Journal journal;
    REQUIRE(journal.open(flash.flash, 0) == Status::kOk);
    flash.steps_left = cut;
    std::uint32_t kept = 0;
    while (journal.append(entry_of(kept + 1)) == Status::kOk) ++kept;
    flash.power_on();
    Journal again;
    REQUIRE(again.open(flash.flash, 0) == Status::kOk);
    REQUIRE(same(again.last(), (kept == 0 ? Journal::Entry() : entry_of(kept))));
    REQUIRE(again.append(entry_of(77)) == Status::kOk);
    Journal third;
    REQUIRE(third.open(flash.flash, 0) == Status::kOk);
    REQUIRE(same(third.last(), entry_of(77)));
  }
}

TEST_CASE("journal: a flash that fails says so and keeps the last entry", "[firmware][storage]") {
  FakeFlash flash;
  Journal journal;
  CHECK(journal.append(entry_of(1)) == Status::kUnavailable);
  CHECK(journal.open(flash.flash, 15) == Status::kInvalidArgument);
  REQUIRE(journal.open(flash.flash, 0) == Status::kOk);
  REQUIRE(journal.append(entry_of(1)) == Status::kOk);
  flash.steps_left = 0;
  CHECK(journal.append(entry_of(2)) == Status::kUnavailable);
  CHECK(same(journal.last(), entry_of(1)));
  Journal again;
  CHECK(again.open(flash.flash, 0) == Status::kUnavailable);
}

std::vector<float> residual_of(std::uint32_t accepted_round, std::size_t count) {
  std::mt19937 random(accepted_round);
  std::vector<float> numbers(count);
  for (float& number : numbers) number = static_cast<float>(random()) * 1e-9F;
  return numbers;
}

/// Writes what an encoder leaves: pieces of 256 numbers; the old one can be read meanwhile.
Status store_residual(const edge::VectorStore& store, const edge::VectorTag& tag) {
  edge::VectorTag old;
  const bool had_one = store.find(store.context, old);
  const std::vector<float> numbers = residual_of(tag.version, tag.numbers);
  Status status = store.begin(store.context, tag.numbers);
  for (std::size_t first = 0; first < numbers.size() && status == Status::kOk; first += 256) {
    const std::size_t count = std::min<std::size_t>(256, numbers.size() - first);
    std::vector<float> before(count);
    if (had_one) {
      REQUIRE(store.read(store.context, first, {before.data(), count}) == Status::kOk);
      const std::vector<float> expected = residual_of(old.version, old.numbers);
      REQUIRE(std::equal(before.begin(), before.end(), expected.begin() + static_cast<std::ptrdiff_t>(first)));
    }
    status = store.write(store.context, first, {numbers.data() + first, count});
  }
  return status == Status::kOk ? store.commit(store.context, tag) : status;
}

bool holds(const edge::VectorStore& store, std::uint32_t accepted_round) {
  edge::VectorTag tag;
  if (!store.find(store.context, tag) || tag.version != accepted_round) return false;
  std::vector<float> numbers(tag.numbers);
  REQUIRE(store.read(store.context, 0, {numbers.data(), numbers.size()}) == Status::kOk);
  return numbers == residual_of(accepted_round, tag.numbers);
}

edge::VectorStore opened(VectorFlash& residuals, FakeFlash& flash) {
  REQUIRE(residuals.open(flash.flash, 2, kSlotSectors) == Status::kOk);
  return residuals.store();
}

TEST_CASE("residual flash: what was committed is found again, with its tag", "[firmware][storage]") {
  FakeFlash flash(512, 16, GENERATE(4U, 8U, 32U));
  VectorFlash residuals;
  const edge::VectorStore store = opened(residuals, flash);
  CHECK(store.capacity == 6 * 512 / 4);
  edge::VectorTag tag;
  CHECK_FALSE(store.find(store.context, tag));
  for (std::uint32_t round = 1; round < 6; ++round) {
    REQUIRE(store_residual(store, {9, 77, round, 701}) == Status::kOk);
    CHECK(holds(store, round));
    VectorFlash again;
    const edge::VectorStore found = opened(again, flash);
    CHECK(holds(found, round));
    REQUIRE(found.find(found.context, tag));
    CHECK(tag == edge::VectorTag{9, 77, round, 701});
  }
  CHECK(store.begin(store.context, store.capacity + 1) == Status::kInvalidArgument);
}

TEST_CASE("residual flash: whenever power goes, the old one or the new one is found", "[firmware][storage]") {
  for (std::uint64_t steps = 1;; ++steps) {
    FakeFlash flash;
    VectorFlash residuals;
    const edge::VectorStore store = opened(residuals, flash);
    REQUIRE(store_residual(store, {9, 77, 3, 300}) == Status::kOk);
    REQUIRE(store_residual(store, {9, 77, 4, 300}) == Status::kOk);
    flash.steps_left = steps;
    edge::VectorTag old;
    REQUIRE(store.find(store.context, old));
    // No reading meanwhile: there is no power for it.
    const std::vector<float> numbers = residual_of(5, 300);
    Status status = store.begin(store.context, 300);
    if (status == Status::kOk) status = store.write(store.context, 0, {numbers.data(), numbers.size()});
    if (status == Status::kOk) status = store.commit(store.context, {9, 77, 5, 300});
    const bool was_done = status == Status::kOk;
    flash.power_on();
    VectorFlash again;
    const edge::VectorStore found = opened(again, flash);
    CHECK((holds(found, 5) || (!was_done && holds(found, 4))));
    if (was_done) break;
  }
}

TEST_CASE("residual flash: without sectors there is no store", "[firmware][storage]") {
  FakeFlash flash;
  VectorFlash residuals;
  REQUIRE(residuals.open(flash.flash, 16, 0) == Status::kOk);
  CHECK(residuals.store().capacity == 0);
}

}  // namespace
}  // namespace skink::firmware
