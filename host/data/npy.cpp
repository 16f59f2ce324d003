#include "skink/host/data/npy.hpp"

#include <bit>
#include <charconv>
#include <cstring>
#include <limits>
#include <optional>
#include <string_view>
#include <type_traits>

#include "skink/host/files/files.hpp"

namespace skink {
namespace {

static_assert(std::endian::native == std::endian::little, "values are copied, not converted");

constexpr std::string_view kMagic("\x93NUMPY", 6);
constexpr std::size_t kVersionEnd = 8;

/// What the text header says.
struct Header {
  std::string descr;
  bool is_fortran_order = false;
  std::vector<std::size_t> shape;
};

/// Reads the header's Python literal: {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }.
class HeaderParser {
 public:
  explicit HeaderParser(std::string_view text) : rest_(text) {}

  std::optional<Header> parse() {
    Header header;
    bool has_descr = false;
    bool has_order = false;
    bool has_shape = false;
    if (!take('{')) return std::nullopt;
    while (!take('}')) {
      const std::optional<std::string> key = text();
      if (!key || !take(':')) return std::nullopt;
      if (*key == "descr" && !has_descr) {
        has_descr = parse_descr(header);
        if (!has_descr) return std::nullopt;
      } else if (*key == "fortran_order" && !has_order) {
        has_order = parse_order(header);
        if (!has_order) return std::nullopt;
      } else if (*key == "shape" && !has_shape) {
        has_shape = parse_shape(header);
        if (!has_shape) return std::nullopt;
      } else {
        return std::nullopt;
      }
      if (!take(',') && peek() != '}') return std::nullopt;
    }
    if (peek() != '\0' || !has_descr || !has_order || !has_shape) return std::nullopt;
    return header;
  }

 private:
  void skip_blanks() {
    while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\n')) rest_.remove_prefix(1);
  }

  char peek() {
    skip_blanks();
    return rest_.empty() ? '\0' : rest_.front();
  }

  bool take(char wanted) {
    if (peek() != wanted) return false;
    rest_.remove_prefix(1);
    return true;
  }

  bool take_word(std::string_view word) {
    skip_blanks();
    if (rest_.substr(0, word.size()) != word) return false;
    rest_.remove_prefix(word.size());
    return true;
  }

  std::optional<std::string> text() {
    const char quote = peek();
    if (quote != '\'' && quote != '"') return std::nullopt;
    const std::size_t end = rest_.find(quote, 1);
    if (end == std::string_view::npos) return std::nullopt;
    std::string result(rest_.substr(1, end - 1));
    rest_.remove_prefix(end + 1);
    return result;
  }

  /// A list stands for a record of several fields, which nothing here can hold.
  bool parse_descr(Header& header) {
    if (peek() == '[') {
      const std::size_t end = rest_.rfind(']');
      if (end == std::string_view::npos) return false;
      header.descr = "a record";
      rest_.remove_prefix(end + 1);
      return true;
    }
    const std::optional<std::string> descr = text();
    header.descr = descr.value_or("");
    return descr.has_value();
  }

  bool parse_order(Header& header) {
    header.is_fortran_order = take_word("True");
    return header.is_fortran_order || take_word("False");
  }

  bool parse_shape(Header& header) {
    if (!take('(')) return false;
    while (!take(')')) {
      skip_blanks();
      std::size_t extent = 0;
      const auto parsed = std::from_chars(rest_.data(), rest_.data() + rest_.size(), extent);
      if (parsed.ec != std::errc()) return false;
      rest_.remove_prefix(static_cast<std::size_t>(parsed.ptr - rest_.data()));
      header.shape.push_back(extent);
      if (!take(',') && peek() != ')') return false;
    }
    return true;
  }

