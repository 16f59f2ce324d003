/// @file
/// What a board for the self-test lacks: identity, recording, release, storage, a watchdog. Entropy, time and the end
/// are the host's.

#include "semihosting.hpp"
#include "skink/firmware/port.hpp"

namespace skink::firmware::port {
namespace {

Flash no_flash;

}  // namespace

Status entropy(MutableBytes out) noexcept { return semihosting::entropy(out); }
Status wall_time(int64_t& unix_seconds) noexcept { return semihosting::wall_time(unix_seconds); }
void feed_watchdog() noexcept {}
ResetReason reset_reason() noexcept { return ResetReason::kPowerOn; }
void restart(ResetReason /*reason*/) noexcept { semihosting::exit(1); }
void finish(Verdict verdict) noexcept { semihosting::exit(verdict == Verdict::kPassed ? 0 : 1); }
Bytes identity_partition() noexcept { return {}; }
Bytes recording_partition() noexcept { return {}; }
Bytes release_partition() noexcept { return {}; }
Flash& storage() noexcept { return no_flash; }

}  // namespace skink::firmware::port
