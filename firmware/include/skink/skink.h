#ifndef SKINK_SKINK_H
#define SKINK_SKINK_H
/// @file
/// Skink for applications in C (C99): a device that observes, is told labels, predicts, adapts to its own samples, and
/// takes part in a fleet. No heap: the device is a struct whose size is known when the application is compiled, and all
/// other memory is the caller's. What it does is written in C++ (firmware/core/c_device.cpp) and the same for both.
/// docs/c-api.md has a whole device.
///
///     static skink_device device;
///     skink_init(&device, &config);
///     for (;;) {
///       skink_observe(&device, x, 2);
///       skink_predict(&device, outputs, 4);
///       if (button) skink_label(&device, 3);
///       skink_poll(&device, now_ms(), &next_ms);
///     }
///
/// Not thread-safe and not ISR-safe: all calls for one device come from one thread. Pointers that a contract does not
/// call "may be null" are not null. `now_ms` is any monotonic clock, milliseconds.

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Size of a skink_device, bytes. It follows the options of the client (skink/edge/config.hpp) where they are defined
/// for all sources; where it would not suffice, skink_init() is not compiled, and a larger one is to be defined for
/// all.
#ifndef SKINK_DEVICE_BYTES
#define SKINK_DEVICE_BYTES                                                                        \
  ((sizeof(void*) > 4 ? 8192 : 7296) + SKINK_DEVICE_CHUNK_BYTES + SKINK_DEVICE_MODEL_CHUNKS / 4 + \
   SKINK_DEVICE_DATAGRAM_BYTES)
#endif
#if defined SKINK_FIRMWARE_DATAGRAM && SKINK_FIRMWARE_DATAGRAM
#define SKINK_DEVICE_DATAGRAM_BYTES 2048
#else
#define SKINK_DEVICE_DATAGRAM_BYTES 0
#endif
#ifdef SKINK_EDGE_CHUNK_BYTES
#define SKINK_DEVICE_CHUNK_BYTES SKINK_EDGE_CHUNK_BYTES
#else
#define SKINK_DEVICE_CHUNK_BYTES 4096
#endif
#ifdef SKINK_EDGE_MAX_MODEL_CHUNKS
#define SKINK_DEVICE_MODEL_CHUNKS SKINK_EDGE_MAX_MODEL_CHUNKS
#else
#define SKINK_DEVICE_MODEL_CHUNKS 1024
#endif

/// Size of a skink_credential_memory, bytes.
#define SKINK_CREDENTIAL_BYTES 6400

/// One device. What is in it is none of the application's; it stays where it is from skink_init() on.
typedef struct skink_device {
  uint64_t memory[(SKINK_DEVICE_BYTES + 7) / 8];
} skink_device;

/// The outcome of a call. The numbers are those of skink::Status, and one more.
typedef enum skink_status {
  SKINK_OK = 0,
  SKINK_INVALID_ARGUMENT = 1,      ///< a value is out of the range that its contract states
  SKINK_SHAPE_MISMATCH = 2,        ///< sizes do not belong together
  SKINK_BUFFER_TOO_SMALL = 3,      ///< memory or sectors are fewer than needed
  SKINK_NOT_FINITE = 4,            ///< a number is NaN or infinite
  SKINK_UNSUPPORTED = 5,           ///< well formed, but this build cannot do it
  SKINK_TRUNCATED = 6,             ///< bytes end before their structure does
  SKINK_DAMAGED = 7,               ///< a digest, magic number or length does not agree with the content
  SKINK_NEWER_VERSION = 8,         ///< written by a later version
  SKINK_WRONG_AUTHENTICATION = 9,  ///< an authentication code or signature is not the key's
  SKINK_UNAVAILABLE = 10,          ///< not now: what is needed is absent or in use, or a flash failed
  SKINK_CONNECTION_LOST = 11       ///< the stream is of no use any more: close it, and call skink_disconnected()
} skink_status;

/// A short English phrase; static storage.
const char* skink_status_text(skink_status status);

/// Bytes that somebody else owns; with a count of 0 there are none, and `data` may be null.
typedef struct skink_bytes {
  const uint8_t* data;
  size_t count;
} skink_bytes;