  std::string_view rest_;
};

Error refuse(Status status, const std::string& name, const std::string& reason) {
  return make_error(status, name + ": " + reason);
}

std::size_t little_endian(Bytes bytes) {
  std::size_t value = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) value = value << 8 | bytes[i];
  return value;
}

/// Product of the extents times the size of one value, or nothing when it exceeds the address space.
std::optional<std::size_t> bytes_of(const std::vector<std::size_t>& shape, std::size_t value_bytes) {
  std::size_t total = value_bytes;
  for (const std::size_t extent : shape) {
    if (extent != 0 && total > std::numeric_limits<std::size_t>::max() / extent) return std::nullopt;
    total *= extent;
  }
  return total;
}

template <class T>
Result<NpyArray> copy_values(Header header, Bytes data, const std::string& name) {
  const std::optional<std::size_t> wanted = bytes_of(header.shape, sizeof(T));
  const std::string shape = npy_shape_text(header.shape);
  if (!wanted || *wanted > data.size()) {
    return refuse(Status::kTruncated, name,
                  "truncated: shape " + shape + " needs " + (wanted ? std::to_string(*wanted) : "far too many") +
                      " bytes of values, the file has " + std::to_string(data.size()));
  }
  if (*wanted < data.size()) {
    return refuse(Status::kDamaged, name,
                  std::to_string(data.size() - *wanted) + " bytes too many for shape " + shape + ", written twice?");
  }
  std::vector<T> values(*wanted / sizeof(T));
  if (*wanted > 0) std::memcpy(values.data(), data.data(), *wanted);
  return NpyArray{std::move(header.shape), std::move(values)};
}

Result<NpyArray> read_values(Header header, Bytes data, const std::string& name) {
  if (header.is_fortran_order) {
    return refuse(Status::kUnsupported, name, "stored in Fortran order, save numpy.ascontiguousarray(array) instead");
  }
  const std::string& descr = header.descr;
  const bool has_order = !descr.empty() && std::string_view("<>|=").find(descr.front()) != std::string_view::npos;
  const std::string type = has_order ? descr.substr(1) : descr;
  if (has_order && descr.front() == '>' && type != "u1") {
    return refuse(Status::kUnsupported, name, "stored big-endian (" + descr + "), save it little-endian instead");
  }
  if (type == "u1") return copy_values<std::uint8_t>(std::move(header), data, name);
  if (type == "u2") return copy_values<std::uint16_t>(std::move(header), data, name);
  if (type == "i2") return copy_values<std::int16_t>(std::move(header), data, name);
  if (type == "f4") return copy_values<float>(std::move(header), data, name);
  return refuse(Status::kUnsupported, name, "holds " + descr + ", use u8, u16, i16 or float32");
}

}  // namespace

const char* npy_type_name(const NpyArray::Values& values) noexcept {
  switch (values.index()) {
    case 0: return "u8";
    case 1: return "u16";
    case 2: return "i16";
    default: return "float32";
  }
}

std::string npy_shape_text(const std::vector<std::size_t>& shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  return text + "]";
}

Result<NpyArray> parse_npy(Bytes content, const std::string& name) {
  if (content.size() < kMagic.size() || std::memcmp(content.data(), kMagic.data(), kMagic.size()) != 0) {
    return refuse(Status::kDamaged, name, "not a NumPy .npy file (wrong magic number)");
  }
  if (content.size() < kVersionEnd) return refuse(Status::kTruncated, name, "truncated in its header");
  const unsigned version = content[6];
  if (version < 1 || version > 3) {
    return refuse(Status::kNewerVersion, name,
                  ".npy format " + std::to_string(version) + " is unknown, known are 1..3");
  }
  const std::size_t length_bytes = version == 1 ? 2 : 4;
  const std::size_t header_begin = kVersionEnd + length_bytes;
  if (content.size() < header_begin) return refuse(Status::kTruncated, name, "truncated in its header");
  const std::size_t header_bytes = little_endian(content.subspan(kVersionEnd, length_bytes));
  if (content.size() - header_begin < header_bytes) return refuse(Status::kTruncated, name, "truncated in its header");
  const std::string text(content.begin() + header_begin, content.begin() + header_begin + header_bytes);
  std::optional<Header> header = HeaderParser(text).parse();
  if (!header) return refuse(Status::kDamaged, name, "its header is damaged");
  return read_values(std::move(*header),
                     content.subspan(header_begin + header_bytes, content.size() - header_begin - header_bytes), name);
}

Result<NpyArray> read_npy(const std::string& path) {
  const auto content = read_file(path);
  if (!content) return content.error();
  return parse_npy(bytes_of(*content), path);
}

}  // namespace skink
