#include "skink/firmware/credential_store.hpp"

#include <string.h>

namespace skink::firmware {
namespace {

constexpr uint32_t kAttempts = 3;                 ///< with the new ones, then as many with the old ones
constexpr uint64_t kRetryMs = 60ULL * 60 * 1000;  ///< connected with the old ones: until the new ones are tried again

uint64_t prefix_of_bytes(Bytes bytes) noexcept { return crypto::prefix_of(crypto::sha256(bytes)); }

}  // namespace

template <size_t kSize>
bool CredentialStore::Part<kSize>::set(Bytes from) noexcept {
  if (from.size() > kSize) return false;
  count = static_cast<uint32_t>(from.size());
  if (!from.empty()) memcpy(bytes, from.data(), from.size());
  return true;
}

// ---- flash ----------------------------------------------------------------------------------------------------------

Status CredentialStore::open(Flash& flash, uint32_t first_sector, uint32_t slot_sectors,
                             const CredentialConfig& config) noexcept {
  static_assert(sizeof(Record) <= 4032, "a sector of 4 KB, as the contract says");
  config_ = config;
  flash_ = &flash;
  first_sector_ = first_sector;
  slot_sectors_ = slot_sectors;
  const Bytes parts[] = {{reinterpret_cast<const uint8_t*>(config.device_id), strlen(config.device_id)},
                         config.factory.certificate,
                         config.factory.authorities};
  identity_ = crypto::prefix_of(crypto::hmac_sha256(config.key, parts));
  const Status status = slots_.open(flash, first_sector, slot_sectors);
  if (status != Status::kOk) return status;
  if (slots_.capacity() < sizeof(Record)) return Status::kBufferTooSmall;
  read_record();
  return Status::kOk;
}

void CredentialStore::clear() noexcept {
  memset(&record_, 0, sizeof record_);
  record_.version = 1;
  record_.identity = identity_;
}

/// The digest is over all of it, so what was written is what is read, or nothing. A write that failed has made the
/// store forget the slot that is whole: it looks for it again.
void CredentialStore::read_record() noexcept {
  clear();
  ++generation_;
  if (slots_.open(*flash_, first_sector_, slot_sectors_) != Status::kOk) return;
  if (!slots_.has_model() || slots_.model_bytes() != sizeof(Record)) return;
  const MutableBytes bytes{reinterpret_cast<uint8_t*>(&record_), sizeof record_};
  const bool is_whole = slots_.read_whole(0, bytes) == Status::kOk && crypto::sha256(bytes) == slots_.digest() &&
                        record_.version == 1 && record_.identity == identity_;
  if (!is_whole) clear();
}

Status CredentialStore::save() noexcept {
  const Bytes bytes{reinterpret_cast<const uint8_t*>(&record_), sizeof record_};
  Status status = slots_.begin(sizeof(Record));
  if (status == Status::kOk) status = slots_.write(0, bytes, ChunkPart::kEnd);
  if (status == Status::kOk) status = slots_.commit(crypto::sha256(bytes), sizeof(Record));
  return status;
}

// ---- connecting -----------------------------------------------------------------------------------------------------

bool CredentialStore::uses_next() const noexcept {
  return record_.phase == Phase::kOnTrial && failures_ / kAttempts % 2 == 0;
}

CredentialView CredentialStore::view_of(bool is_next) const noexcept {
  const Set& current = record_.current;
  CredentialView view = config_.factory;
  if (current.authorities.count != 0) view.authorities = current.authorities.view();
  if (current.certificate.count != 0) {
    view.certificate = current.certificate.view();
    view.private_key = current.key.view();
  }
  if (!is_next) return view;
  if (record_.next.authorities.count != 0) view.authorities = record_.next.authorities.view();
  view.certificate = record_.next.certificate.view();
  view.private_key = record_.next.key.view();
  return view;
}

CredentialView CredentialStore::in_use() const noexcept { return view_of(uses_next()); }

void CredentialStore::on_failed() noexcept {
  if (record_.phase != Phase::kOnTrial) return;
  ++failures_;
  if (failures_ % kAttempts == 0) ++generation_;
}

void CredentialStore::on_connected(uint64_t now_ms) noexcept {
  connected_certificate_ = prefix_of_bytes(in_use().certificate);
  retry_ms_ = 0;
  if (uses_next()) {
    confirm();
  } else if (record_.phase == Phase::kOnTrial) {
    failures_ = kAttempts;  // the next attempts are with the old ones too
    retry_ms_ = now_ms + kRetryMs;
  }
  connected_generation_ = generation_;
  is_connected_ = true;
  is_subscribed_ = false;
  is_due_ = false;  // the broker hands a renewal that stands over again
  is_publishing_ = false;
}

void CredentialStore::on_disconnected() noexcept {
  is_connected_ = false;
  is_publishing_ = false;
  retry_ms_ = 0;
}

void CredentialStore::on_time(uint64_t now_ms) noexcept {
  if (retry_ms_ == 0 || now_ms < retry_ms_) return;
  retry_ms_ = 0;
  failures_ = 0;
  ++generation_;
}

/// The new ones take the place of the old ones. What flash does not take is tried again with the next connection.
void CredentialStore::confirm() noexcept {
  Set& next = record_.next;
  if (next.authorities.count == 0) {
    next.authorities = record_.current.authorities;
    next.authorities_number = record_.current.authorities_number;
  }
  record_.current = next;
  memset(&next, 0, sizeof next);
  record_.phase = Phase::kIdle;
  reason_ = wire::Refusal::kNone;
  ++generation_;  // TLS may hold on to where they lay
  if (save() == Status::kOk) {
    ++renewals_;
  } else {
    read_record();
    reason_ = wire::Refusal::kStorageFailed;
  }
}

// ---- renewals -------------------------------------------------------------------------------------------------------

void CredentialStore::on_renewal(size_t bytes) noexcept {
  if (bytes == 0) {
    is_due_ = false;
    return;
  }
  wire::Renewal renewal;
  if (wire::decode_renewal({message_, bytes}, identity(), renewal) != Status::kOk) return;
  is_due_ = true;
  asked_ = renewal.number > record_.number ? renewal.number : record_.number;
  if (renewal.number > record_.number) {
    begin(renewal);
  } else if (renewal.number == record_.number && record_.phase == Phase::kRequested && !renewal.certificate.empty()) {
    take_certificate(renewal.certificate);
  }
}

/// A new key; the request for its certificate is the answer. The number counts only when that is in flash.
void CredentialStore::begin(const wire::Renewal& renewal) noexcept {
  const bool was_on_trial = uses_next();
  memset(&record_.next, 0, sizeof record_.next);
  wire::Refusal reason = wire::Refusal::kNone;
  if (!renewal.authorities.empty()) reason = take_authorities(renewal.authorities);
  if (reason == wire::Refusal::kNone) reason = make_key();
  if (reason != wire::Refusal::kNone) {
    refuse(reason);
    return;
  }
  record_.number = renewal.number;
  record_.phase = Phase::kRequested;
  if (save() != Status::kOk) {
    refuse(wire::Refusal::kStorageFailed);
    return;
  }
  reason_ = wire::Refusal::kNone;
  if (was_on_trial) ++generation_;
}

wire::Refusal CredentialStore::take_authorities(Bytes signed_authorities) noexcept {
  provisioning::Release release;
  const Status status = provisioning::read_release(signed_authorities, config_.release_key, release);
  if (status == Status::kBufferTooSmall) return wire::Refusal::kDoesNotFit;
  if (status != Status::kOk || release.kind != provisioning::ReleaseKind::kAuthorities) {
    return wire::Refusal::kWrongSignature;
  }
  if (release.number < record_.current.authorities_number) return wire::Refusal::kOlderRelease;
  record_.next.authorities_number = release.number;
  return record_.next.authorities.set(release.content) ? wire::Refusal::kNone : wire::Refusal::kDoesNotFit;
}

wire::Refusal CredentialStore::make_key() noexcept {
  Set& next = record_.next;
  const Span<const char> id{config_.device_id, strlen(config_.device_id)};
  size_t key_bytes = 0;
  size_t request_bytes = 0;
  const MutableBytes request{next.certificate.bytes, wire::kMaxRequestBytes};
  const Status status =
      config_.keys.make(config_.keys.context, id, MutableBytes(next.key.bytes), key_bytes, request, request_bytes);
  if (status == Status::kBufferTooSmall) return wire::Refusal::kDoesNotFit;
  if (status != Status::kOk) return wire::Refusal::kStorageFailed;
  next.key.count = static_cast<uint32_t>(key_bytes);
  next.certificate.count = static_cast<uint32_t>(request_bytes);
  return wire::Refusal::kNone;
}

/// On trial from now on, if it is one.
void CredentialStore::take_certificate(Bytes certificate) noexcept {
  CertificateToCheck check;
  check.certificate = certificate;
  check.key = record_.next.key.view();
  check.authorities = view_of(true).authorities;
  check.device_id = {config_.device_id, strlen(config_.device_id)};
  const Status status = config_.keys.check(config_.keys.context, check);
  if (status != Status::kOk || certificate.size() > sizeof record_.next.certificate.bytes) {
    reason_ = status == Status::kWrongAuthentication || status == Status::kDamaged ? wire::Refusal::kWrongCertificate
                                                                                   : wire::Refusal::kDoesNotFit;
    return;  // the request stands
  }
  (void)record_.next.certificate.set(certificate);
  record_.phase = Phase::kOnTrial;
  if (save() != Status::kOk) {
    refuse(wire::Refusal::kStorageFailed);
    return;
  }
  reason_ = wire::Refusal::kNone;
  is_due_ = false;  // the next connection answers
  failures_ = 0;
  ++generation_;
}

/// Nothing has changed. What is in use now may have been on trial.
void CredentialStore::refuse(wire::Refusal reason) noexcept {
  read_record();
  if (is_connected_) connected_generation_ = generation_;
  reason_ = reason;
}

// ---- actions --------------------------------------------------------------------------------------------------------

bool CredentialStore::next_action(edge::Action& action) noexcept {
  if (!is_connected_ || is_publishing_) return false;
  action = {};
  if (!is_subscribed_) {
    is_subscribed_ = true;
    action.kind = edge::ActionKind::kSubscribe;
    action.topic = wire::TopicKind::kRenewal;
    return true;
  }
  if (!is_due_) return false;
  is_due_ = false;
  wire::Credentials answer;
  answer.number = asked_;
  answer.certificate = connected_certificate_;
  answer.authorities = record_.current.authorities_number;
  answer.reason = reason_;
  if (record_.phase == Phase::kRequested && asked_ == record_.number) answer.request = record_.next.certificate.view();
  size_t written = 0;
  if (wire::encode_credentials(answer, identity(), MutableBytes(outbox_), written) != Status::kOk) return false;
  action.kind = edge::ActionKind::kPublish;
  action.topic = wire::TopicKind::kCredentials;
  action.payload = {outbox_, written};
  action.retain = true;
  is_publishing_ = true;
  return true;
}

}  // namespace skink::firmware