/// NOR flash: a row of equal sectors, addresses from 0. Functions return 0, or another number when the part did not do
/// it in the time of its data sheet. What they write is read back above them (skink/firmware/flash.hpp says all of it).
typedef struct skink_flash {
  void* context;           ///< handed to the functions; may be null
  uint32_t sector_bytes;   ///< what one erasure erases
  uint32_t sectors;        ///< how many there are
  uint32_t program_bytes;  ///< writes are multiples of it at multiples of it: 1..32, a power of 2
  const uint8_t* mapped;   ///< where address 0 is read like memory; may be null
  int (*read)(void* context, uint32_t address, uint8_t* out, size_t count);
  int (*program)(void* context, uint32_t address, const uint8_t* bytes, size_t count);
  int (*erase)(void* context, uint32_t sector);
} skink_flash;

/// What `skinkctl provision` wrote for a device (docs/identity.md): who it is, whom it trusts, where its broker is.
typedef struct skink_identity {
  char device_id[65];  ///< also the MQTT client id
  char fleet[65];      ///< name of the fleet
  uint8_t key[32];     ///< authenticates tasks, updates and replies
  char broker_host[254];
  uint16_t broker_port;
  char server_name[254];       ///< what the broker's certificate must name
  char time_host[254];         ///< the first time server; empty: none
  uint16_t time_port;          ///< UDP
  uint64_t seed;               ///< makes jitter of equal devices differ; no secret
  skink_bytes ca_certificate;  ///< DER, as the three below; they point into the image
  skink_bytes certificate;     ///< the device's own
  skink_bytes private_key;     ///< P-256
  skink_bytes release_key;     ///< who signs releases: 65 bytes
} skink_identity;

/// Reads an identity image in place; it must stay readable as long as `identity` is used. Any bytes may come.
/// @returns SKINK_OK; SKINK_UNAVAILABLE for erased memory (not provisioned), SKINK_TRUNCATED, SKINK_DAMAGED,
///          SKINK_NEWER_VERSION, SKINK_UNSUPPORTED, SKINK_INVALID_ARGUMENT as provisioning::read_identity(); `identity`
///          is unchanged then.
skink_status skink_read_identity(skink_bytes image, skink_identity* identity);

/// Who makes the device's keys and reads its certificates: skink_link_keys() by mbedTLS, or a secure element, whose
/// keys never leave it. The contract of each function, with its statuses: skink/firmware/key_service.hpp.
typedef struct skink_keys {
  void* context;  ///< handed to the functions; may be null
  /// @param[in,out] key_count, request_count  bytes that there is room for; then those that were written
  skink_status (*make)(void* context, const char* device_id, uint8_t* key, size_t* key_count, uint8_t* request,
                       size_t* request_count);
  skink_status (*check)(void* context, const char* device_id, skink_bytes certificate, skink_bytes key,
                        skink_bytes authorities);
} skink_keys;

/// RAM of a device whose certificate is renewed over the connection.
typedef struct skink_credential_memory {
  uint64_t memory[SKINK_CREDENTIAL_BYTES / 8];
} skink_credential_memory;

/// What to connect with.
typedef struct skink_credentials {
  skink_bytes authorities;  ///< DER, one or two certificates, one after the other
  skink_bytes certificate;  ///< DER
  skink_bytes private_key;  ///< as the identity has it, or skink_keys::make gave it
  uint32_t generation;      ///< another number whenever they are others; what was read before is of no use then
} skink_credentials;

/// How a number of a sample is kept in flash; the value is its size in bytes.
typedef enum skink_number {
  SKINK_UINT8 = 1,   ///< whole, 0..255
  SKINK_INT16 = 2,   ///< whole, -32768..32767
  SKINK_FLOAT32 = 4  ///< finite
} skink_number;

/// What the device's own samples are.
typedef struct skink_sample_shape {
  uint32_t inputs;      ///< numbers of a sample, 1..65535
  uint32_t classes;     ///< labels are 0..classes - 1, at most 4096; 0: targets are numbers
  uint32_t targets;     ///< numbers that a regression wants, 1..255; with classes 1
  uint32_t per_class;   ///< of each class the newest are kept, so many; 0: of all the newest
  skink_number number;  ///< how an input is kept
} skink_sample_shape;

