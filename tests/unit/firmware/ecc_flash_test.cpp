/// @file
/// Flash with ECC words: what a power failure tore cannot be read. Every store starts all the same, and loses at most
/// what was being written.

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>
#include <vector>

#include "fakes/fake_flash.hpp"
#include "skink/common/wire/topics.hpp"
#include "skink/firmware/journal.hpp"
#include "skink/firmware/model_store.hpp"
#include "skink/firmware/sample_flash.hpp"

using namespace skink;
using namespace skink::test;

namespace {

constexpr std::uint32_t kCuts = 10000;

std::vector<std::uint8_t> model_of(std::uint32_t number, std::size_t size) {
  std::vector<std::uint8_t> model(size);
  for (std::size_t i = 0; i < size; ++i) model[i] = static_cast<std::uint8_t>(number * 31 + i);
  return model;
}

/// In chunks, the last one first. False: the power went.
bool keep(firmware::ModelStore& store, std::uint32_t number, std::size_t size) {
  constexpr std::size_t kChunkBytes = 3 * wire::kModelChunkUnit;
  const auto model = model_of(number, size);
  if (store.begin(static_cast<std::uint32_t>(size)) != Status::kOk) return false;
  for (std::size_t chunk = (size + kChunkBytes - 1) / kChunkBytes; chunk-- > 0;) {
    const std::size_t offset = chunk * kChunkBytes;
    const Bytes bytes{model.data() + offset, std::min(kChunkBytes, size - offset)};
    if (store.write(static_cast<std::uint32_t>(offset), bytes, firmware::ChunkPart::kEnd) != Status::kOk) return false;
  }
  return store.commit(crypto::sha256({model.data(), size}), static_cast<std::uint32_t>(size), number) == Status::kOk;
}

bool has(const firmware::ModelStore& store, std::uint32_t number) {
  if (!store.has_model() || store.number() != number) return false;
  std::vector<std::uint8_t> bytes(store.model_bytes());
  return store.read(0, {bytes.data(), bytes.size()}) == Status::kOk && bytes == model_of(number, bytes.size());
}

}  // namespace

TEST_CASE("flash with ECC: a model store has the old model or the new one after 10,000 torn writes",
          "[firmware][storage][ecc]") {
  const std::uint32_t slot_sectors = GENERATE(1U, 4U);
  FakeFlash flash(512, 2 + 2 * slot_sectors, 32);
  flash.has_ecc = true;
  std::mt19937 random(slot_sectors);
  firmware::ModelStore first;
  REQUIRE(first.open(flash.flash, 2, slot_sectors) == Status::kOk);
  REQUIRE(keep(first, 1, 300));
  std::uint32_t kept = 1;
  for (std::uint32_t cut = 0; cut < kCuts; ++cut) {
    flash.power_on();
    firmware::ModelStore store;
    REQUIRE(store.open(flash.flash, 2, slot_sectors) == Status::kOk);
    if (has(store, kept + 1)) ++kept;
    REQUIRE(has(store, kept));
    flash.steps_left = 1 + random() % 60;
    while (flash.has_power()) {
      if (keep(store, kept + 1, 100 + random() % 300)) ++kept;
    }
  }
}

TEST_CASE("flash with ECC: a journal has the last entry or the one before after 10,000 torn writes",
          "[firmware][storage][ecc]") {
  FakeFlash flash(512, 2, 32);
  flash.has_ecc = true;
  std::mt19937 random(3);
  std::uint32_t noted = 0;
  for (std::uint32_t cut = 0; cut < kCuts; ++cut) {
    flash.power_on();
    firmware::Journal journal;
    REQUIRE(journal.open(flash.flash, 0) == Status::kOk);
    const std::uint32_t found = journal.last().starts;
    REQUIRE((found == noted || found == noted + 1));
    noted = found;
    flash.steps_left = 1 + random() % 40;
    while (flash.has_power()) {
      firmware::Journal::Entry entry = journal.last();
      ++entry.starts;
      if (journal.append(entry) == Status::kOk) ++noted;
    }
  }
}

TEST_CASE("flash with ECC: samples lose at most the one that was written, after 10,000 torn writes",
          "[firmware][samples][ecc]") {
  FakeFlash flash(512, 6, 32);
  flash.has_ecc = true;
  std::mt19937 random(5);
  firmware::SampleShape shape;
  shape.inputs = 4;
  shape.classes = 2;
  shape.per_class = 3;
  std::vector<firmware::StoredSample> memory(8);
  std::uint32_t written = 0;
  for (std::uint32_t cut = 0; cut < kCuts; ++cut) {
    flash.power_on();
    firmware::SampleFlash samples;
    REQUIRE(samples.open(flash.flash, 0, 6, shape, {memory.data(), memory.size()}) == Status::kOk);
    // Each sample is the number of those before it, the label its lowest bit.
    const edge::SampleSource source = samples.samples();
    edge::SampleCounts counts;
    (void)source.begin(source.context, {}, counts);
    std::vector<std::uint32_t> found;
    for (const edge::SampleSet set : {edge::SampleSet::kSupport, edge::SampleSet::kQuery}) {
      const std::uint32_t count = set == edge::SampleSet::kSupport ? counts.support : counts.query;
      for (std::uint32_t i = 0; i < count; ++i) {
        float inputs[4];
        REQUIRE(source.input(source.context, set, i, Span<float>(inputs)) == Status::kOk);
        found.push_back(static_cast<std::uint32_t>(inputs[3]));
      }
    }
    std::sort(found.begin(), found.end());
    if (!found.empty() && found.back() == written) ++written;
    const std::uint32_t wanted = std::min(written, 6U);
    REQUIRE(found.size() == wanted);
    for (std::uint32_t i = 0; i < wanted; ++i) REQUIRE(found[i] == written - wanted + i);
    flash.steps_left = 1 + random() % 60;
    while (flash.has_power()) {
      const auto number = static_cast<float>(written);
      const float inputs[4] = {0, 1, 2, number};
      const auto label = static_cast<float>(written % 2);
      if (samples.add(inputs, {&label, 1}) == Status::kOk) ++written;
    }
  }
}
