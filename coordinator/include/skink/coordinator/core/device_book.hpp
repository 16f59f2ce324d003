#pragma once
/// @file
/// What the coordinator knows of devices: their keys, who is there, who belongs to the run, who is revoked, and what
/// each has and was told. docs/protocol.md, section 4. No I/O.

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "skink/common/crypto/crypto.hpp"
#include "skink/common/wire/messages.hpp"
#include "skink/coordinator/core/presence.hpp"
#include "skink/coordinator/core/revoked_ids.hpp"
#include "skink/host/experiment/membership.hpp"

namespace skink::coordinator {

/// A device came, went, or fell silent.
struct DeviceNews {
  std::string id;
  bool online = false;
  wire::State birth{};  ///< when it is online
};

/// The last update of a device that was taken or refused for good, and what it is told when it sends it again.
struct SettledUpdate {
  wire::RoundId id;
  wire::Refusal verdict = wire::Refusal::kNone;  ///< kNone: it was taken
};

/// Messages refused, by reason.
using RefusalCounts = std::array<std::uint64_t, wire::kRefusalCount>;

/// One device, as far as the coordinator knows it.
struct KnownDevice {
  std::string id;
  crypto::Key key;
  Presence presence;
  std::string firmware;              ///< as its last birth said
  bool selected = true;              ///< it may be in a roster that is frozen now
  bool has_samples = true;           ///< false: its last birth said that it has none of its own
  std::uint32_t misses = 0;          ///< deadlines in a row that it missed
  std::uint64_t rests_until_ms = 0;  ///< for them it is not asked before
  wire::RoundId last_task;           ///< as its last birth said; run 0: it does not say
  // of the run
  bool reported_late_join = false;
  wire::Refusal refused = wire::Refusal::kNone;  ///< why it did not do its last task of this run; kNone: it did
  std::optional<crypto::Digest> model_sent;      ///< the model that its last task named
  std::optional<wire::RoundId> repeated_in;      ///< the last task whose repeated chunks are counted
  std::optional<crypto::Digest> base;  ///< the model it has, as far as known: it said so, or has worked with it
  std::optional<SettledUpdate> settled;
  std::optional<wire::RoundId> unexpected;  ///< the last update that nobody asked for and that was answered
  std::uint32_t accepted_round = 0;         ///< 1 + the last finished round that took its update; error feedback
};

/// All devices of which something authentic came, and the members of the roster.
class DeviceBook {
 public:
  /// @param[in] fleet  its name: device keys follow from it and the master key.
  /// @param[in] nonce  differs from that of every other process that led this fleet (PresenceBook).
  DeviceBook(const crypto::Key& master_key, std::string fleet, std::uint64_t nonce)
      : master_key_(master_key), fleet_(std::move(fleet)), presence_(nonce) {}

  /// The device's own key: HKDF-SHA256 of master key, fleet and id (docs/protocol.md, section 2).
  crypto::Key key_of(std::string_view id) const;
  /// Null: nothing authentic ever came from it, and it is in no roster. The pointer stays valid
  /// until forget().
  KnownDevice* find(std::string_view id);
  const KnownDevice* find(std::string_view id) const;
  /// The known device, or one that is known from now on. A device costs memory from here on: only for authentic ids.
  KnownDevice& add(std::string_view id);

  // ---- roster

  /// Nobody is in a roster, and nothing is known of what a run told devices: another one begins.
  void begin_run();
  /// Decides for each known device, and those that become known, whether a roster may have it; empty: every one.
  void select(std::function<bool(const KnownDevice&)> selection);
  /// Devices that are online and selected.
  std::size_t selected_online() const;
  /// Ids of the first `count` of these, in ascending order.
  std::vector<std::string> online_ids(std::size_t count) const;
  /// @param[in] roster    sorted ids, not empty.
  /// @param[in] fleet   held_out is below roster.size().
  void adopt_roster(std::vector<std::string> roster, std::uint64_t seed, const FleetConfig& fleet);
  /// Empty: it is not frozen yet.
  const std::vector<std::string>& roster() const { return roster_; }
  bool is_member(std::string_view id) const { return index_of(id).has_value(); }
  /// Its place in the roster; none: it is not in it.
  std::optional<std::uint32_t> index_of(std::string_view id) const;
  const Membership& membership() const { return membership_; }
  /// @param[in] index  below roster().size().
  KnownDevice& at(std::uint32_t index) { return *members_[index]; }

  // ---- presence

