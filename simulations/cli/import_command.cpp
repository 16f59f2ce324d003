#include "skink/simulations/import.hpp"

#include <charconv>
#include <cstdio>
#include <sstream>

#include "terminal.hpp"

namespace skink::simulations::cli {
namespace {

std::vector<std::string> split_at(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
  return parts;
}

/// "8x8x1".
bool parse_shape(const std::string& text, std::vector<std::size_t>& shape) {
  constexpr std::size_t kMostExtents = 3;
  for (const std::string& part : split_at(text, 'x')) {
    std::size_t extent = 0;
    const char* end = part.data() + part.size();
    const auto parsed = std::from_chars(part.data(), end, extent);
    if (parsed.ec != std::errc() || parsed.ptr != end || extent == 0) return false;
    shape.push_back(extent);
  }
  return text.empty() || (!shape.empty() && shape.size() <= kMostExtents && text.back() != 'x');
}

class ImportLine {
 public:
  explicit ImportLine(Verbosity verbosity) : line_(verbosity) { line_.is_due(); }  // small files need none
  void show(double part) {
    if (!line_.is_due()) return;
    char text[40];
    std::snprintf(text, sizeof text, "importing: %.0f %%", 100 * part);
    line_.print(text);
  }

 private:
  ProgressLine line_;
};

}  // namespace

int import_file(const ImportArguments& arguments) {
  ImportOptions options = arguments.options;
  options.columns = split_at(arguments.columns, ',');
  if (!parse_shape(arguments.shape, options.shape)) {
    return fail(ExitCode::kUsage, "--shape: '" + arguments.shape + "' is no shape, for example 64, 32x6 or 8x8x1");
  }
  catch_interruptions();
  ImportLine line(verbosity(arguments.is_quiet));
  options.on_progress = [&line](double part) {
    line.show(part);
    return !is_interrupted();
  };
  const auto report = import_csv(options);
  if (!report) {
    const bool is_misuse = report.error().code == Status::kInvalidArgument;
    return fail(is_misuse ? ExitCode::kUsage : ExitCode::kData, report.error().message);
  }
  if (!report->written) return fail(ExitCode::kStore, report->written.error().message);
  std::printf("%s", to_text(*report, options).c_str());
  return kOk;
}

}  // namespace skink::simulations::cli
