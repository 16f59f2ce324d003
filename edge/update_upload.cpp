#include "skink/edge/internal/update_upload.hpp"

#include <string.h>

#include "skink/edge/config.hpp"

namespace skink::edge::internal {

void UpdateUpload::reset(const wire::Task& task) noexcept {
  begin_result(wire::id_of(task));
  repeated_bytes_ = 0;
  const bool is_smaller = task.chunk_bytes != 0 && task.chunk_bytes < SKINK_EDGE_CHUNK_BYTES;
  chunk_bytes_ = is_smaller ? task.chunk_bytes : SKINK_EDGE_CHUNK_BYTES;
}

void UpdateUpload::begin_result(const wire::RoundId& id) noexcept {
  result_ = {};
  result_.id = id;
}

void UpdateUpload::set_refused(wire::Refusal reason, size_t needed, size_t available) noexcept {
  begin_result(wire::RoundId(result_.id));
  result_.refusal = reason;
  result_.needed_bytes = static_cast<uint32_t>(needed);
  result_.available_bytes = static_cast<uint32_t>(available);
}

void UpdateUpload::set_evaluated(const wire::Evaluation& evaluation, uint32_t support_samples) noexcept {
  result_.outcome = wire::Outcome::kEvaluated;
  result_.support_samples = support_samples;
  result_.evaluation = evaluation;
}

void UpdateUpload::set_adapted(const wire::Task& task, uint32_t residual_round, uint32_t support_samples) noexcept {
  result_.outcome = wire::Outcome::kAdapted;
  result_.support_samples = support_samples;
  result_.total_bytes = static_cast<uint32_t>(encoder_.size());
  result_.chunk_count = (result_.total_bytes + chunk_bytes_ - 1) / chunk_bytes_;
  result_.residual_round = residual_round;
  memcpy(result_.uplink, task.uplink, sizeof result_.uplink);
}

Status UpdateUpload::encode_next(const wire::Identity& identity, MutableBytes out, size_t& written) noexcept {
  wire::PayloadSource payload;
  result_.repeated_model_bytes = repeated_bytes_;
  if (result_.outcome == wire::Outcome::kAdapted) {
    result_.offset = result_.chunk * chunk_bytes_;
    const uint32_t left = result_.total_bytes - result_.offset;
    payload = {this, &read_payload, left < chunk_bytes_ ? left : chunk_bytes_};
  }
  const Status status = wire::encode_update(result_, payload, identity, out, written);
  is_in_flight_ = status == Status::kOk;
  return status;
}

Status UpdateUpload::read_payload(void* context, MutableBytes out) noexcept {
  auto& upload = *static_cast<UpdateUpload*>(context);
  return upload.encoder_.read(upload.result_.offset, out);
}

}  // namespace skink::edge::internal
