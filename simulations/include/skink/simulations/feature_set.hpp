#pragma once
/// @file
/// A data set of features out of a data set of readings, with the blocks that a device runs, so with its bits
/// (docs/features.md). What is behind `skink-sim features`.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "skink/common/features/extractor.hpp"
#include "skink/host/result.hpp"

namespace skink::simulations {

/// What to compute, and of what. A record [n] or [n, axes] is a recording without a gap, 1..9 axes; its numbers are
/// scaled as dataset.json says.
struct FeatureSetOptions {
  std::string folder;  ///< of the data set of readings
  std::string out_dir;
  std::string name;                ///< in dataset.json; empty: that of out_dir
  std::uint32_t window = 0;        ///< readings, 2..1024; 0: all of a record
  std::uint32_t hop = 0;           ///< 0: the window
  features::FeatureSpec features;  ///< mel.transform 0: the shortest that holds a window; mel.high_hz 0: half the rate
  std::uint32_t frames = 0;        ///< windows of a sample, 1..64; 0: all of a record
  std::uint32_t frame_hop = 0;     ///< windows from sample to sample of a record; 0: `frames`
  bool is_mu_law = false;          ///< records are bytes of G.711 mu-law, decoded to 16 bits before they are scaled
  std::optional<double> scale;     ///< in place of dataset.json's, for all axes
  bool is_standardised = false;    ///< by each client's running mean and deviation
  std::function<bool(double)> on_progress;  ///< called now and then with the part that is done; false stops
};

/// What was made.
struct FeatureSetReport {
  std::size_t records = 0;
  std::size_t features = 0;        ///< of a window
  std::vector<std::size_t> shape;  ///< of a sample: [features], or [frames, features]
  std::size_t window_bytes = 0;    ///< RAM of a device: windows, then scratch, samples and standardisation together
  std::size_t other_bytes = 0;
  std::vector<double> means;       ///< of each feature over the training split
  std::vector<double> deviations;  ///< 0 where it is one number
  Result<void> written;            ///< of the folder; when it failed nothing is left of it
};

/// Writes the folder. The same data set and options give the same bytes.
///
/// @returns what was made. Errors: kInvalidArgument for options that are out of range or do not fit the records; those
///          of Dataset::load(); kNotFinite for a reading that a device would refuse, with its record; kUnavailable when
///          `on_progress` stopped it. Nothing is left of a data set that is not complete.
Result<FeatureSetReport> make_feature_set(const FeatureSetOptions& options);

/// For people: what is in the data set, and what to write in an experiment.
std::string to_text(const FeatureSetReport& report, const FeatureSetOptions& options);

/// Statistics by their names: "mean,rms", or "all".
/// @returns the bits of features::Statistic. Errors: kInvalidArgument for an unknown name, or one that comes twice.
Result<std::uint8_t> parse_statistics(const std::string& text);

/// A byte of G.711 mu-law as a number of 16 bits, -32124..32124.
std::int16_t decode_mu_law(std::uint8_t byte) noexcept;

}  // namespace skink::simulations
