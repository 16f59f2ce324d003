#pragma once
/// @file
/// A device between its byte stream and its flash: the client of edge/, the MQTT connection, the last model and the
/// journal, joined. No I/O of its own, so the same object runs in tests on a host: the port moves bytes, tells the time
/// and calls work() while there is some.

#include "skink/edge/client.hpp"
#include "skink/edge/model_message.hpp"
#include "skink/firmware/credential_store.hpp"
#include "skink/firmware/device_connection.hpp"
#include "skink/firmware/journal.hpp"
#include "skink/firmware/model_store.hpp"
#include "skink/firmware/sample_flash.hpp"

namespace skink::firmware {

/// How long a connection lasts. A run must wait for devices that sleep: fleet.offline_ms of its experiment above
/// sleep_s, and with datagrams fleet.deadline_ms.
struct ConnectionPolicy {
  /// Between two connections of a stream; with datagrams within one session, whenever there is nothing to do and
  /// nothing waits at the bridge, then at most a week. 0: it stays connected and awake.
  uint32_t sleep_s = 0;
  uint32_t listen_s = 60;  ///< of streams with sleep_s: how long it waits for a task; after one it leaves at once
};

/// Who the device is, its memory and its samples. What pointers and spans refer to is borrowed for the device's life.
struct DeviceConfig {
  wire::Identity identity;               ///< device id, also the MQTT client id, and device key
  Span<const char> fleet;                ///< name of the fleet, 1..64 bytes (docs/protocol.md, section 1)
  MutableBytes arena;                    ///< 4-byte aligned: edge::ClientConfig::arena
  const char* firmware = "";             ///< zero-terminated, for people; cut after 32 bytes
  uint64_t jitter_seed = 0;              ///< edge::ClientConfig::jitter_seed
  uint16_t keep_alive_s = 120;           ///< of MQTT, seconds; 0: no pings
  const edge::Health* health = nullptr;  ///< null: nothing is known
  edge::SampleSource samples;            ///< edge::Platform::samples
  edge::VectorStore residuals;           ///< edge::Platform::residuals
  edge::VectorStore personal;            ///< edge::Platform::personal
  ConnectionPolicy policy;               ///< when it sleeps
  Bytes release_key;                     ///< edge::ClientConfig::release_key
  LinkKind link = LinkKind::kStream;     ///< kDatagrams: with SKINK_FIRMWARE_DATAGRAM only; "stream" below is either
};

/// What of a device is in flash. Open, except `releases`, which a board without room for them leaves closed; borrowed
/// for the device's life. `models` changes with every download, `releases` with every release, `journal` with every
/// task, `credentials` with every renewal.
struct DeviceStores {
  ModelStore& models;
  ModelStore& releases;
  Journal& journal;
  CredentialStore* credentials =
      nullptr;  ///< null, or without SKINK_EDGE_RENEWAL: key and certificate are the identity's for good
};

/// One device. Not thread-safe and not ISR-safe: all calls come from the main loop. `now_ms` is any monotonic clock.
class Device {
 public:
  /// Takes up what the stores hold: the last task, and the last model and the release, if they are sound, which costs a
  /// hash over each.
  Device(const DeviceConfig& config, const DeviceStores& stores) noexcept;

  /// The stream is up: queues MQTT's CONNECT. False: it does not fit (a device id or fleet that is too long). A stream
  /// that this or a call below refuses is closed by the port, which then calls on_stream_closed().
  bool on_stream_open(uint64_t now_ms) noexcept;
  /// The stream is gone. Work goes on. Where the broker had not accepted the device, CredentialStore::on_failed().
  void on_stream_closed() noexcept;

  /// Everything that was read from the stream; any bytes, borrowed for the call. False: the broker's bytes make no
  /// sense, or it refused: connection().problem(). May write a chunk of a model to flash, and with the last one hash
  /// it.
  bool receive(Bytes input, uint64_t now_ms) noexcept;

  /// Bytes have come over the link, perhaps less than a record of TLS: the broker counts as heard.
  void on_activity(uint64_t now_ms) noexcept { connection_.on_activity(now_ms); }

  /// What to write next, borrowed until the next call; tell sent() how much went. Empty: nothing now. Carries out what
  /// the client wants done, which may write to flash.
  Bytes output(uint64_t now_ms) noexcept;
  /// The stream took the first `count` bytes of output().
  void sent(size_t count, uint64_t now_ms) noexcept { connection_.sent(count, now_ms); }

  /// The stream is to be closed, and opened with other credentials: CredentialStore::wants_reconnection(), once no task
  /// is in the way.
  bool wants_reconnection() const noexcept;

  /// It has said goodbye, as its policy has it: close the stream, and open the next one after policy().sleep_s.
  bool wants_sleep() noexcept;
  const ConnectionPolicy& policy() const noexcept { return policy_; }
  /// Of datagrams: it sleeps, and the bridge keeps what comes. Nothing need be heard until next_wake_ms().
  bool is_asleep() const noexcept { return connection_.is_asleep(); }

