#pragma once
/// @file
/// Who leads a fleet: a claim that the broker keeps (docs/protocol.md, section 4, "Lease"). A broker lets one client of
/// a name in, so two coordinators of one fleet would throw each other out for ever; with the lease one stands by.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "skink/common/crypto/crypto.hpp"

namespace skink::coordinator {

/// Who claims a fleet.
struct Claimant {
  std::string id;     ///< 32 hexadecimal digits: the same after a restart, others for a copy in another place
  std::string where;  ///< for people: host and path
};

/// The claimant that keeps its state at `path`, a file or folder that it has locked, on this machine.
Claimant claimant_of(const std::string& path);

/// One coordinator's view of the lease. Knows neither broker nor clock: is told what comes and what time it is, and
/// says what to publish on the claim's topic.
class Lease {
 public:
  /// Where it stands with the fleet.
  enum class Standing : std::uint8_t {
    kApart,   ///< not connected
    kAsking,  ///< connected; the broker has not yet said what it keeps
    kLeads,   ///< the fleet may be asked
    kStandby  ///< another one leads: the connection is to be ended, and made again when is_look_due()
  };

  /// How long the broker may take to say what it keeps; a broker whose access list forbids the topic never does.
  static constexpr std::uint64_t kAnswerMs = 5000;
  /// From one look to the next while standing by, doubled each time: another one whose connection the look has ended is
  /// back by then, and has renewed its claim.
  static constexpr std::uint64_t kFirstLookMs = 15000;
  static constexpr std::uint64_t kLongestLookMs = 240000;

  /// @param[in] key    of the coordinator's codes: crypto::device_key() of kKeyId. Claims with another code are none
  /// @param[in] nonce  of this process; never used before
  Lease(Claimant me, const crypto::Key& key, std::string nonce)
      : me_(std::move(me)), key_(key), nonce_(std::move(nonce)) {}

  /// For whom the key is derived: the common name of the coordinator's certificate, which no device has.
  static constexpr const char* kKeyId = "coordinator";

  /// The connection is there, and the topic is subscribed to. @returns what to publish on it, not retained: when it
  /// comes back, what the broker keeps has come before it.
  std::string on_connected(std::uint64_t now_ms);
  void on_disconnected();
  /// A message on the topic. What is none of ours is ignored.
  void on_message(std::string_view text, bool is_retained, std::uint64_t now_ms);
  void on_time(std::uint64_t now_ms);

  /// Changes in on_connected(), on_disconnected(), on_message(), on_time() and begin_look() only.
  Standing standing() const { return standing_; }
  /// May this one ask the fleet?
  bool leads() const { return standing_ == Standing::kLeads; }
  /// From the first claim of another one that was found until this one leads, also while it looks again.
  bool stands_by() const { return has_looked_; }
  bool is_look_due(std::uint64_t now_ms) const { return standing_ == Standing::kStandby && now_ms >= look_ms_; }
  /// The connection is about to be made again.
  void begin_look() { standing_ = Standing::kApart; }
  /// What the broker is to keep now, once after each change of the standing; empty: nothing. It keeps nothing for a
  /// coordinator that ends by itself.
  std::string take_claim();
  /// Standing by: who leads. Leading: who wants to. Empty: nobody else is known.
  const std::string& other() const { return other_; }
  /// Leading, although the broker does not say what it keeps.
  bool is_unanswered() const { return leads() && !is_answered_; }

 private:
  struct Claim {
    std::string id;
    std::string where;
    std::uint64_t count = 0;
    std::string rival;
    bool operator==(const Claim& other) const { return id == other.id && count == other.count; }
  };
  std::optional<Claim> parse_claim(std::string_view text) const;
  std::string text_of(const Claim& claim) const;
  std::string code_of(const Claim& claim) const;
  void decide(std::uint64_t now_ms);

  Claimant me_;
  crypto::Key key_;
  std::string nonce_;
  Standing standing_ = Standing::kApart;
  std::uint64_t asked_ms_ = 0;
  bool is_answered_ = false;
  std::optional<Claim> kept_;       // what the broker keeps, as far as it said
  bool has_looked_ = false;         // and it was another's claim
  std::optional<Claim> last_look_;  // what the broker kept then
  std::uint64_t look_ms_ = 0;
  std::uint64_t look_after_ms_ = kFirstLookMs;
  std::string claim_;  // to be published
  std::string other_;
};

}  // namespace skink::coordinator
