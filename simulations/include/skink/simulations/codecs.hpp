#pragma once
/// @file
/// One experiment under several codecs: what each costs on the network, and what is learned.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "skink/host/result.hpp"
#include "skink/rounds/records.hpp"
#include "skink/simulations/sweep.hpp"

namespace skink::simulations {

/// As [codec] of an experiment has them.
struct CodecChoice {
  std::string uplink;
  std::string downlink;

  std::string name() const;  ///< "uplink", or "uplink/downlink" where that is not "whole"
};

/// "UPLINK" or "UPLINK/DOWNLINK". Errors: more than one '/', or the same twice. Names are checked with the experiment.
Result<std::vector<CodecChoice>> parse_choices(const std::vector<std::string>& texts);

/// The first is what the others are compared with.
std::vector<CodecChoice> usual_choices();

/// Which codecs are compared, on what.
struct CodecsOptions {
  SweepOptions sweep;                ///< without axes and points
  std::vector<CodecChoice> choices;  ///< at least one
  double share = 0.9;                ///< of what the first learns: the target; (0, 1]
  /// Of encoding a change on a Cortex-M4, by uplink: what scripts/cycle-report --encoding wrote.
  std::map<std::string, std::uint64_t> encode_instructions;
};

/// Where a curve is after some rounds, a mean over the seeds.
struct CodecPoint {
  std::uint32_t rounds = 0;
  double total_bytes = 0;       ///< up and down, of all devices so far
  std::optional<double> value;  ///< accuracy, or loss of a regression, after adaptation; of the seeds that have one
};

/// One codec. Bytes are those of a device-round, unless they are said to be total.
struct CodecRow {
  CodecChoice choice;
  double encoded_bytes = 0;
  double up_bytes = 0;                  ///< on the wire
  double down_bytes = 0;                ///< likewise
  std::optional<rounds::Spread> value;  ///< after the last round, of the seeds that have one
  std::size_t seeds = 0;
  std::size_t reached = 0;  ///< seeds that came to the target; the means below are of these
  double rounds_to_target = 0;
  double total_bytes_to_target = 0;  ///< up and down, of all devices
  std::vector<CodecPoint> curve;
};

/// The runs and the rows of the table.
struct CodecsResult {
  SweepResult sweep;
  bool is_complete = false;  ///< all runs are finished; otherwise nothing follows
  std::string experiment;
  bool classifies = false;
  std::optional<double> target;  ///< accuracy to reach, or loss to come below; nothing: the first learned nothing
  std::vector<CodecRow> rows;
  Result<void> written;  ///< codecs.csv, codecs.md, codecs.svg
};

/// Runs what is missing (as run_sweep() does) and writes the table and the plot. Errors: as run_sweep(); an experiment
/// that is not evaluated before its end, so that no target can be seen.
Result<CodecsResult> compare_codecs(const CodecsOptions& options);

/// Markdown. Codecs without instructions have none.
std::string codecs_table(const CodecsResult& result, const std::map<std::string, std::uint64_t>& encode_instructions);
std::string codecs_csv(const CodecsResult& result, const std::map<std::string, std::uint64_t>& encode_instructions);
std::string codecs_svg(const CodecsResult& result);

/// "codec,instructions" lines. Errors: kUnavailable, kDamaged.
Result<std::map<std::string, std::uint64_t>> read_encode_instructions(const std::string& path);

}  // namespace skink::simulations
