#include "skink/edge/internal/update_upload.hpp"

#include <string.h>

namespace skink::edge::internal {
namespace {

constexpr uint32_t kSlowMs = 4000;
constexpr uint32_t kFastMs = 1000;
constexpr uint32_t kLeastBytes = 256;

/// How often chunks may be halved.
constexpr uint8_t most_halvings() noexcept {
  uint8_t halvings = 0;
  while ((uint32_t{SKINK_EDGE_CHUNK_BYTES} >> (halvings + 1)) >= kLeastBytes) ++halvings;
  return halvings;
}

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
  if (chunk == 0) cut();
  if (chunk >= result_.chunk_count) return false;
  result_.chunk = chunk;
  is_in_flight_ = false;  // whatever leaves the outbox next is no progress
  return true;
}

void UpdateUpload::cut() noexcept {
  if (result_.total_bytes == 0) return;
  const uint32_t carried = uint32_t{SKINK_EDGE_CHUNK_BYTES} >> halvings_;
  chunk_bytes_ = most_bytes_ < carried ? most_bytes_ : carried;
  result_.chunk_count = (result_.total_bytes + chunk_bytes_ - 1) / chunk_bytes_;
}

void UpdateUpload::follow_link(uint32_t took_ms) noexcept {
  if (result_.total_bytes == 0) return;
  if (took_ms > kSlowMs && halvings_ < most_halvings()) ++halvings_;
  if (took_ms < kFastMs && halvings_ > 0) --halvings_;
}

void UpdateUpload::on_disconnected() noexcept {
  if (is_in_flight_) follow_link(UINT32_MAX);
  is_in_flight_ = false;
}

bool UpdateUpload::on_published(uint64_t now_ms) noexcept {
  if (!is_in_flight_) return false;
  is_in_flight_ = false;
  if (result_.chunk++ == 0) follow_link(static_cast<uint32_t>(now_ms) - sent_ms_);
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
