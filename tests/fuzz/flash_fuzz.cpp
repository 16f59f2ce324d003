/// @file
/// What a device finds in its flash after a reset: anything. Journal, model slots and samples start on any bytes, and
/// go on keeping what they are given.

#include <vector>

#include "fakes/fake_flash.hpp"
#include "harness.hpp"
#include "skink/firmware/journal.hpp"
#include "skink/firmware/model_store.hpp"
#include "skink/firmware/sample_flash.hpp"

namespace skink::test {
namespace {

constexpr std::uint32_t kSectors = 12;
constexpr std::uint32_t kSectorBytes = 128;

void keep_samples(FakeFlash& flash, std::uint32_t per_class) {
  firmware::SampleFlash samples;
  firmware::SampleShape shape;
  shape.inputs = 3;
  shape.classes = 2;
  shape.per_class = per_class;
  shape.number = firmware::SampleNumber::kUint8;
  std::vector<firmware::StoredSample> memory(6);
  promise(samples.open(flash.flash, 6, 6, shape, {memory.data(), memory.size()}) == Status::kOk, "samples start");
  promise(samples.count() <= memory.size(), "there are not more than fit");
  const edge::SampleSource source = samples.samples();
  edge::SampleCounts counts;
  (void)source.begin(source.context, {}, counts);
  promise(counts.support + counts.query == samples.count(), "every sample is of one set");
  for (std::uint32_t i = 0; i < counts.support; ++i) {
    float stored[3];
    promise(source.input(source.context, edge::SampleSet::kSupport, i, Span<float>(stored)) == Status::kOk, "read");
    const float label = source.target(source.context, edge::SampleSet::kSupport, i, 0);
    promise(label == 0.0F || label == 1.0F, "labels are in range");
  }
  for (std::uint32_t n = 0; n < 40; ++n) {
    const float stored[3] = {1, 2, static_cast<float>(n)};
    const float label = static_cast<float>(n % 2);
    promise(samples.add(stored, {&label, 1}) == Status::kOk, "a sample is kept");
  }
  promise(samples.count() >= 2, "the last ones are there");
}

}  // namespace

void fuzz_flash(Bytes input) {
  if (input.empty()) return;
  FakeFlash flash(kSectorBytes, kSectors, 8);
  for (std::size_t i = 1; i < input.size() && i <= flash.bytes.size(); ++i) flash.bytes[i - 1] = input[i];
  firmware::Journal journal;
  promise(journal.open(flash.flash, 0) == Status::kOk, "the journal starts");
  firmware::ModelStore models;
  promise(models.open(flash.flash, 2, 2) == Status::kOk, "the slots start");
  promise(models.model_bytes() <= models.capacity(), "a model is no longer than a slot");
  firmware::Journal::Entry entry = journal.last();
  ++entry.starts;
  (void)journal.append(entry);  // a sequence number at its end, which no device reaches, is not taken up again
  keep_samples(flash, input[0] % 3 == 0 ? 0 : 2);
}

}  // namespace skink::test