/// What a sample in flash takes of RAM.
typedef struct skink_sample_slot {
  uint32_t memory[2];
} skink_sample_slot;

/// Which model has come.
typedef enum skink_model_kind {
  SKINK_MODEL_OF_ROUND,  ///< for a task; predictions use it where no release is kept
  SKINK_MODEL_RELEASED   ///< a signed release, which predictions use from now on
} skink_model_kind;

/// What happened to a round. Each SKINK_ROUND_BEGUN is followed by one of the others.
typedef enum skink_round_event {
  SKINK_ROUND_BEGUN,     ///< a task came
  SKINK_ROUND_ACCEPTED,  ///< the coordinator took the result
  SKINK_ROUND_REFUSED,   ///< this device refused the task, or the coordinator the result
  SKINK_ROUND_GIVEN_UP   ///< its time was over, or another task came
} skink_round_event;

/// What an adaptation to the device's own samples came to; the numbers are those of wire::ReleaseUse.
typedef enum skink_outcome {
  SKINK_NOT_ADAPTED = 0,  ///< none has ended since the start
  SKINK_AS_RELEASED = 1,  ///< a release is used as it came: it asks for no adaptation
  SKINK_ADAPTED = 2,      ///< adapted weights are in use: their loss on the samples held back is lower
  SKINK_WORSE = 3,        ///< dropped: the loss was not lower
  SKINK_DIVERGED = 4,     ///< dropped: a number was not finite
  SKINK_NOT_JUDGED = 5    ///< dropped: no sample was held back yet, or the arena is too small
} skink_outcome;

/// Called at the end of the skink function in which it happened. Each may be null. They may call skink_get_state() and
/// skink_predict(), nothing else of the same device.
typedef struct skink_events {
  void* context;  ///< handed to the functions; may be null
  void (*on_model)(void* context, skink_model_kind kind, uint32_t release_number);
  void (*on_round)(void* context, uint32_t round, skink_round_event event);
  void (*on_adapted)(void* context, skink_outcome outcome);
} skink_events;

/// What a device is made from. All zeros but what is needed: `memset`, or `= {0}`. What pointers name is borrowed for
/// the device's life; the struct itself, with its flashes, `shape` and `events`, is copied.
typedef struct skink_config {
  const skink_identity* identity;  ///< null: a device without a network
  const char* firmware;            ///< for people, cut after 32 bytes; may be null
  uint8_t* arena;                  ///< working memory, 4-byte aligned; `skink-sim plan` says how much
  size_t arena_bytes;
  uint16_t keep_alive_s;  ///< of MQTT, seconds; 0: no pings
  /// Seconds between two connections of a stream; with datagrams those that the device sleeps within its session when
  /// there is nothing to do, at most a week. 0: it stays connected and awake.
  uint32_t sleep_s;
  uint32_t listen_s;  ///< of a stream with sleep_s: how long it waits for a task; after one it leaves at once
  /// 1: skink_output() and skink_receive() are datagrams of a session with a bridge (docs/datagram.md), each call a
  /// whole one; in builds with SKINK_FIRMWARE_DATAGRAM. 0: they are a stream.
  uint8_t uses_datagrams;

  skink_flash flash;
  /// Where the journal's two sectors are, from its sector 0 on, on a part that has small ones and large ones; `flash`
  /// is the large ones then. All zeros: the first two of `flash`.
  skink_flash journal_flash;
  /// Sectors of `flash` from 0 on, in this order: 2 of the journal unless it has its own, then two slots each of
  /// models, releases, residuals, adapted weights and credentials, then samples. A slot is one sector for its header
  /// and those of its content, or one large sector with both; `model_sectors` is at least 1, the others 0 where the
  /// device does without.
  uint32_t model_sectors;
  uint32_t release_sectors;     ///< 0: the device takes no releases
  uint32_t residual_sectors;    ///< 0: error feedback keeps residuals in the arena
  uint32_t personal_sectors;    ///< 0: a restart forgets what skink_adapt() came to
  uint32_t credential_sectors;  ///< 0: the certificate is the identity's for good; slots hold 4032 bytes at least
  uint32_t sample_sectors;      ///< 0: no samples of its own

  skink_credential_memory* credential_memory;  ///< with credential_sectors; else it may be null
  skink_keys keys;                             ///< likewise

  skink_sample_shape shape;         ///< of the samples of sample_sectors, and of observations
  skink_sample_slot* sample_slots;  ///< [sample_slot_count], one for each sample that is kept
  size_t sample_slot_count;
  float* observation;  ///< [shape.inputs], the newest observation; null: none are made

  skink_bytes recording;  ///< samples of `skink-sim record` in place of its own; sample_sectors is 0 then
  skink_bytes model;      ///< a model file to begin with, trusted as the program is; used where flash has no model
  skink_bytes release;    ///< a signed release to begin with, or erased memory; needs `identity`, for its key

  skink_events events;
} skink_config;

