#include "skink/edge/internal/retry_timer.hpp"

#include "skink/common/arithmetic/philox.hpp"

namespace skink::edge::internal {

void RetryTimer::arm(uint64_t now_ms, uint32_t round) noexcept {
  const uint64_t doubled = uint64_t{first_ms_} << (retries_ < 16 ? retries_ : 16);
  const uint32_t wait = doubled < limit_ms_ ? static_cast<uint32_t>(doubled) : limit_ms_;
  const auto purpose = static_cast<uint32_t>(arithmetic::Purpose::kNetwork);
  const uint32_t word = arithmetic::philox(seed_, retries_, purpose, round, 0).words[0];
  wake_ms_ = now_ms + wait + word % (wait / 4 + 1);
}

}  // namespace skink::edge::internal
