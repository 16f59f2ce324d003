#include "skink/coordinator/core/presence.hpp"

#include <algorithm>

#include "skink/common/little_endian.hpp"
#include "skink/common/wire/messages.hpp"

namespace skink::coordinator {
namespace {

constexpr std::uint64_t kFirstProbeAgainMs = 5000;
constexpr std::uint64_t kLongestProbeAgainMs = 60000;
constexpr std::uint32_t kProbesInDoubt = 3;

/// Unpredictable without the device's key, so no answer can have been recorded before it was asked for. Never 0.
std::uint64_t make_challenge(const crypto::Key& key, std::uint64_t nonce, std::uint64_t number) {
  static constexpr std::uint8_t kLabel[] = {'s', 'k', 'i', 'n', 'k', '/', '1', '/',
                                            'p', 'r', 'e', 's', 'e', 'n', 'c', 'e'};
  std::uint8_t numbers[16];
  store_u64(numbers, nonce);
  store_u64(numbers + 8, number);
  const Bytes parts[] = {Bytes(kLabel), Bytes(numbers)};
  const std::uint64_t challenge = crypto::prefix_of(crypto::hmac_sha256(key, parts));
  return challenge == 0 ? 1 : challenge;
}

}  // namespace

void PresenceBook::set_online(Presence& presence, bool online) {
  online_ += static_cast<std::size_t>(online) - static_cast<std::size_t>(presence.online);
  presence.online = online;
}

void PresenceBook::schedule(const std::string& id, Presence& presence, std::uint64_t at_ms) {
  if (presence.probe_ms != Presence::kNever) queue_.erase({presence.probe_ms, id});
  presence.probe_ms = at_ms;
  if (at_ms != Presence::kNever) queue_.emplace(at_ms, id);
}

void PresenceBook::challenge(const std::string& id, const crypto::Key& key, Presence& presence, std::uint64_t now_ms) {
  presence.challenge = make_challenge(key, nonce_, challenges_++);
  presence.probes = 0;
  presence.doubted = false;
  schedule(id, presence, now_ms);
}

bool PresenceBook::on_birth(const std::string& id, const crypto::Key& key, Presence& presence, std::uint64_t answer,
                            std::uint64_t now_ms) {
  if (presence.challenge == 0 || answer != presence.challenge) {
    const bool is_asked = presence.probe_ms != Presence::kNever;
    if (is_asked && answer == 0) {  // it has connected anew: it may not have got the challenge
      schedule(id, presence, now_ms);
    } else if (presence.challenge == 0 || answer == 0) {
      challenge(id, key, presence, now_ms);
    }
    return false;  // an answer to an older challenge was under way; were it asked anew, two of them would never end
  }
  schedule(id, presence, Presence::kNever);
  presence.seen = true;
  presence.expected = false;
  set_online(presence, true);
  return true;
}

void PresenceBook::on_gone(const std::string& id, Presence& presence, std::uint64_t now_ms) {
  schedule(id, presence, Presence::kNever);
  presence.challenge = 0;
  presence.expected = false;
  if (presence.online || !presence.seen) presence.offline_since_ms = now_ms;
  presence.seen = true;
  set_online(presence, false);
}

void PresenceBook::on_will(const std::string& id, const crypto::Key& key, Presence& presence, std::uint64_t now_ms) {
  const bool was_there = presence.online;
  on_gone(id, presence, now_ms);
  if (!was_there) return;
  challenge(id, key, presence, now_ms);
  presence.doubted = true;
}

void PresenceBook::on_silence(const std::string& id, const crypto::Key& key, Presence& presence, std::uint64_t now_ms) {
  if (presence.seen && !presence.online) return;
  on_gone(id, presence, now_ms);
  challenge(id, key, presence, now_ms);
}

void PresenceBook::on_sign_of_life(const std::string& id, Presence& presence, std::uint64_t now_ms) {
  if (presence.online || presence.challenge == 0 || presence.probes < 2) return;
  presence.probes = 0;
  schedule(id, presence, now_ms);
}

void PresenceBook::on_connected(const std::string& id, const crypto::Key& key, Presence& presence,
                                std::uint64_t now_ms) {
  const bool was_there = presence.online;
  if (was_there) on_gone(id, presence, now_ms);
  schedule(id, presence, Presence::kNever);
  presence.challenge = 0;
  presence.expected = was_there || presence.expected;
  if (was_there) challenge(id, key, presence, now_ms);
}

std::string_view PresenceBook::due(std::uint64_t now_ms) const {
  return queue_.empty() || queue_.begin()->first > now_ms ? std::string_view() : queue_.begin()->second;
}

void PresenceBook::probe_sent(const std::string& id, Presence& presence, std::uint64_t now_ms) {
  const std::uint64_t wait = std::min(kFirstProbeAgainMs << std::min(presence.probes, 10U), kLongestProbeAgainMs);
  ++presence.probes;
  const bool is_over = presence.doubted && presence.probes >= kProbesInDoubt;
  schedule(id, presence, is_over ? Presence::kNever : now_ms + wait);
}

}  // namespace skink::coordinator
