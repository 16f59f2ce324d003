#include "skink/edge/internal/update_upload.hpp"

#include <string.h>

namespace skink::edge::internal {
namespace {

constexpr uint32_t kSlowMs = 4000;
constexpr uint32_t kFastMs = 1000;
constexpr uint32_t kLeastBytes = 256;

}  // namespace

void UpdateUpload::reset(const wire::Task& task) noexcept {
  begin_result(wire::id_of(task));
  repeated_bytes_ = 0;
  const bool is_smaller = task.chunk_bytes != 0 && task.chunk_bytes < SKINK_EDGE_CHUNK_BYTES;
  most_bytes_ = is_smaller ? task.chunk_bytes : SKINK_EDGE_CHUNK_BYTES;
}

void UpdateUpload::begin_result(const wire::RoundId& id) noexcept {
  result_ = {};
  result_.id = id;
  is_uncut_ = true;
  is_in_flight_ = false;  // what leaves the outbox next is of the result before
  losses_ = 0;
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
  result_.residual_round = residual_round;
  memcpy(result_.uplink, task.uplink, sizeof result_.uplink);
}

bool UpdateUpload::seek(uint32_t chunk) noexcept {
  if (is_uncut_) {
    cut();
    chunk = 0;
  }
  if (chunk >= result_.chunk_count) return false;
  result_.chunk = chunk;
  is_in_flight_ = false;  // whatever leaves the outbox next is no progress
  return true;
}

/// As nothing of it was acknowledged yet, or all of it begins anew.
void UpdateUpload::cut() noexcept {
  if (result_.total_bytes == 0) return;
  chunk_bytes_ = most_bytes_ >> halvings_;
  if (chunk_bytes_ < kLeastBytes) chunk_bytes_ = most_bytes_ < kLeastBytes ? most_bytes_ : kLeastBytes;
  result_.chunk_count = (result_.total_bytes + chunk_bytes_ - 1) / chunk_bytes_;
}

void UpdateUpload::shrink() noexcept {
  if ((most_bytes_ >> halvings_) > kLeastBytes) ++halvings_;
}

void UpdateUpload::on_disconnected() noexcept {
  if (!is_in_flight_) return;
  is_in_flight_ = false;
  shrink();
  if (++losses_ > 1) is_uncut_ = true;  // the same chunk again: all of it in smaller ones
}

bool UpdateUpload::on_published(uint64_t now_ms) noexcept {
  if (!is_in_flight_) return false;
  is_in_flight_ = false;
  losses_ = 0;
  if (is_uncut_) {
    const uint32_t took_ms = static_cast<uint32_t>(now_ms) - sent_ms_;
    if (took_ms > kSlowMs) shrink();
    if (took_ms < kFastMs && result_.total_bytes != 0 && halvings_ > 0) --halvings_;
  }
  is_uncut_ = false;
  ++result_.chunk;
  return true;
}

Status UpdateUpload::encode_next(const wire::Identity& identity, uint64_t now_ms, MutableBytes out,
                                 size_t& written) noexcept {
  wire::PayloadSource payload;
  result_.repeated_model_bytes = repeated_bytes_;
  if (result_.outcome == wire::Outcome::kAdapted) {
    result_.offset = result_.chunk * chunk_bytes_;
    const uint32_t left = result_.total_bytes - result_.offset;
    payload = {this, &read_payload, left < chunk_bytes_ ? left : chunk_bytes_};
  }
  const Status status = wire::encode_update(result_, payload, identity, out, written);
  is_in_flight_ = status == Status::kOk;
  sent_ms_ = static_cast<uint32_t>(now_ms);
  return status;
}

Status UpdateUpload::read_payload(void* context, MutableBytes out) noexcept {
  auto& upload = *static_cast<UpdateUpload*>(context);
  return upload.encoder_.read(upload.result_.offset, out);
}

}  // namespace skink::edge::internal
