#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "skink/firmware/posix/platform.h"

namespace {

constexpr size_t kStepBytes = 64;
constexpr uint32_t kProgramBytes = 32;  ///< each waits for the disk: fewer are faster
constexpr uint64_t kMostBytes = 1ULL << 31;
constexpr int kFailed = 1;

const skink_flash_file& of(void* context) noexcept { return *static_cast<const skink_flash_file*>(context); }

bool is_inside(const skink_flash_file& flash, uint64_t address, size_t count) noexcept {
  const uint64_t size = uint64_t{flash.sector_bytes} * flash.sectors;
  return flash.file >= 0 && address <= size && count <= size - address;
}

bool read_at(int file, uint64_t address, uint8_t* out, size_t count) noexcept {
  for (size_t done = 0; done < count;) {
    const ssize_t got = pread(file, out + done, count - done, static_cast<off_t>(address + done));
    if (got == 0 || (got < 0 && errno != EINTR)) return false;
    if (got > 0) done += static_cast<size_t>(got);
  }
  return true;
}

bool write_at(int file, uint64_t address, const uint8_t* bytes, size_t count) noexcept {
  for (size_t done = 0; done < count;) {
    const ssize_t put = pwrite(file, bytes + done, count - done, static_cast<off_t>(address + done));
    if (put < 0 && errno != EINTR) return false;
    if (put > 0) done += static_cast<size_t>(put);
  }
  return true;
}

int read_flash(void* context, uint32_t address, uint8_t* out, size_t count) {
  const skink_flash_file& flash = of(context);
  return is_inside(flash, address, count) && read_at(flash.file, address, out, count) ? 0 : kFailed;
}

int program_flash(void* context, uint32_t address, const uint8_t* bytes, size_t count) {
  const skink_flash_file& flash = of(context);
  if (!is_inside(flash, address, count) || address % kProgramBytes != 0 || count % kProgramBytes != 0) return kFailed;
  for (size_t done = 0; done < count;) {
    uint8_t step[kStepBytes];
    const size_t part = count - done < kStepBytes ? count - done : kStepBytes;
    if (!read_at(flash.file, uint64_t{address} + done, step, part)) return kFailed;
    for (size_t i = 0; i < part; ++i) step[i] = static_cast<uint8_t>(step[i] & bytes[done + i]);
    if (!write_at(flash.file, uint64_t{address} + done, step, part)) return kFailed;
    done += part;
  }
  return fdatasync(flash.file) == 0 ? 0 : kFailed;
}

/// Ones from `address` to `end`.
bool fill(int file, uint64_t address, uint64_t end) noexcept {
  uint8_t ones[kStepBytes];
  memset(ones, 0xff, sizeof ones);
  while (address < end) {
    const uint64_t part = end - address < kStepBytes ? end - address : kStepBytes;
    if (!write_at(file, address, ones, static_cast<size_t>(part))) return false;
    address += part;
  }
  return fdatasync(file) == 0;
}

int erase_flash(void* context, uint32_t sector) {
  const skink_flash_file& flash = of(context);
  const uint64_t begin = uint64_t{sector} * flash.sector_bytes;
  if (!is_inside(flash, begin, flash.sector_bytes)) return kFailed;
  return fill(flash.file, begin, begin + flash.sector_bytes) ? 0 : kFailed;
}

}  // namespace

skink_status skink_flash_file_open(skink_flash_file* flash_file, const char* path, uint32_t sector_bytes,
                                   uint32_t sectors, skink_flash* flash) {
  flash_file->file = -1;
  const uint64_t size = uint64_t{sector_bytes} * sectors;
  if (size == 0 || size > kMostBytes || sector_bytes % kStepBytes != 0) return SKINK_INVALID_ARGUMENT;
  const int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) return SKINK_UNAVAILABLE;
  struct stat found {};
  const bool is_ours = flock(file, LOCK_EX | LOCK_NB) == 0 && fstat(file, &found) == 0;
  const bool is_whole = is_ours && fill(file, static_cast<uint64_t>(found.st_size), size);
  if (!is_whole) {
    (void)close(file);
    return SKINK_UNAVAILABLE;
  }
  *flash_file = {file, sector_bytes, sectors};
  *flash = {flash_file, sector_bytes, sectors, kProgramBytes, nullptr, &read_flash, &program_flash, &erase_flash};
  return SKINK_OK;
}

void skink_flash_file_close(skink_flash_file* flash_file) {
  if (flash_file->file >= 0) (void)close(flash_file->file);
  flash_file->file = -1;
}

skink_status skink_read_file(const char* path, uint8_t* memory, size_t capacity, skink_bytes* bytes) {
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return SKINK_UNAVAILABLE;
  struct stat found {};
  skink_status status = fstat(file, &found) == 0 && S_ISREG(found.st_mode) ? SKINK_OK : SKINK_UNAVAILABLE;
  const auto count = static_cast<size_t>(found.st_size);
  if (status == SKINK_OK && count > capacity) status = SKINK_BUFFER_TOO_SMALL;
  if (status == SKINK_OK && !read_at(file, 0, memory, count)) status = SKINK_UNAVAILABLE;
  (void)close(file);
  if (status == SKINK_OK) *bytes = {memory, count};
  return status;
}