/// Opens the stores, takes up what they hold, and counts the start in the journal.
///
/// @param[out] device  any content before; on an error it must not be used but for another skink_init()
/// @returns
/// * SKINK_OK
/// * SKINK_INVALID_ARGUMENT  a pointer is null that must not be; sectors are not there; a shape is out of range
/// * SKINK_BUFFER_TOO_SMALL  sample_sectors or sample slots are too few; a slot is too small for `model` or `release`
/// * SKINK_UNAVAILABLE       the flash failed
/// * SKINK_UNSUPPORTED       credential_sectors or uses_datagrams, in a build without SKINK_EDGE_RENEWAL or
///                           SKINK_FIRMWARE_DATAGRAM
/// * others                  what is wrong with `recording`, `model` or `release`: SKINK_TRUNCATED, SKINK_DAMAGED,
///                           SKINK_NEWER_VERSION, SKINK_UNSUPPORTED, SKINK_SHAPE_MISMATCH, SKINK_NOT_FINITE,
///                           SKINK_WRONG_AUTHENTICATION
skink_status skink_init(skink_device* device, const skink_config* config);

/// Remembers `x`, [count] stored values (before the model's scale and offset), as the newest observation.
/// @returns SKINK_OK; SKINK_SHAPE_MISMATCH unless `count` is shape.inputs; SKINK_UNAVAILABLE without memory for it.
skink_status skink_observe(skink_device* device, const float* x, size_t count);

/// Keeps the newest observation as a sample of class `label`, 0..classes - 1, in flash. Once for each observation.
/// @returns SKINK_OK; SKINK_UNAVAILABLE without an observation that is not labelled yet, without sample_sectors, when
/// the
///          flash fails, or while there is work: try again; SKINK_INVALID_ARGUMENT for a label out of range or an
///          observation that shape.number cannot keep; SKINK_SHAPE_MISMATCH where targets are numbers.
skink_status skink_label(skink_device* device, uint32_t label);

/// The same for a regression: `y`, [count] numbers that are wanted.
/// @returns as skink_label(); SKINK_SHAPE_MISMATCH unless `count` is shape.targets.
skink_status skink_target(skink_device* device, const float* y, size_t count);

/// Forward pass of the newest observation with the device's own weights: adapted, else released, else of the last
/// round.
/// @param[out] outputs  [count], unchanged on errors; skink_argmax() finds the label
/// @returns SKINK_OK; SKINK_UNAVAILABLE without an observation or model, or while there is work; SKINK_SHAPE_MISMATCH
/// for
///          sizes that are not the model's; SKINK_BUFFER_TOO_SMALL: the arena.
skink_status skink_predict(skink_device* device, float* outputs, size_t count);

/// Index of the largest of `count` outputs, at least 1; of equal ones the first.
uint32_t skink_argmax(const float* outputs, size_t count);

/// Begins to adapt the model to the device's samples; skink_poll() does the steps, on_adapted() says what came of it.
/// @param[in] passes  over the samples, 1..1024, with `rate` above 0 and `batch_size` from 1 on; 0: the model file's
/// @returns SKINK_OK; SKINK_UNAVAILABLE without model or samples, or while there is work; SKINK_BUFFER_TOO_SMALL: the
///          arena; SKINK_INVALID_ARGUMENT: out of range, or the model file says none; SKINK_UNSUPPORTED: this build
///          does not compute as docs/arithmetic.md says, or is without SKINK_EDGE_PERSONAL.
skink_status skink_adapt(skink_device* device, float rate, uint32_t passes, uint32_t batch_size);

