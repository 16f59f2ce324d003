#include "host_flash.hpp"

#include <string.h>

#include "semihosting.hpp"
#include "skink/firmware/port.hpp"

namespace skink::firmware {
namespace {

constexpr uint32_t kStepBytes = 64;
constexpr uint32_t kProgramBytes = 8;

struct HostFlash {
  int file = -1;
  uint32_t sector_bytes = 0;
  uint32_t sectors = 0;
};

HostFlash flash;

bool is_inside(uint32_t address, size_t count) noexcept {
  const uint32_t size = flash.sector_bytes * flash.sectors;
  return flash.file >= 0 && address <= size && count <= size - address;
}

bool read_at(uint32_t address, void* out, size_t count) noexcept {
  return semihosting::seek(flash.file, address) && semihosting::read(flash.file, out, count);
}

bool write_at(uint32_t address, const void* bytes, size_t count) noexcept {
  return semihosting::seek(flash.file, address) && semihosting::write(flash.file, bytes, count);
}

Status read(void* /*context*/, uint32_t address, MutableBytes out) {
  if (!is_inside(address, out.size()) || !read_at(address, out.data(), out.size())) return Status::kUnavailable;
  return Status::kOk;
}

Status program(void* /*context*/, uint32_t address, Bytes bytes) {
  const bool is_whole = address % kProgramBytes == 0 && bytes.size() % kProgramBytes == 0;
  if (!is_inside(address, bytes.size()) || !is_whole) return Status::kUnavailable;
  for (size_t done = 0; done < bytes.size();) {
    uint8_t step[kStepBytes];
    const size_t count = bytes.size() - done < kStepBytes ? bytes.size() - done : kStepBytes;
    const auto at = static_cast<uint32_t>(address + done);
    if (!read_at(at, step, count)) return Status::kUnavailable;
    for (size_t i = 0; i < count; ++i) step[i] = static_cast<uint8_t>(step[i] & bytes[done + i]);
    if (!write_at(at, step, count)) return Status::kUnavailable;
    done += count;
  }
  return Status::kOk;
}

Status erase(void* /*context*/, uint32_t sector) {
  const uint32_t begin = sector * flash.sector_bytes;
  if (sector >= flash.sectors || !is_inside(begin, flash.sector_bytes)) return Status::kUnavailable;
  uint8_t ones[kStepBytes];
  memset(ones, 0xff, sizeof ones);
  for (uint32_t done = 0; done < flash.sector_bytes; done += kStepBytes) {
    if (!write_at(begin + done, ones, kStepBytes)) return Status::kUnavailable;
  }
  return Status::kOk;
}

}  // namespace

Flash open_host_flash(uint32_t sector_bytes, uint32_t sectors) noexcept {
  flash = {-1, sector_bytes, sectors};
  const char* path = semihosting::option("flash", "");
  if (*path != 0) {
    flash.file = semihosting::open(path, semihosting::Mode::kUpdate);
    if (flash.file < 0) flash.file = semihosting::open(path, semihosting::Mode::kCreate);
    // A file that a kill left short is a part whose rest was never written: erased.
    uint8_t ones[kStepBytes];
    memset(ones, 0xff, sizeof ones);
    const int32_t size = flash.file < 0 ? -1 : semihosting::length(flash.file);
    const uint32_t capacity = sector_bytes * sectors;
    for (uint32_t at = size < 0 ? capacity : static_cast<uint32_t>(size); at < capacity;) {
      const uint32_t count = kStepBytes - at % kStepBytes;
      if (!write_at(at, ones, count)) break;
      if (at % sector_bytes == 0) port::feed_watchdog();
      at += count;
    }
  }
  Flash result;
  result.sector_bytes = sector_bytes;
  result.sectors = sectors;
  result.program_bytes = kProgramBytes;
  result.read_function = &read;
  result.program_function = &program;
  result.erase_function = &erase;
  return result;
}

}  // namespace skink::firmware
