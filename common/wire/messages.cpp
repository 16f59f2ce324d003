#include "skink/common/wire/messages.hpp"

#include <pb_decode.h>
#include <pb_encode.h>
#include <string.h>

#include "skink/common/arithmetic/canary.hpp"
#include "wire/field_view.hpp"

namespace skink::wire {
namespace {

Bytes bytes_of(const char* text) noexcept { return {reinterpret_cast<const uint8_t*>(text), strlen(text)}; }

const char* channel_label(Channel channel) noexcept {
  switch (channel) {
    case Channel::kTask: return "skink/1/task";
    case Channel::kUpdate: return "skink/1/update";
    case Channel::kReply: return "skink/1/reply";
    case Channel::kState: return "skink/1/state";
    case Channel::kRelease: return "skink/1/release";
    case Channel::kRenewal: return "skink/1/renewal";
    case Channel::kCredentials: return "skink/1/credentials";
  }
  return "";
}

/// HMAC(key, label || 0 || device id || 0 || message), its first 16 bytes.
void authenticate(Channel channel, const Identity& identity, Bytes message,
                  uint8_t (&tag)[crypto::kTagBytes]) noexcept {
  static constexpr uint8_t kSeparator[1] = {0};
  const Bytes parts[] = {bytes_of(channel_label(channel)), Bytes(kSeparator), bytes_of(identity.device_id),
                         Bytes(kSeparator), message};
  const crypto::Digest digest = crypto::hmac_sha256(identity.key, parts);
  memcpy(tag, digest.bytes, crypto::kTagBytes);
}

Status append_tag(Channel channel, const Identity& identity, MutableBytes out, size_t& written) noexcept {
  if (out.size() - written < crypto::kTagBytes) return Status::kBufferTooSmall;
  uint8_t tag[crypto::kTagBytes];
  authenticate(channel, identity, out.first(written), tag);
  memcpy(out.data() + written, tag, crypto::kTagBytes);
  written += crypto::kTagBytes;
  return Status::kOk;
}

Status check_tag(Channel channel, const Identity& identity, Bytes bytes, Bytes& message) noexcept {
  if (bytes.size() < crypto::kTagBytes) return Status::kTruncated;
  message = bytes.first(bytes.size() - crypto::kTagBytes);
  uint8_t tag[crypto::kTagBytes];
  authenticate(channel, identity, message, tag);
  const bool agrees = crypto::equal_in_constant_time(tag, bytes.data() + message.size(), crypto::kTagBytes);
  return agrees ? Status::kOk : Status::kWrongAuthentication;
}

Status encode_fields(const pb_msgdesc_t* fields, const void* message, MutableBytes out, size_t& written) noexcept {
  pb_ostream_t stream = pb_ostream_from_buffer(out.data(), out.size());
  if (!pb_encode(&stream, fields, message)) return Status::kBufferTooSmall;
  written = stream.bytes_written;
  return Status::kOk;
}

Status decode_fields(const pb_msgdesc_t* fields, void* message, Bytes bytes) noexcept {
  pb_istream_t stream = pb_istream_from_buffer(bytes.data(), bytes.size());
  return pb_decode(&stream, fields, message) ? Status::kOk : Status::kDamaged;
}

/// A whole message with its code.
Status encode_sealed(Channel channel, const pb_msgdesc_t* fields, const void* message, const Identity& identity,
                     MutableBytes out, size_t& written) noexcept {
  const Status status = encode_fields(fields, message, out, written);
  return status == Status::kOk ? append_tag(channel, identity, out, written) : status;
}

/// Checks the code, then reads.
Status decode_sealed(Channel channel, const pb_msgdesc_t* fields, void* message, const Identity& identity,
                     Bytes bytes) noexcept {
  Bytes content;
  const Status status = check_tag(channel, identity, bytes, content);
  return status == Status::kOk ? decode_fields(fields, message, content) : status;
}

/// Appends the payload field, which its source writes where it stays.
Status append_payload(const PayloadSource& source, MutableBytes out, size_t& written) noexcept {
  if (source.size == 0) return Status::kOk;
  pb_ostream_t stream = pb_ostream_from_buffer(out.data() + written, out.size() - written);
  const bool fits = pb_encode_tag(&stream, PB_WT_STRING, skink_wire_Update_payload_tag) &&
                    pb_encode_varint(&stream, source.size) &&
                    source.size <= out.size() - written - stream.bytes_written;
  if (!fits) return Status::kBufferTooSmall;
  written += stream.bytes_written;
  const Status status = source.read(source.context, out.subspan(written, source.size));
  written += source.size;
  return status;
}

/// For pb_callback_t::funcs.encode, with Bytes as its argument; none are left out.
bool write_field(pb_ostream_t* stream, const pb_field_t* field, void* const* argument) noexcept {
  const Bytes& bytes = *static_cast<const Bytes*>(*argument);
  return bytes.empty() ||
         (pb_encode_tag_for_field(stream, field) && pb_encode_string(stream, bytes.data(), bytes.size()));
}

void read_into(pb_callback_t& field, internal::FieldView& view) noexcept {
  field.funcs.decode = &internal::find_field;
  field.arg = &view;
}

/// The number in an enumeration field. nanopb stores whatever came, and loading an unknown number as an enumeration
/// would be undefined.
template <class Enum>
uint32_t number_of(const Enum& field) noexcept {
  __underlying_type(Enum) number{};  // what std::underlying_type is made of; some toolchains have no libstdc++
  memcpy(&number, &field, sizeof number);
  return static_cast<uint32_t>(number);
}

/// Unknown numbers become 0, "unspecified", which nobody accepts.
template <class Enum>
void forget_unknown(Enum& field, Enum largest) noexcept {
  if (number_of(field) > number_of(largest)) field = Enum{};
}

/// Reasons may be added to the list later.
Refusal known_refusal(uint32_t number) noexcept {
  const bool is_of_device = number <= static_cast<uint32_t>(Refusal::kWrongCertificate);
  const bool is_of_update = number >= static_cast<uint32_t>(Refusal::kNotExpected) && number < kRefusalCount;
  return is_of_device || is_of_update ? static_cast<Refusal>(number) : Refusal::kOther;
}

bool is_known_outcome(uint32_t number) noexcept {
  return number >= static_cast<uint32_t>(Outcome::kAdapted) && number <= static_cast<uint32_t>(Outcome::kRefused);
}

}  // namespace

const char* refusal_text(Refusal refusal) noexcept {
  switch (refusal) {
    case Refusal::kNone: return "none";
    case Refusal::kVersionMismatch: return "version_mismatch";
    case Refusal::kAnotherRun: return "another_run";
    case Refusal::kLowerRound: return "lower_round";
    case Refusal::kInvalidTask: return "invalid_task";
    case Refusal::kUnknownCodec: return "unknown_codec";
    case Refusal::kWrongModelHash: return "wrong_model_hash";
    case Refusal::kUnusableModel: return "unusable_model";
    case Refusal::kDoesNotFit: return "does_not_fit";
    case Refusal::kNoData: return "no_data";
    case Refusal::kStorageFailed: return "storage_failed";
    case Refusal::kOlderRelease: return "older_release";
    case Refusal::kWrongSignature: return "wrong_signature";
    case Refusal::kWrongCertificate: return "wrong_certificate";
    case Refusal::kNotExpected: return "not_expected";
    case Refusal::kLate: return "late";
    case Refusal::kDuplicate: return "duplicate";
    case Refusal::kWrongShape: return "wrong_shape";
    case Refusal::kNotFinite: return "not_finite";
    case Refusal::kTooLarge: return "too_large";
    case Refusal::kMalformed: return "malformed";
    case Refusal::kWrongAuthentication: return "wrong_authentication";
    case Refusal::kUnknownDevice: return "unknown_device";
    case Refusal::kRevoked: return "revoked";
    case Refusal::kOther: return "other";
  }
  return "unknown";
}

bool has_own_arithmetic() noexcept { return arithmetic::check_floating_point() == arithmetic::Canary::kSound; }

Versions own_versions() noexcept {
  Versions versions = skink_wire_Versions_init_zero;
  versions.protocol = kProtocolVersion;
  versions.arithmetic = has_own_arithmetic() ? kArithmeticVersion : 0;
  versions.codec = kCodecVersion;
  return versions;
}

bool same_versions(const Versions& versions) noexcept {
  return versions.protocol == kProtocolVersion && versions.arithmetic == kArithmeticVersion &&
         versions.codec == kCodecVersion && has_own_arithmetic();
}

Status encode_state(const State& state, const Identity& identity, MutableBytes out, size_t& written) noexcept {
  return encode_sealed(Channel::kState, skink_wire_State_fields, &state, identity, out, written);
}

Status encode_task(const Task& task, const Identity& identity, MutableBytes out, size_t& written) noexcept {
  return encode_sealed(Channel::kTask, skink_wire_Task_fields, &task, identity, out, written);
}

Status encode_reply(const Reply& reply, const Identity& identity, MutableBytes out, size_t& written) noexcept {
  return encode_sealed(Channel::kReply, skink_wire_Reply_fields, &reply, identity, out, written);
}

Status encode_release(const Release& release, const Identity& identity, MutableBytes out, size_t& written) noexcept {
  return encode_sealed(Channel::kRelease, skink_wire_Release_fields, &release, identity, out, written);
}

Status encode_renewal(const Renewal& renewal, const Identity& identity, MutableBytes out, size_t& written) noexcept {
  skink_wire_Renewal message = skink_wire_Renewal_init_zero;
  Bytes authorities = renewal.authorities;
  Bytes certificate = renewal.certificate;
  message.number = renewal.number;
  message.authorities.funcs.encode = &write_field;
  message.authorities.arg = &authorities;
  message.certificate.funcs.encode = &write_field;
  message.certificate.arg = &certificate;
  return encode_sealed(Channel::kRenewal, skink_wire_Renewal_fields, &message, identity, out, written);
}

Status encode_credentials(const Credentials& credentials, const Identity& identity, MutableBytes out,
                          size_t& written) noexcept {
  skink_wire_Credentials message = skink_wire_Credentials_init_zero;
  Bytes request = credentials.request;
  message.number = credentials.number;
  message.certificate = credentials.certificate;
  message.authorities = credentials.authorities;
  message.request.funcs.encode = &write_field;
  message.request.arg = &request;
  message.reason = static_cast<skink_wire_Refusal>(credentials.reason);
  return encode_sealed(Channel::kCredentials, skink_wire_Credentials_fields, &message, identity, out, written);
}

Status encode_update(const Update& update, const PayloadSource& payload, const Identity& identity, MutableBytes out,
                     size_t& written) noexcept {
  skink_wire_Update message = skink_wire_Update_init_zero;
  message.run = update.id.run;
  message.round = update.id.round;
  message.attempt = update.id.attempt;
  message.outcome = static_cast<skink_wire_Outcome>(update.outcome);
  message.chunk = update.chunk;
  message.chunk_count = update.chunk_count;
  message.offset = update.offset;
  message.total_bytes = update.total_bytes;
  memcpy(message.uplink, update.uplink, sizeof message.uplink);
  message.support_samples = update.support_samples;
  message.has_evaluation = update.outcome == Outcome::kEvaluated;
  message.evaluation = update.evaluation;
  message.refusal = static_cast<skink_wire_Refusal>(update.refusal);
  message.needed_bytes = update.needed_bytes;
  message.available_bytes = update.available_bytes;
  message.residual_round = update.residual_round;
  message.repeated_model_bytes = update.repeated_model_bytes;
  Status status = encode_fields(skink_wire_Update_fields, &message, out, written);
  if (status == Status::kOk) status = append_payload(payload, out, written);
  return status == Status::kOk ? append_tag(Channel::kUpdate, identity, out, written) : status;
}

Status decode_state(Bytes bytes, const Identity& identity, State& state) noexcept {
  State message = skink_wire_State_init_zero;
  if (!bytes.empty()) {
    const Status status = decode_sealed(Channel::kState, skink_wire_State_fields, &message, identity, bytes);
    if (status != Status::kOk) return status;
  }
  message.release_reason = static_cast<skink_wire_Refusal>(known_refusal(number_of(message.release_reason)));
  forget_unknown(message.release_use, skink_wire_ReleaseUse_RELEASE_USE_NOT_JUDGED);
  state = message;
  return Status::kOk;
}

Status decode_task(Bytes bytes, const Identity& identity, Task& task) noexcept {
  Task message = skink_wire_Task_init_zero;
  const Status status = decode_sealed(Channel::kTask, skink_wire_Task_fields, &message, identity, bytes);
  forget_unknown(message.kind, skink_wire_TaskKind_TASK_KIND_PRESENCE);
  if (status == Status::kOk) task = message;
  return status;
}

Status decode_reply(Bytes bytes, const Identity& identity, Reply& reply) noexcept {
  Reply message = skink_wire_Reply_init_zero;
  const Status status = decode_sealed(Channel::kReply, skink_wire_Reply_fields, &message, identity, bytes);
  forget_unknown(message.verdict, skink_wire_Verdict_VERDICT_RESEND);
  message.reason = static_cast<skink_wire_Refusal>(known_refusal(number_of(message.reason)));
  if (status == Status::kOk) reply = message;
  return status;
}

Status decode_release(Bytes bytes, const Identity& identity, Release& release) noexcept {
  Release message = skink_wire_Release_init_zero;
  const Status status = decode_sealed(Channel::kRelease, skink_wire_Release_fields, &message, identity, bytes);
  if (status == Status::kOk) release = message;
  return status;
}

Status decode_renewal(Bytes bytes, const Identity& identity, Renewal& renewal) noexcept {
  Bytes content;
  Status status = check_tag(Channel::kRenewal, identity, bytes, content);
  if (status != Status::kOk) return status;
  skink_wire_Renewal message = skink_wire_Renewal_init_zero;
  internal::FieldView authorities{content, {}};
  internal::FieldView certificate{content, {}};
  read_into(message.authorities, authorities);
  read_into(message.certificate, certificate);
  status = decode_fields(skink_wire_Renewal_fields, &message, content);
  if (status == Status::kOk) renewal = {message.number, authorities.found, certificate.found};
  return status;
}

Status decode_credentials(Bytes bytes, const Identity& identity, Credentials& credentials) noexcept {
  Bytes content;
  Status status = check_tag(Channel::kCredentials, identity, bytes, content);
  if (status != Status::kOk) return status;
  skink_wire_Credentials message = skink_wire_Credentials_init_zero;
  internal::FieldView request{content, {}};
  read_into(message.request, request);
  status = decode_fields(skink_wire_Credentials_fields, &message, content);
  if (status != Status::kOk) return status;
  credentials = {message.number, message.certificate, message.authorities, request.found,
                 known_refusal(number_of(message.reason))};
  return status;
}

Status decode_update(Bytes bytes, const Identity& identity, Update& update, Bytes& payload) noexcept {
  Bytes content;
  Status status = check_tag(Channel::kUpdate, identity, bytes, content);
  if (status != Status::kOk) return status;
  skink_wire_Update message = skink_wire_Update_init_zero;
  internal::FieldView view{content, {}};
  read_into(message.payload, view);
  status = decode_fields(skink_wire_Update_fields, &message, content);
  if (status != Status::kOk) return status;
  if (!is_known_outcome(number_of(message.outcome))) return Status::kDamaged;
  const auto outcome = static_cast<Outcome>(message.outcome);
  if (outcome == Outcome::kEvaluated && !message.has_evaluation) return Status::kDamaged;
  update.id = {message.run, message.round, message.attempt};
  update.outcome = outcome;
  update.chunk = message.chunk;
  update.chunk_count = message.chunk_count;
  update.offset = message.offset;
  update.total_bytes = message.total_bytes;
  memcpy(update.uplink, message.uplink, sizeof update.uplink);
  update.support_samples = message.support_samples;
  update.evaluation = message.evaluation;
  update.refusal = known_refusal(number_of(message.refusal));
  update.needed_bytes = message.needed_bytes;
  update.available_bytes = message.available_bytes;
  update.residual_round = message.residual_round;
  update.repeated_model_bytes = message.repeated_model_bytes;
  payload = view.found;
  return Status::kOk;
}

}  // namespace skink::wire
