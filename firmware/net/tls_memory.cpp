#include "skink/firmware/net/tls_memory.hpp"

#include <mbedtls/entropy.h>
#include <mbedtls/memory_buffer_alloc.h>
#include <mbedtls/platform.h>
#include <stdio.h>

#include "skink/firmware/entropy.hpp"
#include "skink/firmware/net/clock.hpp"
#include "skink/firmware/port.hpp"

/// Bytes for all of mbedTLS. Less than about 14 KB fails in the handshake, and looks like a certificate that is not
/// trusted.
#ifndef SKINK_TLS_HEAP_BYTES
#define SKINK_TLS_HEAP_BYTES 16384
#endif

namespace skink::firmware::tls_memory {
namespace {

alignas(8) unsigned char memory[SKINK_TLS_HEAP_BYTES];

}  // namespace

void initialize() noexcept {
  mbedtls_memory_buffer_alloc_init(memory, sizeof memory);
  (void)mbedtls_platform_set_time([](mbedtls_time_t* out) {
    const auto now = static_cast<mbedtls_time_t>(clock::now_s());
    if (out != nullptr) *out = now;
    return now;
  });
  (void)mbedtls_platform_set_exit([](int /*status*/) { port::restart(ResetReason::kFault); });
}

size_t peak_bytes() noexcept {
  size_t used = 0;
  size_t blocks = 0;
  mbedtls_memory_buffer_alloc_max_get(&used, &blocks);
  return used;
}

size_t total_bytes() noexcept { return sizeof memory; }

}  // namespace skink::firmware::tls_memory

extern "C" int mbedtls_hardware_poll(void* /*context*/, unsigned char* out, size_t count, size_t* written) {
  if (skink::firmware::draw_entropy({out, count}) != skink::Status::kOk) return MBEDTLS_ERR_ENTROPY_SOURCE_FAILED;
  *written = count;
  return 0;
}
