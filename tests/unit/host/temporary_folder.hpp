#pragma once
/// @file
/// A folder that is removed at the end of a test, and .npy files written by the test itself.

#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <type_traits>
#include <vector>

namespace skink::test {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "skink-test-XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }

  void write(const std::string& name, const std::string& content) const {
    std::ofstream(file(name), std::ios::binary) << content;
  }

 private:
  std::string path_;
};

/// A .npy file of format 1.0 with any header text.
inline std::string npy_bytes(const std::string& header, const std::string& data) {
  std::string padded = header;
  while ((10 + padded.size() + 1) % 64 != 0) padded += ' ';
  padded += '\n';
  std::string bytes("\x93NUMPY\x01\x00", 8);
  bytes += static_cast<char>(padded.size() & 0xff);
  bytes += static_cast<char>(padded.size() >> 8);
  return bytes + padded + data;
}

inline std::string npy_header(const std::string& descr, const std::string& shape) {
  return "{'descr': '" + descr + "', 'fortran_order': False, 'shape': " + shape + ", }";
}

template <class T>
std::string npy_of(const std::vector<T>& values, const std::vector<std::size_t>& shape) {
  const std::string descr = std::is_same_v<T, float>           ? "<f4"
                            : std::is_same_v<T, std::uint8_t>  ? "|u1"
                            : std::is_same_v<T, std::uint16_t> ? "<u2"
                                                               : "<i2";
  std::string extents = "(";
  for (const std::size_t extent : shape) extents += std::to_string(extent) + ", ";
  return npy_bytes(npy_header(descr, extents + ")"),
                   {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)});
}

}  // namespace skink::test