  /// An authentic birth came. @returns whether it answers our challenge: the device is there, now.
  bool on_birth(KnownDevice& device, const wire::State& birth, std::uint64_t now_ms);
  /// It was revoked.
  void on_gone(KnownDevice& device, std::uint64_t now_ms);
  /// Its last will came: offline until it answers a challenge.
  void on_will(KnownDevice& device, std::uint64_t now_ms);
  /// It did not answer a task in time: offline until it answers a challenge.
  void on_silence(KnownDevice& device, std::uint64_t now_ms);
  void on_sign_of_life(KnownDevice& device, std::uint64_t now_ms);
  /// The coordinator has connected (again): challenges that are open prove nothing any more, and whoever was there has
  /// to say so again.
  void on_connected(std::uint64_t now_ms);
  /// It missed a deadline, heard or not: it rests for 4, 16, 64, ... deadlines, a day at most, so that it costs a fleet
  /// a fifth of its time at first, and less and less.
  /// @returns how long, in milliseconds.
  std::uint64_t on_miss(KnownDevice& device, std::uint64_t deadline_ms, std::uint64_t now_ms);
  /// It did what it was asked.
  void on_answer(KnownDevice& device) { device.misses = 0, device.rests_until_ms = 0; }
  /// The next device whose challenge is to be sent now; null: none. Each must be told to probe_sent().
  KnownDevice* due_probe(std::uint64_t now_ms);
  void probe_sent(KnownDevice& device, std::uint64_t now_ms) {
    presence_.probe_sent(device.id, device.presence, now_ms);
  }
  std::uint64_t wake_ms() const { return presence_.wake_ms(); }
  /// Those that answered a challenge and were not heard to go since.
  std::size_t online() const { return presence_.online(); }
  /// The last task that any device which answered a challenge says it took, of runs up to `limit`; run 0: none says.
  wire::RoundId last_task(std::uint64_t limit) const;
  /// Those that announced themselves, perhaps long ago, and have not answered yet.
  std::size_t unconfirmed() const { return presence_.unconfirmed(); }
  /// Calls `visit` for each known device, by ascending id.
  void for_each(const std::function<void(const KnownDevice&)>& visit) const;
  /// What happened since the last call, oldest first.
  std::vector<DeviceNews> take_news() { return std::exchange(news_, {}); }

  /// Nothing is known of it any more, not even that it may not be asked; it is in no roster of a run that is open, and
  /// was not revoked. Should something authentic come from it, it is new.
  void forget(const std::string& id, std::uint64_t now_ms);

  // ---- revocation

  /// @returns the known devices among those that were not revoked before.
  std::vector<KnownDevice*> revoke(const RevokedIds& ids);
  bool is_revoked(std::string_view id) const { return revoked_.find(id) != revoked_.end(); }

  // ---- exclusion, which can be taken back

  /// It is asked for nothing, or may be again.
  void exclude(const std::string& id, bool is_excluded);
  bool is_excluded(std::string_view id) const { return excluded_.find(id) != excluded_.end(); }
  /// Nothing may be asked of it: it is revoked or excluded.
  bool is_barred(const KnownDevice& device) const { return is_revoked(device.id) || is_excluded(device.id); }
  /// Barred, known to be offline, at rest or without samples. Not one that is expected back after a lost connection.
  bool is_away(const KnownDevice& device, std::uint64_t now_ms) const {
    const Presence& presence = device.presence;
    const bool is_gone = presence.seen && !presence.online && !presence.expected;
    return is_barred(device) || is_gone || now_ms < device.rests_until_ms || !device.has_samples;
  }
  /// Nothing was heard of it since the coordinator has connected, and nothing says that it went.
  static bool is_expected(const KnownDevice& device) { return !device.presence.seen || device.presence.expected; }
  /// Since when nothing says that it is there: when it went, or when the coordinator has connected.
  std::uint64_t away_since_ms(const KnownDevice& device) const {
    return device.presence.seen ? device.presence.offline_since_ms : expected_ms_;
  }

 private:
  crypto::Key master_key_;
  std::string fleet_;
  std::function<bool(const KnownDevice&)> selection_;
  RevokedIds revoked_;
  RevokedIds excluded_;
  std::map<std::string, KnownDevice, std::less<>> devices_;  // node-based: pointers stay valid
  std::vector<std::string> roster_;
  std::vector<KnownDevice*> members_;  // by roster index
  Membership membership_;
  PresenceBook presence_;
  std::uint64_t expected_ms_ = 0;
  std::vector<DeviceNews> news_;
};

}  // namespace skink::coordinator
