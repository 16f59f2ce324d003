/// @file
/// Storage in the flash that holds the code too. While the chip erases or programs it cannot be read, so nothing may
/// run from it: the SDK's functions stand in RAM, and interrupts wait. The ROM waits for the chip; if that never
/// answers, the watchdog does.

#include <hardware/flash.h>
#include <hardware/sync.h>
#include <string.h>

#include "ports/rp2/rp2.hpp"
#include "skink/firmware/port.hpp"

namespace skink::firmware {
namespace {

static_assert(rp2::kSectorBytes == FLASH_SECTOR_SIZE, "the ROM erases sectors");

/// Past the cache, which a write does not change.
Status read(void* /*context*/, uint32_t address, MutableBytes out) {
  const auto* from = reinterpret_cast<const uint8_t*>(XIP_NOCACHE_NOALLOC_BASE + rp2::kStorageOffset + address);
  memcpy(out.data(), from, out.size());
  return Status::kOk;
}

/// The ROM programs pages; bytes that stay ones are left as they are.
Status program(void* /*context*/, uint32_t address, Bytes bytes) {
  static uint8_t page[FLASH_PAGE_SIZE];
  for (size_t done = 0; done < bytes.size();) {
    const uint32_t at = address + static_cast<uint32_t>(done);
    const uint32_t inside = at % FLASH_PAGE_SIZE;
    const size_t room = FLASH_PAGE_SIZE - inside;
    const size_t count = bytes.size() - done < room ? bytes.size() - done : room;
    memset(page, 0xff, sizeof page);
    memcpy(page + inside, bytes.data() + done, count);
    const uint32_t interrupts = save_and_disable_interrupts();
    flash_range_program(rp2::kStorageOffset + at - inside, page, sizeof page);
    restore_interrupts(interrupts);
    done += count;
  }
  return Status::kOk;
}

/// 45 ms mostly, at most 400 ms: a slot of 60 sectors is erased in a row.
Status erase(void* /*context*/, uint32_t sector) {
  port::feed_watchdog();
  const uint32_t interrupts = save_and_disable_interrupts();
  flash_range_erase(rp2::kStorageOffset + sector * rp2::kSectorBytes, rp2::kSectorBytes);
  restore_interrupts(interrupts);
  return Status::kOk;
}

}  // namespace

Flash& port::storage() noexcept {
  static Flash flash = [] {
    Flash part;
    part.sector_bytes = rp2::kSectorBytes;
    part.sectors = rp2::kStorageSectors;
    part.program_bytes = 4;
    part.mapped = reinterpret_cast<const uint8_t*>(XIP_BASE + rp2::kStorageOffset);
    part.read_function = &read;
    part.program_function = &program;
    part.erase_function = &erase;
    return part;
  }();
  return flash;
}

void rp2::unique_id(MutableBytes out) noexcept {
  uint8_t id[FLASH_UNIQUE_ID_SIZE_BYTES] = {};
  const uint32_t interrupts = save_and_disable_interrupts();
  flash_get_unique_id(id);
  restore_interrupts(interrupts);
  memcpy(out.data(), id, out.size() < sizeof id ? out.size() : sizeof id);
}

}  // namespace skink::firmware
