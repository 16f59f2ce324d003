#include "skink/coordinator/service/fleet_renewals.hpp"

#include <fmt/format.h>

#include <chrono>
#include <ctime>
#include <utility>

#include "skink/common/wire/messages.hpp"
#include "skink/coordinator/provisioning/renewal.hpp"
#include "skink/coordinator/provisioning/revoked_list.hpp"
#include "skink/host/program/time_of_day.hpp"

namespace skink::coordinator {
namespace {

constexpr std::uint32_t kPage = 500;
constexpr std::uint32_t kMostAnswers = 8;  // a device that asks for more of one renewal has something else in mind
constexpr std::uint64_t kRetryMs = 5000;
constexpr std::chrono::milliseconds kLongestAnswers(100);
constexpr std::uint64_t kCheckMs = 3'600'000;
constexpr std::int64_t kDayS = 86400;

/// A refusal may pass; it is asked again on another day.
bool was_refused_today(const RenewalRow& row) {
  return row.phase == RenewalPhase::kRefused && row.since.substr(0, 10) == utc_now().substr(0, 10);
}

std::uint64_t name_of(const std::vector<std::uint8_t>& certificate) {
  return crypto::prefix_of(crypto::sha256({certificate.data(), certificate.size()}));
}

}  // namespace

Result<void> FleetRenewals::read() {
  std::string after;
  for (;;) {
    const auto rows = store_.renewals(after, kPage);
    if (!rows) return rows.error();
    for (const RenewalRow& row : *rows) standing_[row.device].row = row;
    if (rows->size() < kPage) return {};
    after = rows->back().device;
  }
}

Result<void> FleetRenewals::set(Standing& standing, RenewalPhase phase, const std::string& reason) {
  standing.row.phase = phase;
  standing.row.reason = reason;
  standing.row.since = utc_now();
  return store_.note_renewal(standing.row);
}

Result<std::uint32_t> FleetRenewals::ask(const std::string& id) {
  if (settings_.certificates_pki.empty()) {
    return make_error(Status::kInvalidArgument,
                      "there is no authority to sign with: name the folder with ca.key as [certificates] pki in the "
                      "configuration, and start the service again");
  }
  // The file, for the list that is known may be a second old.
  const auto revoked = settings_.revoked.empty() ? RevokedIds() : provisioning::read_revoked_list(settings_.revoked);
  if (!revoked) return revoked.error();
  if (devices_.is_revoked(id) || revoked->contains(id)) {
    return make_error(Status::kInvalidArgument, id + " is revoked, for good");
  }
  auto authorities = provisioning::signed_authorities(settings_.certificates_pki);
  if (!authorities) return authorities.error();
  authorities_ = std::move(*authorities);
  Standing& standing = standing_[id];
  standing.row.device = id;
  if (standing.row.number != 0 && standing.row.phase == RenewalPhase::kAsked) {
    publish(standing);
    return standing.row.number;
  }
  standing.answers = 0;
  standing.began_again = false;
  const auto begun = begin(standing, standing.row.number + 1);
  if (!begun) return begun.error();
  return standing.row.number;
}

Result<void> FleetRenewals::begin(Standing& standing, std::uint32_t number) {
  standing.row.number = number;
  standing.row.certificate.clear();
  standing.row.valid_until.clear();
  standing.request.clear();
  auto noted = set(standing, RenewalPhase::kAsked, "");
  if (noted) publish(standing);
  return noted;
}

// ---- the broker -----------------------------------------------------------------------------------------------------

void FleetRenewals::publish() {
  if (settings_.certificates_pki.empty()) return;
  auto authorities = provisioning::signed_authorities(settings_.certificates_pki);
  if (authorities) authorities_ = std::move(*authorities);
  if (!authorities) say_("error", "device.renewal_failed", authorities.error().message, "");
  for (const auto& [id, standing] : standing_) {
    if (is_open(standing.row)) publish(standing);
  }
}

void FleetRenewals::publish(const Standing& standing) {
  const RenewalRow& row = standing.row;
  wire::Renewal renewal;
  renewal.number = row.number;
  renewal.authorities = {reinterpret_cast<const std::uint8_t*>(authorities_.data()), authorities_.size()};
  renewal.certificate = {row.certificate.data(), row.certificate.size()};
  Publish message;
  message.topic = wire::TopicKind::kRenewal;
  message.device_id = row.device;
  message.retain = true;
  message.payload.resize(wire::kMaxRenewalMessageBytes);
  std::size_t written = 0;
  const MutableBytes out{message.payload.data(), message.payload.size()};
  const Status encoded =
      wire::encode_renewal(renewal, {message.device_id.c_str(), devices_.key_of(row.device)}, out, written);
  if (encoded != Status::kOk) {
    say_("error", "device.renewal_failed",
         fmt::format("{}: authorities and certificate do not fit in a message of {} bytes", row.device,
                     wire::kMaxRenewalMessageBytes),
         row.device);
    return;
  }
  message.payload.resize(written);
  broker_.publish(std::move(message));
}

/// Neither the question nor the answer is needed any more.
void FleetRenewals::withdraw(const std::string& id) {
  for (const wire::TopicKind topic : {wire::TopicKind::kRenewal, wire::TopicKind::kCredentials}) {
    Publish message;
    message.topic = topic;
    message.device_id = id;
    message.retain = true;
    broker_.publish(std::move(message));
  }
}

// ---- devices --------------------------------------------------------------------------------------------------------

Result<void> FleetRenewals::on_credentials(const std::string& id, Bytes message, std::uint64_t now_ms) {
  const auto found = standing_.find(id);
  if (found == standing_.end() || devices_.is_revoked(id) || settings_.certificates_pki.empty()) return {};
  wire::Credentials said;
  if (wire::decode_credentials(message, {id.c_str(), devices_.key_of(id)}, said) != Status::kOk) return {};
  Standing& standing = found->second;
  if (!is_open(standing.row) || said.number == ~std::uint32_t{0}) return {};
  const bool is_over = said.number == standing.row.number && standing.row.phase == RenewalPhase::kAsked &&
                       said.request.empty() && said.reason == wire::Refusal::kNone;
  if (said.number > standing.row.number || is_over) {  // this store was restored from a backup
    return begin(standing, said.number + 1);
  }
  return said.number == standing.row.number ? take(standing, said, now_ms) : Result<void>();
}

Result<void> FleetRenewals::take(Standing& standing, const wire::Credentials& said, std::uint64_t now_ms) {
  const RenewalRow& row = standing.row;
  const Bytes issued{row.certificate.data(), row.certificate.size()};
  const bool is_certified = !said.request.empty() && provisioning::certifies(issued, said.request);
  if (said.reason == wire::Refusal::kWrongCertificate && !said.request.empty()) {
    // One that crossed its request, or of an authority that it has not heard of yet.
    if (!is_certified) return keep_request(standing, said.request, now_ms);
    if (!std::exchange(standing.began_again, true)) return begin(standing, row.number + 1);
  }
  if (said.reason != wire::Refusal::kNone) {
    std::string reason = wire::refusal_text(said.reason);
    if (said.reason == wire::Refusal::kOlderRelease) {
      reason +=
          "; it knows whom to trust from a later list, so the folder of keys is that of an older backup: "
          "'skinkctl certificates sign-authorities', then 'skinkctl renewals ask'";
    }
    say_("warning", "device.renewal_refused", fmt::format("{} refuses its renewal: {}", row.device, reason),
         row.device);
    withdraw(row.device);
    return set(standing, RenewalPhase::kRefused, reason);
  }
  if (is_certified) {  // the broker has kept it: the answer is on its way, or the device was away
    publish(standing);
    return {};
  }
  if (!said.request.empty()) return keep_request(standing, said.request, now_ms);
  if (row.phase != RenewalPhase::kIssued) return {};
  if (said.certificate != name_of(row.certificate)) {
    const std::string trouble = "it still connects with its old certificate: does the broker trust the authority?";
    if (standing.trouble != trouble) {
      say_("warning", "device.renewal_waits", fmt::format("{}: {}", row.device, trouble), row.device);
    }
    standing.trouble = trouble;
    return {};
  }
  const auto confirmed = provisioning::confirm_certificate(settings_.certificates_pki, row.device, issued);
  if (!confirmed) {  // said again with its next connection
    say_("error", "device.renewal_failed", fmt::format("{}: {}", row.device, confirmed.error().message), row.device);
    return {};
  }
  say_("info", "device.renewed",
       fmt::format("{} has connected with its new certificate, valid until {}", row.device, row.valid_until),
       row.device);
  withdraw(row.device);
  return set(standing, RenewalPhase::kDone, "");
}

/// Answered by on_time(), a few at a time, for a round must not wait for many.
Result<void> FleetRenewals::keep_request(Standing& standing, Bytes request, std::uint64_t now_ms) {
  standing.request.assign(request.begin(), request.end());
  standing.retry_ms = now_ms;
  return {};
}

/// Also a second time: a device that has lost its key asks again.
Result<void> FleetRenewals::answer(Standing& standing, std::uint64_t now_ms) {
  RenewalRow& row = standing.row;
  const std::vector<std::uint8_t> request = std::exchange(standing.request, {});
  if (standing.answers == kMostAnswers) {
    withdraw(row.device);
    return set(standing, RenewalPhase::kRefused,
               fmt::format("it has asked for {} certificates and used none", kMostAnswers));
  }
  auto issued = provisioning::answer_request(settings_.certificates_pki, row.device, {request.data(), request.size()},
                                             settings_.certificate_days);
  if (!issued && issued.error().code == make_error_code(Status::kInvalidArgument)) {
    say_("warning", "device.renewal_refused", issued.error().message, row.device);
    withdraw(row.device);
    return set(standing, RenewalPhase::kRefused, issued.error().message);
  }
  if (!issued) {
    if (standing.trouble != issued.error().message) {
      say_("error", "device.renewal_failed",
           fmt::format("{}: {}; it is tried again", row.device, issued.error().message), row.device);
    }
    standing.trouble = issued.error().message;
    standing.request = request;
    standing.retry_ms = now_ms + kRetryMs;
    return {};
  }
  ++standing.answers;
  standing.trouble.clear();
  row.certificate = std::move(issued->der);
  row.valid_until = issued->valid_until;
  auto noted = set(standing, RenewalPhase::kIssued, "");
  if (noted) publish(standing);
  return noted;
}

// ---- time -----------------------------------------------------------------------------------------------------------

Result<void> FleetRenewals::on_time(std::uint64_t now_ms) {
  const auto begin = std::chrono::steady_clock::now();
  for (auto& [id, standing] : standing_) {
    if (standing.request.empty() || now_ms < standing.retry_ms) continue;
    auto done = answer(standing, now_ms);
    if (!done) return done;
    if (std::chrono::steady_clock::now() - begin > kLongestAnswers) break;  // the others with the next turn
  }
  if (checked_ms_ != 0 && now_ms - checked_ms_ < kCheckMs) return {};
  checked_ms_ = now_ms;
  return ask_those_that_end();
}

Result<void> FleetRenewals::ask_those_that_end() {
  if (settings_.certificates_pki.empty() || settings_.renew_days == 0) return {};
  const std::int64_t now = std::time(nullptr);
  const std::int64_t limit = now + std::int64_t{settings_.renew_days} * kDayS;
  const auto authority_end = provisioning::end_of_authority(settings_.certificates_pki);
  if (!authority_end) {
    say_("error", "device.renewal_failed", authority_end.error().message, "");
    return {};
  }
  const std::int64_t possible = std::min(now + std::int64_t{settings_.certificate_days} * kDayS, *authority_end);
  bool is_in_vain = false;
  std::string after;
  for (;;) {
    const auto devices = store_.devices(after, kPage);
    if (!devices) return devices.error();
    for (const FleetDevice& device : *devices) {
      const std::string& id = device.row.id;
      const auto end = provisioning::end_of_certificate(settings_.certificates_pki, id);
      const auto standing = standing_.find(id);
      const bool stands =
          standing != standing_.end() && (is_open(standing->second.row) || was_refused_today(standing->second.row));
      if (!end || *end > limit || stands || devices_.is_revoked(id)) continue;  // another authority's, or nobody's
      if (possible - *end < std::int64_t{settings_.renew_days} * kDayS / 2) {   // it would be due again at once
        is_in_vain = true;
        continue;
      }
      const auto number = ask(id);
      if (!number && number.error().cause == Cause::kStore) return number.error();
      say_(number ? "info" : "error", number ? "device.renewal" : "device.renewal_failed",
           number ? fmt::format("{}: its certificate ends soon and is renewed", id) : number.error().message, id);
    }
    if (devices->size() < kPage) break;
    after = devices->back().row.id;
  }
  if (is_in_vain) {
    say_("error", "device.renewal_failed",
         "certificates of devices end soon, and new ones would not hold much longer, for the authority ends: 'skinkctl "
         "certificates next-authority'",
         "");
  }
  return {};
}

}  // namespace skink::coordinator