/// What is due at `now_ms`, and one step of work (at most 16 samples) if there is any.
/// @param[out] next_ms  when to call again, in the same clock; `now_ms` while there is work, all ones: only a call of
///                      another function changes anything
/// @returns SKINK_OK; SKINK_CONNECTION_LOST: the broker is silent.
skink_status skink_poll(skink_device* device, uint64_t now_ms, uint64_t* next_ms);

/// What to connect with now; of a device that has an identity. @param[out] credentials  borrowed until their generation
/// changes
void skink_get_credentials(const skink_device* device, skink_credentials* credentials);
/// The name of a key that a secure element keeps, where it stands in a private key's place (docs/identity.md): for
/// whoever encrypts the stream. @returns bytes of `private_key`, without a final 0; a count of 0: it is a key itself
skink_bytes skink_key_name(skink_bytes private_key);
/// TLS with these credentials has failed: the broker refused them, or is not trusted.
void skink_connection_failed(skink_device* device);
/// The device has said goodbye, as sleep_s has it: the stream is to be closed. Call it, write skink_output(), and call
/// it again. @returns after how many seconds the next connection is due; 0: it stays connected.
uint32_t skink_wants_sleep(skink_device* device);
/// 1: a device with datagrams sleeps, and its bridge keeps what comes: the radio may be off until next_ms of
/// skink_poll().
int skink_is_asleep(const skink_device* device);
/// 1: the stream is to be closed, and another to be opened with other credentials.
int skink_wants_reconnection(const skink_device* device);

/// The stream to the broker (TLS) is up. @returns SKINK_OK; SKINK_CONNECTION_LOST without an identity.
skink_status skink_connected(skink_device* device, uint64_t now_ms);
/// The stream is gone, whoever ended it. Work goes on. Harmless when there was none.
void skink_disconnected(skink_device* device);
/// Everything that was read from the stream; any bytes, borrowed for the call. May write to flash.
/// @returns SKINK_OK; SKINK_CONNECTION_LOST: the broker refused, or its bytes make no sense.
skink_status skink_receive(skink_device* device, const uint8_t* bytes, size_t count, uint64_t now_ms);
/// What to write next, borrowed until the next call for this device; a count of 0: nothing now. Call it after
/// skink_poll() and skink_receive(), and tell skink_sent() what the stream took. May write to flash.
skink_bytes skink_output(skink_device* device, uint64_t now_ms);
/// The stream took the first `count` bytes of skink_output().
void skink_sent(skink_device* device, size_t count, uint64_t now_ms);

/// What is to be known of a device.
typedef struct skink_state {
  int is_online;             ///< 1: the broker has accepted the device
  int has_model;             ///< 1: of the rounds or released
  int has_work;              ///< 1: skink_poll() has a step to do
  uint32_t starts;           ///< of this device, with this one; wraps at 2^32
  uint32_t release;          ///< number of the release that is kept; 0: none
  uint32_t samples;          ///< of its own that are kept
  uint32_t rounds;           ///< tasks since the start
  uint32_t rounds_accepted;  ///< of which the coordinator took the result
  uint32_t personal_lost;    ///< adapted weights that flash did not take
  skink_outcome own_use;     ///< what the last adaptation came to
  uint8_t model_sha256[32];  ///< of the last model of a round; zeros: none
} skink_state;

/// Fills `state`.
void skink_get_state(const skink_device* device, skink_state* state);

/// What the battery has, 0..100; above: mains powered, or not known, as after skink_init(). The fleet is told with the
/// next birth, which is due with the next skink_output() when it falls to 20 or less.
void skink_set_battery(skink_device* device, uint32_t percent);

/// How many samples of class `label` are kept.
uint32_t skink_sample_count(const skink_device* device, uint32_t label);

#ifdef __cplusplus
}
#endif
#endif
