#include <cstdio>

#include "skink/simulations/feature_set.hpp"
#include "terminal.hpp"

namespace skink::simulations::cli {

void add_features(Command& command, FeaturesArguments& arguments) {
  FeatureSetOptions& options = arguments.options;
  constexpr std::uint32_t kMost = features::kMaxWindow;
  command.option("folder", options.folder, "Data set of readings: records [n] or [n, axes] (docs/data.md)").required();
  command.option("--out", options.out_dir, "Folder of the new data set; absent or empty").required();
  command.option("--window", arguments.options.window, "Readings of a window (default: all of a record)")
      .range(2U, kMost);
  command.option("--hop", options.hop, "Readings from window to window (default: --window)").range(1U, kMost);
  command.option("--statistics", arguments.statistics,
                 "all, or of mean,deviation,energy,rms,least,greatest,step those that are wanted");
  const Option mel = command.option("--mel", options.features.mel.bands, "Bands of equal width on the mel scale")
                         .range(1U, features::kMaxBands);
  command.option("--fft", options.features.mel.transform, "Length of the transform (default: the least that fits)")
      .range(features::kMinTransform, features::kMaxTransform)
      .needs(mel);
  command.option("--rate", arguments.rate_hz, "Readings a second").range(1.0, 1048576.0);
  command.option("--low", arguments.low_hz, "Where the first band begins, Hz (default 0)")
      .range(0.0, 524288.0)
      .needs(mel);
  command.option("--high", arguments.high_hz, "Where the last band ends, Hz (default: half the rate)")
      .range(0.0, 524288.0)
      .needs(mel);
  const std::vector<std::pair<const char*, features::Taper>> tapers{{"hann", features::Taper::kHann},
                                                                    {"none", features::Taper::kNone}};
  command.choice("--taper", options.features.taper, tapers, "Of a window before the transform (default hann)");
  command.option("--frames", options.frames, "Windows of a sample (default: all of a record)")
      .range(1U, features::kMaxFrames);
  command.option("--frame-hop", options.frame_hop, "Windows from sample to sample (default: --frames)")
      .range(1U, features::kMaxFrames);
  command.option("--scale", arguments.scale, "Multiplies readings, in place of scale and offset of dataset.json");
  command.flag("--mu-law", options.is_mu_law, "Readings are bytes of G.711 mu-law");
  command.flag("--standardise", options.is_standardised, "By the running mean and deviation of each client");
  command.option("--name", options.name, "Name in dataset.json (default: the folder's)");
  command.flag("--quiet", arguments.is_quiet, "No progress line");
}

int make_features(const FeaturesArguments& arguments) {
  FeatureSetOptions options = arguments.options;
  const auto statistics = parse_statistics(arguments.statistics);
  if (!statistics) return fail(ExitCode::kUsage, "--statistics: " + statistics.error().message);
  options.features.statistics = *statistics;
  options.features.mel.rate_hz = static_cast<float>(arguments.rate_hz);
  options.features.mel.low_hz = static_cast<float>(arguments.low_hz);
  options.features.mel.high_hz = static_cast<float>(arguments.high_hz);
  if (arguments.scale != 0) options.scale = arguments.scale;
  catch_interruptions();
  ProgressLine line(verbosity(arguments.is_quiet));
  (void)line.is_due();  // small data sets need none
  options.on_progress = [&line](double part) {
    char text[40];
    std::snprintf(text, sizeof text, "features: %.0f %%", 100 * part);
    if (line.is_due()) line.print(text);
    return !is_interrupted();
  };
  const auto report = make_feature_set(options);
  if (!report && is_interrupted()) return end_interrupted(report.error().message);
  if (!report) {
    const bool is_misuse = report.error().code == Status::kInvalidArgument;
    return fail(is_misuse ? ExitCode::kUsage : ExitCode::kData, report.error().message);
  }
  if (!report->written) return fail(ExitCode::kStore, report->written.error().message);
  std::printf("%s", to_text(*report, options).c_str());
  return kOk;
}

}  // namespace skink::simulations::cli
