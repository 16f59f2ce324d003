#include "skink/edge/residual.hpp"

namespace skink::edge {

void Residual::on_encoded(uint64_t run, uint32_t round) noexcept {
  is_open_ = true;
  open_run_ = run;
  open_round_ = round;
}

void Residual::settle(uint64_t run, uint32_t accepted_round, codec::Encoder& encoder) noexcept {
  const bool taken = is_open_ && run == open_run_ && accepted_round == open_round_ + 1;
  is_open_ = false;
  if (!taken) return;  // refused, late or lost: the old residual stays
  kept_ = encoder.leave(memory_) == Status::kOk;
  round_ = accepted_round;
}

void Residual::prepare(uint64_t run, uint32_t accepted_round, Span<float> memory) noexcept {
  const bool same = kept_ && run == run_ && accepted_round == round_ && memory.data() == memory_.data() &&
                    memory.size() == memory_.size();
  if (!same) {
    for (float& value : memory) value = 0.0F;
    round_ = 0;
  }
  memory_ = memory;
  run_ = run;
  kept_ = true;
}

}  // namespace skink::edge
