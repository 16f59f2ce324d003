#ifndef SKINK_FIRMWARE_POSIX_PLATFORM_H
#define SKINK_FIRMWARE_POSIX_PLATFORM_H
/// @file
/// What a device of skink.h asks of a system with POSIX functions: time, entropy, flash that is a file. The link to the
/// broker is device_link.h. Runs on Linux; a port to Zephyr, ESP-IDF or lwIP keeps device_link.h and replaces what its system has
/// otherwise (docs/c-api.md).

#include "skink/skink.h"

#ifdef __cplusplus
extern "C" {
#endif

/// Milliseconds of a clock that never goes back.
uint64_t skink_posix_now_ms(void);

/// Fills `out` with bits that nobody can guess; waits for the system's generator at its start only.
/// @returns SKINK_OK; SKINK_UNAVAILABLE: the system has none, `out` is unspecified.
skink_status skink_posix_entropy(uint8_t* out, size_t count);

/// Flash in a file, as a NOR part is: erasing makes ones, programming only clears bits, and both are on the disk when
/// they return. Both go in small steps, so that a kill tears them as a power failure would.
typedef struct skink_flash_file {
  int file;  ///< descriptor; -1: closed
  uint32_t sector_bytes;
  uint32_t sectors;
} skink_flash_file;

/// Opens or makes the file; one process at a time has it. What a shorter file lacks is erased flash.
///
/// @param[out] flash_file    borrowed by `flash`
/// @param[in]  sector_bytes  a multiple of 64
/// @param[out] flash         with program_bytes 32; unchanged on errors
/// @returns SKINK_OK; SKINK_INVALID_ARGUMENT for sizes of 0 or above 2 GB; SKINK_UNAVAILABLE: it cannot be opened or
///          written, or another process has it.
skink_status skink_flash_file_open(skink_flash_file* flash_file, const char* path, uint32_t sector_bytes,
                                   uint32_t sectors, skink_flash* flash);

/// Closes it; harmless when it is closed.
void skink_flash_file_close(skink_flash_file* flash_file);

/// Reads a whole file.
///
/// @param[out] memory  [capacity], borrowed by `bytes`
/// @param[out] bytes   the file; unchanged on errors
/// @returns SKINK_OK; SKINK_UNAVAILABLE: it cannot be read; SKINK_BUFFER_TOO_SMALL: it is longer than `capacity`.
skink_status skink_read_file(const char* path, uint8_t* memory, size_t capacity, skink_bytes* bytes);

#ifdef __cplusplus
}
#endif
#endif
