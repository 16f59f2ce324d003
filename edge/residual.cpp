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
  tag_.version = accepted_round;
  kept_ = leave(encoder) == Status::kOk;
}

Status Residual::leave(codec::Encoder& encoder) noexcept {
  if (!memory_.empty()) return encoder.leave(memory_);
  Status status = store_.begin(store_.context, tag_.numbers);
  if (status == Status::kOk) status = encoder.leave(codec::NumberSink{store_.context, store_.write});
  return status == Status::kOk ? store_.commit(store_.context, tag_) : status;
}

void Residual::prepare(const VectorTag& tag, Span<float> memory) noexcept {
  if (memory.empty()) {
    memory_ = {};
    VectorTag found;
    const bool is_there = store_.find(store_.context, found) && found == tag;
    tag_ = tag;
    if (!is_there) tag_.version = 0;
    return;
  }
  const bool is_there = kept_ && tag == tag_ && memory.data() == memory_.data();
  tag_ = tag;
  if (!is_there) {
    for (float& value : memory) value = 0.0F;
    tag_.version = 0;
  }
  memory_ = memory;
  kept_ = true;
}

void Residual::add_to(codec::Change& change) const noexcept {
  if (!memory_.empty()) {
    change.residual = memory_.data();
  } else if (tag_.version != 0) {
    change.stored_residual = {store_.context, store_.read};
  }
}

}  // namespace skink::edge