  /// Call when next_wake_ms() has come. False: the broker is silent.
  bool on_time(uint64_t now_ms) noexcept;
  /// When to call on_time(); all ones while only the stream can change anything.
  uint64_t next_wake_ms() const noexcept;

  /// Is there a step for work() to do?
  bool has_work() const noexcept { return client_.has_work(); }
  /// One step of the current task: edge::Client::work().
  void work(uint64_t now_ms) noexcept { client_.work(now_ms); }

  /// Keeps a sample of the device's own in flash: SampleFlash::add(), with its statuses. kUnavailable also while
  /// has_work(), for the samples are in use then: try again. @param[in] store  the one that DeviceConfig::samples reads
  Status add_sample(SampleFlash& store, Span<const float> stored, Span<const float> targets) noexcept;

  /// edge::Client::adapt_now(): its statuses, from kOk on.
  Status adapt_now(const edge::AdaptSettings& settings = {}) noexcept { return client_.adapt_now(settings); }

  /// edge::Client::predict(): its statuses, from kOk on.
  Status predict(Span<const float> stored, Span<float> outputs) noexcept { return client_.predict(stored, outputs); }

  /// To look at: state, counters, model.
  const edge::Client& client() const noexcept { return client_; }
  /// Null: key and certificate are the identity's for good.
  CredentialStore* credentials() const noexcept { return SKINK_EDGE_RENEWAL != 0 ? credentials_ : nullptr; }

  /// To look at: why the broker was left.
  const edge::mqtt::Connection& connection() const noexcept { return connection_.stream(); }
  /// Has the broker accepted the MQTT connection?
  bool is_online() const noexcept { return connection_.is_connected(); }

 private:
  uint16_t next_session() noexcept;
  uint64_t leave_ms() const noexcept;
  bool may_doze() const noexcept;
  void doze() noexcept;
  bool take(const edge::mqtt::Event& event) noexcept;
  void take_message(const edge::mqtt::Event& event) noexcept;
  void take_renewal(const edge::mqtt::Event& event) noexcept;
  void take_control(wire::TopicKind kind, const edge::mqtt::Event& event) noexcept;
  void take_model(const wire::Topic& topic, const edge::mqtt::Event& event) noexcept;
  void store(const crypto::Digest& model, const edge::ModelWrite& place, Bytes bytes, ChunkPart part) noexcept;
  Status write_release(const edge::ModelWrite& place, Bytes bytes, ChunkPart part) noexcept;
  void restore_release() noexcept;
  Status keep_release(const edge::Action& action) noexcept;
  Status copy_to_release(uint32_t bytes) noexcept;
  Status write(const crypto::Digest& model, uint32_t offset, Bytes bytes, ChunkPart part) noexcept;
  void keep_model() noexcept;
  Status note_task() noexcept;
  void carry_out() noexcept;
  Status carry_out(const edge::Action& action) noexcept;
  size_t topic_of(wire::TopicKind kind, uint32_t slot, uint32_t chunk, Span<char> out) const noexcept;

  const Span<const char> device_id_;
  const Span<const char> fleet_;
  const uint16_t keep_alive_s_;
  const ConnectionPolicy policy_;
  ModelStore& models_;
  ModelStore& releases_;
  Journal& journal_;
  CredentialStore* const credentials_;
  DeviceConnection connection_;
  uint16_t opens_ = 0;  ///< of the link, since the start
  edge::ModelMessage model_message_{};
  uint64_t now_ms_ = 0;        ///< of the call that is being answered
  uint64_t rest_ms_ = 0;       ///< since when there is nothing to do on this connection
  uint32_t tasks_before_ = 0;  ///< counters().tasks when it was made
  bool says_goodbye_ = false;
  uint64_t awake_until_ms_ = 0;  ///< of datagrams: after the begin of a session
  bool has_all_ = false;         ///< of datagrams: since the device woke, the bridge has said that nothing waits
  bool has_action_ = false;      ///< `action_` could not be carried out yet
  edge::Action action_{};
  uint16_t publishing_id_ = 0;
  uint16_t renewal_subscription_id_ = 0;
  bool publishes_credentials_ = false;  ///< publishing_id_ is of them, not the client's
  bool is_stream_open_ = false;
  bool is_storing_ = false;  ///< the store's slot belongs to `storing_`
  crypto::Digest storing_;
  uint32_t release_download_ = 0;  ///< edge::ModelWrite::download of what `releases` has been prepared for
  uint8_t control_[wire::kMaxReleaseMessageBytes] = {};  ///< a task, reply or release as its pieces come
  edge::Client client_;  // the largest comes last: what is far from the begin of an object costs code to reach
};

}  // namespace skink::firmware
