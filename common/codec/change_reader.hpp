#pragma once
/// @file
/// x, piece by piece: what an encoder encodes. Private to the codecs; docs/codec.md, section 2.

#include "pieces.hpp"
#include "skink/common/codec/encoder.hpp"
#include "skink/common/status.hpp"

namespace skink::codec {

/// Computes pieces of x.
class ChangeReader {
 public:
  explicit ChangeReader(const Change& change) noexcept : change_(change) {}

  /// Zeros have no sign (docs/arithmetic.md, section 1): that of w may differ between implementations.
  Status load(const Segment& segment, float* x) noexcept;

  /// Adds the numbers to the sum. `buffer` holds kBlock numbers.
  Status add(const Segment& segment, float* buffer, float& sum) noexcept;

 private:
  /// see(w, residual or null, phi, part of `buffer`) for each run of the segment's numbers. phi may have been read into
  /// that part.
  template <class See>
  Status for_each_run_of(const Segment& segment, float* buffer, See see) noexcept;
  /// The same for one run, with a residual that is read in pieces.
  template <class See>
  Status see_stored(uint32_t first, const float* w, const float* phi, Span<float> part, See see) noexcept;

  const Change& change_;
};

/// Goes over all of x: see(segment, its numbers).
template <class See>
Status for_each_segment(const Codec& codec, const Change& change, See see) noexcept {
  ChangeReader reader(change);
  float x[kBlock];
  for (SegmentWalker walker(codec, *change.network); !walker.at_end(); walker.next()) {
    const Segment& segment = walker.current();
    const Status status = reader.load(segment, x);
    if (status != Status::kOk) return status;
    see(segment, Span<float>(x, segment.count));
  }
  return Status::kOk;
}

}  // namespace skink::codec
