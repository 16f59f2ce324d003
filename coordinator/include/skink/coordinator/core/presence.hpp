#pragma once
/// @file
/// Which devices are there. A birth is authentic but may be an old one that a broker kept or repeats, so a device
/// counts as online only after it has answered a challenge that was made for this connection of the coordinator.
/// docs/protocol.md, section 4. No I/O.

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "skink/common/crypto/crypto.hpp"

namespace skink::coordinator {

/// What is known of one device. Owned by whoever owns the device; belongs to one PresenceBook.
struct Presence {
  static constexpr std::uint64_t kNever = ~std::uint64_t{0};
  bool seen = false;                   ///< something authentic came from it, or it vanished; if not, nothing is known
  bool online = false;                 ///< it answered our challenge, and nothing since says that it is gone
  std::uint64_t offline_since_ms = 0;  ///< if it was seen and is not online
  bool expected = false;               ///< it was there when a connection was lost, and has not said so again
  std::uint64_t challenge = 0;         ///< what an answer must carry; 0: none was made
  std::uint64_t probe_ms = kNever;     ///< when the challenge is sent (again)
  std::uint32_t probes = 0;            ///< how often it was sent
  bool doubted = false;                ///< it was said to be gone: it is asked a few times, then no more
};

/// Challenges: who is asked, when, and who has answered.
class PresenceBook {
 public:
  /// @param[in] nonce  differs from that of every other coordinator of this fleet: challenges must not repeat.
  explicit PresenceBook(std::uint64_t nonce) : nonce_(nonce) {}

  /// An authentic birth came.
  /// @param[in] answer  the challenge that it carries; 0: the device has connected and was not asked since.
  /// @returns whether it answers our challenge: the device is online now. If not, it is asked.
  bool on_birth(const std::string& id, const crypto::Key& key, Presence& presence, std::uint64_t answer,
                std::uint64_t now_ms);
  /// It was revoked.
  void on_gone(const std::string& id, Presence& presence, std::uint64_t now_ms);
  /// Its last will came. Nobody vouches for it, so the device is asked a few times: one that is there stays so.
  void on_will(const std::string& id, const crypto::Key& key, Presence& presence, std::uint64_t now_ms);
  /// It did not answer a task in time: offline until it answers a challenge, which it is sent.
  void on_silence(const std::string& id, const crypto::Key& key, Presence& presence, std::uint64_t now_ms);
  /// Something authentic came from a device that is not online: it is asked again soon.
  void on_sign_of_life(const std::string& id, Presence& presence, std::uint64_t now_ms);
  /// The coordinator has connected (again): answers to what was asked before prove nothing any more. Whoever was there
  /// is asked; for the others the broker tells the births that it kept.
  void on_connected(const std::string& id, const crypto::Key& key, Presence& presence, std::uint64_t now_ms);

  /// The device whose challenge is to be sent now, as probe_sent() must be told; empty: none.
  std::string_view due(std::uint64_t now_ms) const;
  void probe_sent(const std::string& id, Presence& presence, std::uint64_t now_ms);
  /// When due() will have one; Presence::kNever: not by time alone.
  std::uint64_t wake_ms() const { return queue_.empty() ? Presence::kNever : queue_.begin()->first; }

  /// Devices that answered a challenge and were not heard to go since.
  std::size_t online() const { return online_; }
  /// Devices that announced themselves and have not answered.
  std::size_t unconfirmed() const { return queue_.size(); }

 private:
  void challenge(const std::string& id, const crypto::Key& key, Presence& presence, std::uint64_t now_ms);
  void schedule(const std::string& id, Presence& presence, std::uint64_t at_ms);
  void set_online(Presence& presence, bool online);

  std::uint64_t nonce_;
  std::uint64_t challenges_ = 0;
  std::size_t online_ = 0;
  std::set<std::pair<std::uint64_t, std::string>> queue_;  // by probe_ms
};

}  // namespace skink::coordinator
