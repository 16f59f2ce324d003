/// @file
/// Recordings of samples: as they are, and with length and checksum mended so that the list of tasks is reached.
/// Whatever is taken for a recording can be played to its last sample.

#include <algorithm>
#include <vector>

#include "harness.hpp"
#include "skink/common/crc32.hpp"
#include "skink/common/little_endian.hpp"
#include "skink/edge/recording.hpp"

namespace skink::test {
namespace {

constexpr std::size_t kChecked = 12;

void play_set(const edge::SampleSource& source, edge::SampleSet set, std::uint32_t count, Span<float> sample) {
  for (const std::uint32_t index : {0U, count / 2, count - 1}) {
    if (index >= count) continue;
    promise(source.input(source.context, set, index, sample) == Status::kOk, "a sample has inputs");
    static_cast<void>(source.target(source.context, set, index, 0));
  }
}

void play(Bytes memory) {
  edge::Recording recording;
  if (recording.open(memory) != Status::kOk) return;
  const edge::SampleSource source = recording.source();
  std::vector<float> sample(recording.input_size());
  for (std::uint32_t task = 0; task < recording.tasks(); ++task) {
    const std::uint8_t* entry = memory.data() + edge::recording::kHeaderBytes + task * edge::recording::kTaskBytes;
    edge::TaskRequest request;
    request.is_evaluation = load_u32(entry) == 1;
    request.round = load_u32(entry + 4);
    request.number = load_u32(entry + 8);
    edge::SampleCounts counts;
    if (source.begin(source.context, request, counts) != Status::kOk) continue;  // not in order
    play_set(source, edge::SampleSet::kSupport, counts.support, {sample.data(), sample.size()});
    play_set(source, edge::SampleSet::kQuery, counts.query, {sample.data(), sample.size()});
  }
}

}  // namespace

void fuzz_recording(Bytes input) {
  play(input);
  std::vector<std::uint8_t> mended(input.begin(), input.end());
  if (mended.size() < edge::recording::kHeaderBytes) return;
  store_u32(mended.data(), edge::recording::kMagic);
  store_u32(mended.data() + 4, static_cast<std::uint32_t>(mended.size()));
  store_u32(mended.data() + 8, crc32({mended.data() + kChecked, mended.size() - kChecked}));
  play({mended.data(), mended.size()});
}

}  // namespace skink::test
