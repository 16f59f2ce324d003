#include "skink/coordinator/service/lease.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <filesystem>

#include "skink/common/crypto/crypto.hpp"
#include "skink/host/files/files.hpp"
#include "skink/host/program/printable.hpp"

namespace skink::coordinator {
namespace {

constexpr std::size_t kMostClaimBytes = 4096;
constexpr std::size_t kMostPlaceBytes = 200;
constexpr std::size_t kIdDigits = 32;
constexpr std::size_t kCodeDigits = 32;
constexpr std::string_view kLabel = "skink/1/lease";
constexpr std::int64_t kMostCount = std::int64_t{1} << 53;

Bytes bytes_of(std::string_view text) { return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}; }

/// The first digits of a digest.
std::string hex_of(const crypto::Digest& digest, std::size_t digits) {
  char text[2 * crypto::kDigestBytes + 1];
  crypto::to_hex(digest, text);
  return {text, digits};
}

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

/// A text of a claim, as it stands there; none that moves a terminal.
std::optional<std::string> text_in(const boost::json::object& claim, const char* key) {
  const boost::json::value* value = claim.if_contains(key);
  if (value == nullptr || !value->is_string()) return std::nullopt;
  std::string text(value->get_string());
  if (printable(text) != text) return std::nullopt;
  return text;
}

}  // namespace

Claimant claimant_of(const std::string& path) {
  std::error_code ignored;
  const std::filesystem::path whole = std::filesystem::weakly_canonical(path, ignored);
  const std::string host = host_name();
  const std::string place = host + ":" + (ignored ? path : whole.string());
  const auto machine = read_file("/etc/machine-id");
  const std::string all = (machine ? *machine : std::string()) + "\n" + place;
  return {hex_of(crypto::sha256(bytes_of(all)), kIdDigits),
          printable(std::string_view(place).substr(0, kMostPlaceBytes))};
}

std::string Lease::on_connected(std::uint64_t now_ms) {
  standing_ = Standing::kAsking;
  asked_ms_ = now_ms;
  is_answered_ = false;
  kept_.reset();
  return boost::json::serialize(boost::json::object{{"asks", nonce_}});
}

void Lease::on_disconnected() {
  if (standing_ == Standing::kStandby) return;
  standing_ = Standing::kApart;
  claim_.clear();
}

void Lease::on_message(std::string_view text, bool is_retained, std::uint64_t now_ms) {
  if (standing_ != Standing::kAsking) return;
  if (is_retained) {
    kept_ = parse_claim(text);
    return;
  }
  boost::json::error_code code;
  const boost::json::value value = boost::json::parse(text.substr(0, kMostClaimBytes), code);
  if (code || !value.is_object()) return;
  const auto asks = text_in(value.get_object(), "asks");
  if (!asks || *asks != nonce_) return;
  is_answered_ = true;
  decide(now_ms);
}

void Lease::on_time(std::uint64_t now_ms) {
  if (standing_ == Standing::kAsking && now_ms - asked_ms_ >= kAnswerMs) decide(now_ms);
}

void Lease::decide(std::uint64_t now_ms) {
  const bool is_mine = kept_ && kept_->id == me_.id;
  const bool is_free = is_mine || !kept_;
  const bool is_left = has_looked_ && kept_ == last_look_;  // nobody has renewed it since
  // Who stands by does not take a broker's word that it keeps nothing: it may have forgotten all, and the other one is
  // about to be back.
  if (is_mine || is_left || (is_free && !has_looked_)) {
    standing_ = Standing::kLeads;
    other_ = is_mine ? kept_->rival : "";
    const std::uint64_t count = kept_ ? kept_->count : 0;
    claim_ = text_of({me_.id, me_.where, count + 1, ""});
    has_looked_ = false;
    last_look_.reset();
    look_after_ms_ = kFirstLookMs;
    return;
  }
  standing_ = Standing::kStandby;
  if (kept_) {
    other_ = kept_->where;
    claim_ = text_of({kept_->id, kept_->where, kept_->count, me_.where});
  }
  if (!kept_) look_after_ms_ = kFirstLookMs;  // it seems to have ended: soon it is certain
  look_ms_ = now_ms + look_after_ms_;
  look_after_ms_ = std::min(2 * look_after_ms_, kLongestLookMs);
  has_looked_ = true;
  last_look_ = kept_;
}

std::string Lease::take_claim() { return std::exchange(claim_, {}); }

std::optional<Lease::Claim> Lease::parse_claim(std::string_view text) const {
  if (text.size() > kMostClaimBytes) return std::nullopt;
  boost::json::error_code code;
  const boost::json::value value = boost::json::parse(text, code);
  if (code || !value.is_object()) return std::nullopt;
  const boost::json::object& object = value.get_object();
  const auto id = text_in(object, "holder");
  const auto where = text_in(object, "where");
  const boost::json::value* count = object.if_contains("count");
  if (!id || id->size() != kIdDigits || !where || count == nullptr || !count->is_int64() || count->get_int64() < 0 ||
      count->get_int64() > kMostCount) {
    return std::nullopt;
  }
  Claim claim{*id, *where, static_cast<std::uint64_t>(count->get_int64()), text_in(object, "rival").value_or("")};
  const auto code_said = text_in(object, "code");
  if (!code_said || *code_said != code_of(claim)) return std::nullopt;
  return claim;
}

/// None of the parts has a line end.
std::string Lease::code_of(const Claim& claim) const {
  const std::string message = claim.id + "\n" + claim.where + "\n" + std::to_string(claim.count) + "\n" + claim.rival;
  const std::string label = std::string(kLabel) + '\0';
  const Bytes parts[] = {bytes_of(label), bytes_of(message)};
  return hex_of(crypto::hmac_sha256(key_, {parts, 2}), kCodeDigits);
}

std::string Lease::text_of(const Claim& claim) const {
  boost::json::object object{
      {"holder", claim.id}, {"where", claim.where}, {"count", claim.count}, {"code", code_of(claim)}};
  if (!claim.rival.empty()) object["rival"] = claim.rival;
  return boost::json::serialize(object);
}

}  // namespace skink::coordinator
