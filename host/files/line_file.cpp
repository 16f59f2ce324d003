#include "skink/host/files/line_file.hpp"

namespace skink {

Result<LineFile> LineFile::open(const std::string& path, std::string_view heading, Existing existing) {
  std::ofstream stream(path, existing == Existing::kContinue ? std::ios::app : std::ios::trunc);
  const bool is_new = stream && (!stream.seekp(0, std::ios::end) || stream.tellp() == 0);
  if (is_new) stream.clear();  // a pipe has no end to seek
  LineFile file(path, std::move(stream));
  if (is_new) file.add(heading);
  const auto written = file.written();
  if (!written) return written.error();
  return file;
}

Result<void> LineFile::written() const {
  if (file_) return {};
  return make_error(Status::kUnavailable, path_ + ": cannot be written", Cause::kStore);
}

}  // namespace skink
