#include "file_format.hpp"

namespace skink::simulations {

std::string other_format(std::string_view beginning) {
  struct Format {
    std::string_view begins;
    const char* name;
  };
  constexpr Format kFormats[] = {{"PK\x03\x04", "a spreadsheet (.xlsx, .ods) or a zip file"},
                                 {"\xd0\xcf\x11\xe0", "a spreadsheet (.xls)"},
                                 {"\x1f\x8b", "compressed (gzip)"},
                                 {"PAR1", "a Parquet file"},
                                 {"\x89HDF", "an HDF5 file, or one of MATLAB"},
                                 {"MATLAB 5.0", "a file of MATLAB"},
                                 {"\x93NUMPY", "a NumPy file"},
                                 {"TDSm", "a file of LabVIEW (.tdms)"},
                                 {"<", "HTML or XML"},
                                 {"{", "JSON"}};
  for (const Format& format : kFormats) {
    if (beginning.substr(0, format.begins.size()) != format.begins) continue;
    return std::string("is ") + format.name + ", not CSV; save or convert it as \"CSV UTF-8\"";
  }
  if (beginning.size() < 4) return "";
  const auto is_zero = [beginning](std::size_t i) { return beginning[i] == '\0'; };
  const auto is = [](const char* encoding, const char* name) {
    return std::string("is ") + encoding + ", not UTF-8; save it as \"CSV UTF-8\", or iconv -f " + name + " -t UTF-8";
  };
  if (beginning.substr(0, 4) == std::string_view("\xff\xfe\0\0", 4)) return is("UTF-32", "UTF-32");
  if (is_zero(0) && is_zero(1)) return is("UTF-32", "UTF-32");
  if (is_zero(2) && is_zero(3) && is_zero(1)) return is("UTF-32", "UTF-32LE");
  const bool is_utf16 = is_zero(0) == is_zero(2) && is_zero(1) == is_zero(3) && is_zero(0) != is_zero(1);
  if (!is_utf16) return "";
  return is_zero(0) ? is("UTF-16", "UTF-16BE") : is("UTF-16", "UTF-16LE");
}

}  // namespace skink::simulations
