#pragma once
/// @file
/// Reading NumPy's .npy files, format 1.0 to 3.0: C order, little-endian u8, u16, i16 and float32. Total: any bytes
/// give an array or an error that names the file and the reason. Format: numpy.lib.format.

#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "skink/common/span.hpp"
#include "skink/host/result.hpp"

namespace skink {

/// An array as it is stored, in one of four number types.
struct NpyArray {
  using Values = std::variant<std::vector<std::uint8_t>, std::vector<std::uint16_t>, std::vector<std::int16_t>,
                              std::vector<float>>;
  std::vector<std::size_t> shape;  ///< empty for a single number
  Values values;                   ///< as many as the product of `shape`; row-major
};

/// The number type: "u8", "u16", "i16" or "float32". Static storage.
const char* npy_type_name(const NpyArray::Values& values) noexcept;

/// A shape for messages: "[3, 28, 28]".
std::string npy_shape_text(const std::vector<std::size_t>& shape);

/// Reads a whole file into memory.
/// @returns kUnavailable when the file cannot be read; kTruncated when it ends early; kDamaged when it is no .npy file,
///          its header is not well formed, or bytes follow the values; kNewerVersion for other format versions;
///          kUnsupported for other number types, byte orders, Fortran order, or a file above 16 GiB.
Result<NpyArray> read_npy(const std::string& path);

/// The same from memory; `content` is not kept, `name` stands for the file in messages.
/// @returns kTruncated, kDamaged, kNewerVersion or kUnsupported as above.
Result<NpyArray> parse_npy(Bytes content, const std::string& name);

}  // namespace skink
