#pragma once
/// @file
/// The key, the certificate and the authorities that a device connects with, renewed over the connection
/// (docs/protocol.md, section 8). Those of its identity are where it begins; what is renewed is in flash, two slots
/// like those of models, of which one is whole at any moment. The old ones stay until the broker has accepted the new
/// ones; while it does not, the device tries both in turn.
///
/// Wear: three erasures of a slot for every renewal.

#include "skink/common/provisioning/signed_release.hpp"
#include "skink/common/wire/messages.hpp"
#include "skink/edge/client_actions.hpp"
#include "skink/firmware/key_service.hpp"
#include "skink/firmware/model_store.hpp"

namespace skink::firmware {

/// What a connection is made with. Borrowed from a store, or from the identity.
struct CredentialView {
  Bytes authorities;  ///< X.509, DER, one or two, one after the other
  Bytes certificate;  ///< X.509, DER: the device's own
  Bytes private_key;  ///< of that certificate, as KeyService::make() or the identity gives it
};

/// Whose credentials they are. What it names is borrowed for the store's life.
struct CredentialConfig {
  const char* device_id = nullptr;  ///< of the identity, zero-terminated
  crypto::Key key;                  ///< of the identity: authenticates renewals
  CredentialView factory;           ///< of the identity partition
  Bytes release_key;                ///< who signs authorities
  KeyService keys;
};

/// About 6 KB. Not ISR-safe. Any bytes may come as a renewal.
class CredentialStore {
 public:
  /// Finds the newer whole slot. One whose content is not what was written, or that replaces another identity than this
  /// one, counts as none.
  ///
  /// @param[in] flash         borrowed for the store's life; 2 * slot_sectors sectors from `first_sector`
  /// @returns ModelStore::open(), with its statuses; kBufferTooSmall: a slot has no room for 4032 bytes.
  Status open(Flash& flash, uint32_t first_sector, uint32_t slot_sectors, const CredentialConfig& config) noexcept;

  // ---- for who connects

  /// What to connect with now, valid until generation() changes.
  CredentialView in_use() const noexcept;
  /// Another number each time in_use() changes.
  uint32_t generation() const noexcept { return generation_; }
  /// An attempt to connect failed in TLS, or the broker did not accept MQTT's CONNECT.
  void on_failed() noexcept;

  // ---- for the device

  /// The broker has accepted what in_use() gave: if that is new, it stays. May write to flash.
  void on_connected(uint64_t now_ms) noexcept;
  /// The connection is gone.
  void on_disconnected() noexcept;
  /// A connection with others than those that this one was made with is due.
  bool wants_reconnection() const noexcept { return is_connected_ && generation_ != connected_generation_; }

  /// Where a renewal is put together.
  MutableBytes message() noexcept { return MutableBytes(message_); }
  /// A whole message on the renewal topic, in message(); none: no renewal is asked for. What has a wrong code is
  /// ignored; one of a lower number is answered with the number of the last. Cost: a new key and two signatures. May
  /// write to flash.
  void on_renewal(size_t bytes) noexcept;

  /// A subscription, or the answer to a renewal. False: nothing now.
  bool next_action(edge::Action& action) noexcept;
  /// The answer has left.
  void on_published() noexcept { is_publishing_ = false; }

  /// What is due at that time.
  void on_time(uint64_t now_ms) noexcept;
  /// When to call on_time(); all ones: never.
  uint64_t next_wake_ms() const noexcept { return retry_ms_ == 0 ? ~uint64_t{0} : retry_ms_; }

  /// Renewals that ended with a certificate that the broker has accepted, since the start.
  uint32_t renewals() const noexcept { return renewals_; }
  /// Why the last one was refused; kNone: it was not.
  wire::Refusal refusal() const noexcept { return reason_; }

 private:
  template <size_t kSize>
  struct Part {
    uint32_t count;
    uint8_t bytes[kSize];
    Bytes view() const noexcept { return {bytes, count}; }
    bool set(Bytes from) noexcept;
  };
  /// Parts that are empty are those of the identity, or in Record::next those of Record::current.
  struct Set {
    uint32_t authorities_number;
    Part<wire::kMaxAuthoritiesBytes - provisioning::kReleaseHeaderBytes> authorities;
    Part<wire::kMaxCertificateBytes> certificate;
    Part<kMaxKeyBytes> key;
  };
  enum class Phase : uint32_t { kIdle, kRequested, kOnTrial };
  /// As it stands in flash. Nothing of its size is ever on the stack.
  struct Record {
    uint32_t version;
    Phase phase;
    uint32_t number;    ///< of the last renewal
    uint64_t identity;  ///< of the identity that it replaces: a device that is provisioned anew begins anew
    Set current;
    Set next;  ///< kRequested: the request in place of a certificate
  };

  wire::Identity identity() const noexcept { return {config_.device_id, config_.key}; }
  void clear() noexcept;
  void read_record() noexcept;
  Status save() noexcept;
  bool uses_next() const noexcept;
  CredentialView view_of(bool is_next) const noexcept;
  void begin(const wire::Renewal& renewal) noexcept;
  wire::Refusal take_authorities(Bytes signed_authorities) noexcept;
  wire::Refusal make_key() noexcept;
  void take_certificate(Bytes certificate) noexcept;
  void refuse(wire::Refusal reason) noexcept;
  void confirm() noexcept;

  Flash* flash_ = nullptr;
  uint32_t first_sector_ = 0;
  uint32_t slot_sectors_ = 0;
  uint64_t identity_ = 0;
  ModelStore slots_;
  CredentialConfig config_;
  Record record_{};
  uint32_t asked_ = 0;  ///< number of the renewal that is to be answered
  uint32_t generation_ = 0;
  uint32_t connected_generation_ = 0;
  uint64_t connected_certificate_ = 0;  ///< the first bytes of its digest
  uint32_t failures_ = 0;               ///< of attempts to connect, since the new ones are there
  uint64_t retry_ms_ = 0;  ///< when the new ones are tried again; 0: never. All that is not 0 would be kept in flash
  uint32_t renewals_ = 0;
  wire::Refusal reason_ = wire::Refusal::kNone;
  bool is_connected_ = false;
  bool is_subscribed_ = false;
  bool is_due_ = false;
  bool is_publishing_ = false;
  uint8_t outbox_[wire::kMaxCredentialsBytes] = {};
  uint8_t message_[wire::kMaxRenewalMessageBytes] = {};
};

}  // namespace skink::firmware
