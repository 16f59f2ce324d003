#include "archive_format.hpp"

#include <algorithm>
#include <cstring>

namespace skink::backup {
namespace {

// Where fields begin, and how long they are: IEEE 1003.1-1988, 10.1.1.
struct Field {
  std::size_t at;
  std::size_t bytes;
};
constexpr Field kName{0, 100};
constexpr Field kMode{100, 8};
constexpr Field kSize{124, 12};
constexpr Field kSum{148, 8};
constexpr std::size_t kKind = 156;
constexpr Field kMagic{kArchiveMarkAt, kArchiveMark.size()};
constexpr Field kPrefix{345, 155};
constexpr std::size_t kMostNameBytes = 255;
constexpr std::size_t kMostParts = 8;

void put_text(Block& block, Field field, std::string_view text) {
  std::copy(text.begin(), text.end(), block.begin() + static_cast<std::ptrdiff_t>(field.at));
}

/// Octal digits, then a zero.
void put_number(Block& block, Field field, std::uint64_t value) {
  for (std::size_t i = field.bytes - 1; i-- > 0; value >>= 3) {
    block[field.at + i] = static_cast<char>('0' + (value & 7));
  }
}

bool take_number(const Block& block, Field field, std::uint64_t& value) {
  value = 0;
  for (std::size_t i = 0; i + 1 < field.bytes; ++i) {
    const char c = block[field.at + i];
    if (c < '0' || c > '7') return false;
    value = value * 8 + static_cast<std::uint64_t>(c - '0');
  }
  return block[field.at + field.bytes - 1] == '\0';
}

std::string take_text(const Block& block, Field field) {
  const char* begin = block.data() + field.at;
  return {begin, std::find(begin, begin + field.bytes, '\0')};
}

/// As if the sum's own field were blanks.
std::uint64_t sum_of(const Block& block) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < block.size(); ++i) {
    const bool is_sum = i >= kSum.at && i < kSum.at + kSum.bytes;
    sum += static_cast<unsigned char>(is_sum ? ' ' : block[i]);
  }
  return sum;
}

}  // namespace

bool is_archive_name(std::string_view name) {
  const bool is_text =
      !name.empty() && name.size() <= kMostNameBytes && std::none_of(name.begin(), name.end(), [](char c) {
        return static_cast<unsigned char>(c) < ' ' || c == '\x7f' || c == '\\';
      });
  std::size_t parts = 0;
  for (std::size_t begin = 0; is_text; ++parts) {
    const std::size_t end = std::min(name.find('/', begin), name.size());
    const std::string_view part = name.substr(begin, end - begin);
    if (part.empty() || part == "." || part == ".." || part.size() > kName.bytes || parts == kMostParts) return false;
    if (end == name.size()) return true;
    begin = end + 1;
  }
  return false;
}

bool write_header(const ArchivedFile& file, Block& block) {
  block.fill('\0');
  if (!is_archive_name(file.name) || file.bytes > kMostFileBytes) return false;
  std::size_t split = 0;  // of the name: what is before goes to the prefix
  if (file.name.size() > kName.bytes) {
    split = file.name.find('/', file.name.size() - kName.bytes - 1);
    if (split == std::string::npos || split > kPrefix.bytes) return false;
    put_text(block, kPrefix, std::string_view(file.name).substr(0, split));
    ++split;
  }
  put_text(block, kName, std::string_view(file.name).substr(split));
  put_number(block, kMode, file.readers == Readers::kOwner ? 0600 : 0644);
  put_number(block, {108, 8}, 0);  // user and group
  put_number(block, {116, 8}, 0);
  put_number(block, kSize, file.bytes);
  put_number(block, {136, 12}, 0);  // time: the manifest has one
  block[kKind] = '0';
  put_text(block, kMagic, kArchiveMark);
  put_number(block, {kSum.at, kSum.bytes - 1}, sum_of(block));
  block[kSum.at + kSum.bytes - 1] = ' ';
  return true;
}

Status read_header(const Block& block, ArchivedFile& file) {
  std::uint64_t mode = 0;
  const std::string prefix = take_text(block, kPrefix);
  file.name = (prefix.empty() ? "" : prefix + "/") + take_text(block, kName);
  if (!take_number(block, kMode, mode) || !take_number(block, kSize, file.bytes)) return Status::kDamaged;
  if (mode != 0600 && mode != 0644) return Status::kDamaged;
  file.readers = mode == 0600 ? Readers::kOwner : Readers::kEverybody;
  // The same block again: whatever else it has (a link, a folder, a device, a field of GNU tar) makes it another one.
  Block again{};
  const bool same = write_header(file, again) && again == block;
  return same ? Status::kOk : Status::kDamaged;
}

bool is_zero(const Block& block) {
  return std::all_of(block.begin(), block.end(), [](char c) { return c == '\0'; });
}

}  // namespace skink::backup
