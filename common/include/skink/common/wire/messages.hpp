#pragma once
/// @file
/// Messages as bytes: Protocol Buffers (common/wire/skink.proto, nanopb) followed by an authentication code. Decoding
/// is total: any bytes give a message or a status. docs/protocol.md is the contract.

#include <stddef.h>
#include <stdint.h>

#include "skink/common/crypto/crypto.hpp"
#include "skink/common/limits.hpp"
#include "skink/common/span.hpp"
#include "skink/common/status.hpp"
#include "skink/common/wire/skink.pb.h"
#include "skink/common/wire/versions.hpp"

namespace skink::wire {

using Versions = skink_wire_Versions;
using State = skink_wire_State;
using Task = skink_wire_Task;
using Evaluation = skink_wire_Evaluation;
using Reply = skink_wire_Reply;
using Release = skink_wire_Release;

/// What a task asks of a device, how the device did, and what the coordinator says of its update; numbers as in
/// skink.proto.
enum class TaskKind : uint8_t { kAdapt = 1, kEvaluate = 2, kPresence = 3 };
enum class Outcome : uint8_t { kAdapted = 1, kEvaluated = 2, kDiverged = 3, kRefused = 4 };
enum class Verdict : uint8_t { kAccepted = 1, kRefused = 2, kResend = 3 };

/// What an ADAPT task wants as the change; numbers as in skink.proto.
enum class ChangeKind : uint8_t {
  kParameters = 0,     ///< adapted minus received parameters
  kQueryGradient = 1,  ///< minus the inner learning rate times the mean gradient of the query set, at the adapted ones
};
inline constexpr uint32_t kChangeKinds = 2;  ///< a task with another number is invalid

/// What a device uses of the release that it keeps; numbers as in skink.proto.
enum class ReleaseUse : uint8_t {
  kUnknown = 0,    ///< no release, or not judged yet
  kReleased = 1,   ///< as released: adapting was not asked for
  kAdapted = 2,    ///< adapted, with a lower loss on its query samples
  kWorse = 3,      ///< as released: the loss was not lower
  kDiverged = 4,   ///< as released: adapting diverged
  kNotJudged = 5,  ///< as released: no samples to judge by, or no memory to adapt in
};

/// The published list of reasons; numbers as in skink.proto.
enum class Refusal : uint8_t {
  kNone = 0,
  kVersionMismatch = 1,
  kAnotherRun = 2,
  kLowerRound = 3,
  kInvalidTask = 4,
  kUnknownCodec = 5,
  kWrongModelHash = 6,
  kUnusableModel = 7,
  kDoesNotFit = 8,
  kNoData = 9,
  kStorageFailed = 10,
  kOlderRelease = 11,
  kWrongSignature = 12,
  kWrongCertificate = 13,
  kNotExpected = 20,
  kLate = 21,
  kDuplicate = 22,
  kWrongShape = 23,
  kNotFinite = 24,
  kTooLarge = 25,
  kMalformed = 26,
  kWrongAuthentication = 27,
  kUnknownDevice = 28,
  kRevoked = 29,
  kOther = 30,  ///< a reason that this version does not know; never sent
};
inline constexpr size_t kRefusalCount = 31;  ///< one above the largest number

/// The reason's name in logs, such as "does_not_fit"; "unknown" for no enumerator. Static storage.
const char* refusal_text(Refusal refusal) noexcept;

/// Names one attempt at one round of one run: makes repeated messages harmless.
struct RoundId {
  uint64_t run = 0;
  uint32_t round = 0;
  uint32_t attempt = 0;
};

/// Equal when all three are.
inline bool operator==(const RoundId& a, const RoundId& b) noexcept {
  return a.run == b.run && a.round == b.round && a.attempt == b.attempt;
}

/// The triple of a message.
inline RoundId id_of(const Task& task) noexcept { return {task.run, task.round, task.attempt}; }
inline RoundId id_of(const Reply& reply) noexcept { return {reply.run, reply.round, reply.attempt}; }

/// An update message without its payload, which is streamed.
struct Update {
  RoundId id;
  Outcome outcome = Outcome::kRefused;
  uint32_t chunk = 0;
  uint32_t chunk_count = 1;
  uint32_t offset = 0;
  uint32_t total_bytes = 0;
  char uplink[40] = {};
  uint32_t support_samples = 0;
  Evaluation evaluation{};
  Refusal refusal = Refusal::kNone;
  uint32_t needed_bytes = 0;
  uint32_t available_bytes = 0;
  uint32_t residual_round = 0;
  uint32_t repeated_model_bytes = 0;
};

/// The payload of an update. `read` fills `out`, exactly `size` bytes; it is called once while encoding, and not at all
/// when size is 0.
struct PayloadSource {
  void* context = nullptr;
  Status (*read)(void* context, MutableBytes out) = nullptr;
  size_t size = 0;
};

/// The kind of message that an authentication code is for. It is part of what is authenticated, so that a message of
/// one kind cannot pass for another.
enum class Channel : uint8_t { kTask, kUpdate, kReply, kState, kRelease, kRenewal, kCredentials };

/// That a device shall have new credentials; views point into the message that was decoded.
struct Renewal {
  uint32_t number = 0;
  Bytes authorities;
  Bytes certificate;
};

/// What a device answers to that; the view points into the message that was decoded.
struct Credentials {
  uint32_t number = 0;
  uint64_t certificate = 0;
  uint32_t authorities = 0;
  Bytes request;
  Refusal reason = Refusal::kNone;
};

/// The device id and key that authenticate a message.
struct Identity {
  const char* device_id = "";
  crypto::Key key;
};

inline constexpr size_t kMaxDeviceIdBytes = limits::kMaxIdBytes;
inline constexpr size_t kMaxControlBytes = 256;         ///< task, reply and state with their codes
inline constexpr size_t kMaxReleaseMessageBytes = 384;  ///< release with its code
inline constexpr size_t kUpdateOverheadBytes = 192;     ///< an update message without its payload
// what authorities, certificates and requests are bounded by; with P-256 they have about 450 each, and 250
inline constexpr size_t kMaxAuthoritiesBytes = 1168;     ///< two certificates, signed as docs/release.md says
inline constexpr size_t kMaxCertificateBytes = 640;      ///< X.509, DER
inline constexpr size_t kMaxRequestBytes = 384;          ///< PKCS #10, DER
inline constexpr size_t kMaxRenewalMessageBytes = 1840;  ///< renewal with its code
inline constexpr size_t kMaxCredentialsBytes = 448;      ///< credentials with their code

/// Does this build, on this processor and thread, compute as docs/arithmetic.md says? What the canary (canary.hpp) says
/// now: a build with contraction, or a library that changed the control word, has another arithmetic.
bool has_own_arithmetic() noexcept;

/// The protocol, arithmetic and codec versions of this build (versions.hpp); arithmetic 0, which is nobody's, without
/// has_own_arithmetic().
Versions own_versions() noexcept;

/// Are all three versions those of this build? Without has_own_arithmetic(), none are.
bool same_versions(const Versions& versions) noexcept;

/// Each encoder writes one message and its authentication code (HMAC-SHA256-128 with identity.key) into `out`.
///
/// @param[out] out      kMaxControlBytes always suffice for state, task and reply; kMaxReleaseMessageBytes for a
///                      release; kMaxRenewalMessageBytes and kMaxCredentialsBytes for these; kUpdateOverheadBytes +
///                      payload.size for an update. Unspecified on errors.
/// @param[out] written  bytes of the message with its code; unspecified on errors.
/// @returns kOk; kBufferTooSmall when it does not fit in `out`; encode_update() also what payload.read returned.
///
/// A last will has no bytes and is not encoded: its code cannot be known when it is published.
Status encode_state(const State& state, const Identity& identity, MutableBytes out, size_t& written) noexcept;
Status encode_task(const Task& task, const Identity& identity, MutableBytes out, size_t& written) noexcept;
Status encode_reply(const Reply& reply, const Identity& identity, MutableBytes out, size_t& written) noexcept;
Status encode_release(const Release& release, const Identity& identity, MutableBytes out, size_t& written) noexcept;
Status encode_renewal(const Renewal& renewal, const Identity& identity, MutableBytes out, size_t& written) noexcept;
Status encode_credentials(const Credentials& credentials, const Identity& identity, MutableBytes out,
                          size_t& written) noexcept;
Status encode_update(const Update& update, const PayloadSource& payload, const Identity& identity, MutableBytes out,
                     size_t& written) noexcept;

/// Each decoder checks the authentication code, before anything is parsed, and then reads a message of its kind. The
/// message is written on kOk only. Enumeration numbers that this version does not know become 0 ("unspecified") in
/// task.kind, reply.verdict and state.release_use, and kOther in reasons. decode_state():
/// no bytes are a last will, which gives kOk and online false.
///
/// @returns kOk; kTruncated when shorter than an authentication code; kWrongAuthentication when the code is not
///          identity's over these bytes on this channel; kDamaged when the rest is not a message of this kind.
Status decode_state(Bytes bytes, const Identity& identity, State& state) noexcept;
Status decode_task(Bytes bytes, const Identity& identity, Task& task) noexcept;
Status decode_reply(Bytes bytes, const Identity& identity, Reply& reply) noexcept;
Status decode_release(Bytes bytes, const Identity& identity, Release& release) noexcept;
/// Of these two the fields of bytes point into `bytes`, and are as long as they came.
Status decode_renewal(Bytes bytes, const Identity& identity, Renewal& renewal) noexcept;
Status decode_credentials(Bytes bytes, const Identity& identity, Credentials& credentials) noexcept;

/// Decodes an update, as above; a refusal that this version does not know becomes kOther. Sizes, chunks and numbers are
/// not checked against the task.
///
/// @param[out] payload  points into `bytes`; empty when the update has none. Written on kOk only, as `update`.
/// @returns as above; kDamaged also for an unknown outcome, and for kEvaluated without an evaluation.
Status decode_update(Bytes bytes, const Identity& identity, Update& update, Bytes& payload) noexcept;

}  // namespace skink::wire
