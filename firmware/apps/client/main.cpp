/// @file
/// The life of a device: reads its identity, opens its flash, and takes part. The work is in Device and Uplink. Where
/// samples come from, and what is done between rounds, another file of the image says (app.hpp).

#include "skink/common/arithmetic/canary.hpp"
#include "skink/common/provisioning/identity.hpp"
#include "skink/common/wire/battery.hpp"
#include "skink/firmware/app.hpp"
#include "skink/firmware/console.hpp"
#include "skink/firmware/device.hpp"
#include "skink/firmware/memory.hpp"
#include "skink/firmware/model_release.hpp"
#include "skink/firmware/net/clock.hpp"
#include "skink/firmware/net/ip_network.hpp"
#include "skink/firmware/net/tls_memory.hpp"
#include "skink/firmware/net/tls_stream.hpp"
#include "skink/firmware/net/uplink.hpp"
#include "skink/firmware/port.hpp"
#include "skink/firmware/vector_flash.hpp"

/// Sectors of each of the two places for a release in flash, before those of residuals; 0: the device takes none.
#ifndef SKINK_RELEASE_SECTORS
#define SKINK_RELEASE_SECTORS 0
#endif

/// Sectors of each of the two places for a residual in flash, after those of releases; 0: residuals stay in the arena.
#ifndef SKINK_RESIDUAL_SECTORS
#define SKINK_RESIDUAL_SECTORS 0
#endif

/// Sectors of each of the two places for adapted weights in flash, after those of residuals; 0: a reset forgets them.
#ifndef SKINK_PERSONAL_SECTORS
#define SKINK_PERSONAL_SECTORS 0
#endif

/// Sectors of each of the two places for credentials in flash, after those of adapted weights, and RAM for them; 0: the
/// certificate is the identity's for good. Of the port, for mbedTLS is built for it.
#ifndef SKINK_CREDENTIAL_SECTORS
#define SKINK_CREDENTIAL_SECTORS 0
#endif

/// ConnectionPolicy: seconds between two connections, 0: it stays connected; and for which it waits for a task.
#ifndef SKINK_SLEEP_S
#define SKINK_SLEEP_S 0
#endif
#ifndef SKINK_LISTEN_S
#define SKINK_LISTEN_S 60
#endif

/// Sectors at the end of storage that are the image's own: own_storage().
#ifndef SKINK_SAMPLE_SECTORS
#define SKINK_SAMPLE_SECTORS 0
#endif

namespace skink::firmware {
namespace {

constexpr uint32_t kJournalSectors = 2;
constexpr uint64_t kHealthPeriodMs = 1000;
constexpr size_t kHostBytes = provisioning::kMaxHostBytes + 1;

constexpr uint64_t kGiveUpMs = 15'000;

enum class Fault : uint8_t {
  kStays,    ///< of the identity or the image: no reset fixes it, so that it is said again until somebody comes
  kMayPass,  ///< of a part: the device starts again
};

/// Nothing can be done now. The pause keeps a part that fails at every start from being asked without end; the watchdog
/// is fed meanwhile, for its reset would say nothing.
[[noreturn]] void give_up(Fault fault, const char* what, const char* why) noexcept {
  for (;;) {
    print("{}: {}{}", what, why, fault == Fault::kMayPass ? "; a new start in 15 s" : "");
    const uint64_t until_ms = port::now_ms() + kGiveUpMs;
    while (port::now_ms() < until_ms) {
      port::feed_watchdog();
      port::sleep(until_ms);
    }
    if (fault == Fault::kMayPass) port::restart(ResetReason::kFault);
  }
}

struct Names {
  char device_id[wire::kMaxDeviceIdBytes + 1];
  char broker_host[kHostBytes];
  char server_name[kHostBytes];
};

provisioning::DeviceIdentity identity;
Names names;
ModelStore models;
ModelStore releases;
VectorFlash residuals;
VectorFlash personal;
Journal journal;
TlsStream stream;
#if SKINK_CREDENTIAL_SECTORS != 0
CredentialStore credential_store;
MbedtlsRandom credential_random;
#endif
edge::Health health;

void open_identity() noexcept {
  const Status status = provisioning::read_identity(port::identity_partition(), identity);
  if (status == Status::kUnavailable)
    give_up(Fault::kStays, "identity", "this device is not provisioned: flash its identity blob");
  if (status != Status::kOk) give_up(Fault::kStays, "identity", status_text(status));
  (void)provisioning::terminate(identity.device_id, names.device_id);
  (void)provisioning::terminate(identity.broker_host, names.broker_host);
  (void)provisioning::terminate(identity.tls_server_name, names.server_name);
  print("identity: {} of fleet {}, broker {}:{}", names.device_id, identity.fleet, names.broker_host,
        unsigned{identity.broker_port});
}

TlsCredentials factory_credentials() noexcept {
  TlsCredentials credentials;
  credentials.own = {identity.ca_certificate, identity.certificate, identity.private_key};
  credentials.server_name = names.server_name;
  return credentials;
}

#if SKINK_CREDENTIAL_SECTORS != 0
Status open_credentials(Flash& flash, uint32_t first_sector) noexcept {
  CredentialConfig config;
  config.device_id = names.device_id;
  config.key = identity.hmac_key;
  config.factory = factory_credentials().own;
  config.release_key = identity.release_key;
  config.keys = mbedtls_keys(credential_random);
  return credential_store.open(flash, first_sector, SKINK_CREDENTIAL_SECTORS, config);
}
CredentialStore* credentials() noexcept {
  credential_random = stream.random();
  return &credential_store;
}
#else
Status open_credentials(Flash& /*flash*/, uint32_t /*first_sector*/) noexcept { return Status::kOk; }
CredentialStore* credentials() noexcept { return nullptr; }
#endif

void open_storage() noexcept {
  Flash& flash = port::storage();
  Flash& journal_flash = port::journal_storage();
  const uint32_t first = &journal_flash == &flash ? kJournalSectors : 0;
  constexpr uint32_t kSlotSectors =
      SKINK_RELEASE_SECTORS + SKINK_RESIDUAL_SECTORS + SKINK_PERSONAL_SECTORS + SKINK_CREDENTIAL_SECTORS;
  const uint32_t other_sectors = first + 2 * kSlotSectors + SKINK_SAMPLE_SECTORS;
  const uint32_t slot_sectors = flash.sectors > other_sectors ? (flash.sectors - other_sectors) / 2 : 0;
  Status status = journal.open(journal_flash, 0);
  if (status == Status::kOk) status = models.open(flash, first, slot_sectors);
  uint32_t next = first + 2 * slot_sectors;
  if (status == Status::kOk && SKINK_RELEASE_SECTORS != 0) {
    status = releases.open(flash, next, SKINK_RELEASE_SECTORS);
    next += 2 * SKINK_RELEASE_SECTORS;
  }
  if (status == Status::kOk) status = residuals.open(flash, next, SKINK_RESIDUAL_SECTORS);
  next += 2 * SKINK_RESIDUAL_SECTORS;
  if (status == Status::kOk && SKINK_PERSONAL_SECTORS != 0) {
    status = personal.open(flash, next, SKINK_PERSONAL_SECTORS);
  }
  next += 2 * SKINK_PERSONAL_SECTORS;
  if (status == Status::kOk) status = open_credentials(flash, next);
  if (status != Status::kOk) {
    give_up(status == Status::kUnavailable ? Fault::kMayPass : Fault::kStays, "storage", status_text(status));
  }
  print("storage: start {}, models up to {} bytes{}, releases up to {}, residuals up to {}", journal.last().starts + 1,
        models.capacity(), models.has_model() ? ", one is there" : "", releases.capacity(),
        sizeof(float) * residuals.store().capacity);
}

/// A device that has never been asked has the model it was made with, if that is signed.
void open_release() noexcept {
  provisioning::Release release;
  const Status status = take_release(port::release_partition(), identity.release_key, models, releases, release);
  if (status == Status::kOk) {
    print("release: model {} number {}", release.name, release.number);
    if (releases.has_model() && releases.number() > release.number) {
      print("release: number {} was kept later", releases.number());
    }
  } else if (status != Status::kUnavailable || release.content_bytes != 0) {  // the storage failed
    print("release: refused: {}", status_text(status));
  }
}

void open_network() noexcept {
  Status status = network::start();
  if (status == Status::kUnavailable) give_up(Fault::kMayPass, "network", "the board has no entropy");
  if (status != Status::kOk) give_up(Fault::kMayPass, "network", "the network chip does not answer");
  status = stream.configure(factory_credentials());
  if (status == Status::kUnavailable) give_up(Fault::kMayPass, "tls", "the board has no entropy");
  if (status != Status::kOk) give_up(Fault::kStays, "tls", "a certificate or the key of the identity does not parse");
}

/// Counted when all that can fail has been opened, so that starts that fail wear no flash.
void count_start() noexcept {
  Journal::Entry entry = journal.last();
  ++entry.starts;
  if (journal.append(entry) != Status::kOk) print("storage: the journal cannot be written");  // tasks will be refused
}

/// Keeps what the birth message says, and tells the console when a high-water mark has risen.
void update_health() noexcept {
  static size_t told = 0;
  static bool was_battery_low = false;
  health.battery_percent = port::battery_percent();
  const bool is_battery_low = wire::is_battery_low(health.battery_percent, was_battery_low);
  if (is_battery_low && !was_battery_low) print("battery: low, {} %", health.battery_percent);
  was_battery_low = is_battery_low;
  health.reset_reason = static_cast<uint32_t>(port::reset_reason());
  health.stack_used_bytes = static_cast<uint32_t>(stack_bytes_used());
  health.free_bytes =
      static_cast<uint32_t>(stack_bytes() - stack_bytes_used() + tls_memory::total_bytes() - tls_memory::peak_bytes());
  const size_t marks = stack_bytes_used() + tls_memory::peak_bytes();
  if (marks <= told) return;
  told = marks;
  print("memory: stack {} of {}, TLS {} of {}", stack_bytes_used(), stack_bytes(), tls_memory::peak_bytes(),
        tls_memory::total_bytes());
}

/// What a person at the console wants to see: tasks and how they end.
class Reporter {
 public:
  void look(const edge::Client& client) noexcept {
    const edge::ClientCounters& now = client.counters();
    round_ = client.task_id().round;
    tell(now.tasks, last_.tasks, "task taken");
    tell(now.adapted, last_.adapted, "adapted");
    if (now.adapted != last_.adapted) compare_with_plan(client);
    tell(now.evaluated, last_.evaluated, "evaluated");
    tell(now.diverged, last_.diverged, "diverged");
    tell(now.accepted, last_.accepted, "accepted");
    if (SKINK_PERSONAL_SECTORS != 0 && now.personal_kept != last_.personal_kept)
      print("personal: the adapted weights are kept");
    if (SKINK_PERSONAL_SECTORS != 0 && now.personal_lost != last_.personal_lost)
      print("personal: the adapted weights cannot be kept");
    if (now.judgements != last_.judgements) {
      print("release: judged, {}", client.own_use() == wire::ReleaseUse::kAdapted ? "adapted" : "as released");
    }
    for (size_t reason = 0; reason < wire::kRefusalCount; ++reason) {
      if (now.refused[reason] == last_.refused[reason]) continue;
      const auto refusal = static_cast<wire::Refusal>(reason);
      if (refusal == wire::Refusal::kOlderRelease || refusal == wire::Refusal::kWrongSignature) {
        print("release: refused: {}", wire::refusal_text(refusal));
        continue;
      }
      print("round {}: refused: {}", round_, wire::refusal_text(refusal));
      if (refusal == wire::Refusal::kDoesNotFit) {
        print("    needs {} bytes, the arena has {}", client.memory_plan().total, arena().size());
      }
    }
    if (now.wrong_authentication != last_.wrong_authentication) print("a message with a wrong code was ignored");
    last_ = now;
  }

 private:
  void tell(uint32_t now, uint32_t last, const char* what) const noexcept {
    if (now != last) print("round {}: {}", round_, what);
  }

  /// The planner's figure beside what was really written to.
  void compare_with_plan(const edge::Client& client) noexcept {
    const size_t touched = arena_bytes_touched();
    if (touched == told_) return;
    told_ = touched;
    print("memory: {} bytes of the arena touched, {} planned, {} there", touched, client.memory_plan().total,
          arena().size());
  }

  edge::ClientCounters last_;
  uint32_t round_ = 0;
  size_t told_ = 0;
};

/// How often the device wakes, said when that has changed much.
class WakeMeter {
 public:
  void wake(uint64_t now_ms, bool was_asleep) noexcept {
    if (SKINK_SLEEP_S != 0 && was_asleep) {
      ++asleep_;
      return;
    }
    if (SKINK_SLEEP_S != 0 && asleep_ != 0) {
      print("sleep: woken {} times between two connections", asleep_);
      asleep_ = 0;
    }
    ++wakes_;
    if (now_ms - since_ms_ < 60'000) return;
    const auto per_minute = static_cast<uint32_t>(wakes_ * 60'000 / (now_ms - since_ms_));
    const uint32_t change = per_minute > told_ ? per_minute - told_ : told_ - per_minute;
    if (!is_told_ || (change > 2 && change > told_ / 8)) {
      print("sleep: woken {} times a minute", per_minute);
      told_ = per_minute;
      is_told_ = true;
    }
    wakes_ = 0;
    since_ms_ = now_ms;
  }

 private:
  uint64_t wakes_ = 0;
  uint32_t asleep_ = 0;  ///< without a connection
  uint64_t since_ms_ = 0;
  uint32_t told_ = 0;
  bool is_told_ = false;
};

void run() noexcept {
  DeviceConfig config;
  config.identity = {names.device_id, identity.hmac_key};
  config.fleet = identity.fleet;
  config.arena = arena();
  config.firmware = "skink " SKINK_VERSION " " SKINK_BOARD;
  config.jitter_seed = identity.seed;
  config.health = &health;
  config.samples = samples();
  config.residuals = residuals.store();
  if (SKINK_PERSONAL_SECTORS != 0) config.personal = personal.store();
  config.release_key = identity.release_key;
  config.policy = {SKINK_SLEEP_S, SKINK_LISTEN_S};
  static Device device(config, {models, releases, journal, credentials()});
  Peers peers;
  peers.broker_host = names.broker_host;
  peers.broker_port = identity.broker_port;
  for (size_t i = 0; i < provisioning::kMaxTimeServers; ++i) peers.time_servers[i] = identity.time_servers[i];
  peers.jitter_seed = identity.seed;
  Uplink uplink(peers, stream, device);
  Reporter reporter;
  WakeMeter meter;
  uint64_t health_at_ms = 0;
  for (;;) {
    port::feed_watchdog();
    const uint64_t now = port::now_ms();
    if (now >= health_at_ms) {
      update_health();
      health_at_ms = now + kHealthPeriodMs;
    }
    const int frames = network::poll();
    uplink.turn(now);
    reporter.look(device.client());
    const uint64_t turn_ms = turn(device, now);
    if (device.has_work()) {
      device.work(now);
    } else if (frames == 0) {
      uint64_t wake_ms = uplink.next_wake_ms();
      if (turn_ms < wake_ms) wake_ms = turn_ms;
      if (SKINK_SLEEP_S != 0 && uplink.is_asleep()) {
        port::hibernate(wake_ms);
      } else {
        port::sleep(wake_ms);
      }
      meter.wake(now, uplink.is_asleep());
    }
  }
}

}  // namespace
}  // namespace skink::firmware

/// For ports that do without.
__attribute__((weak)) void skink::firmware::port::hibernate(uint64_t until_ms) noexcept { sleep(until_ms); }
__attribute__((weak)) uint32_t skink::firmware::port::battery_percent() noexcept {
  return skink::edge::Health().battery_percent;
}

/// For ports that have one row of equal sectors.
__attribute__((weak)) skink::firmware::Flash& skink::firmware::port::journal_storage() noexcept { return storage(); }

skink::firmware::OwnStorage skink::firmware::own_storage() noexcept {
  Flash& flash = port::storage();
  constexpr uint32_t kWanted = SKINK_SAMPLE_SECTORS;
  const uint32_t sectors = kWanted > flash.sectors ? flash.sectors : kWanted;
  return {&flash, flash.sectors - sectors, sectors};
}

extern "C" void skink_app() {
  using namespace skink;
  firmware::print("skink {} on {}, {} bytes of arena, reset reason {}", SKINK_VERSION, SKINK_BOARD,
                  firmware::arena().size(), static_cast<unsigned>(firmware::port::reset_reason()));
  const arithmetic::Canary canary = arithmetic::check_floating_point();
  if (canary != arithmetic::Canary::kSound)
    firmware::give_up(firmware::Fault::kStays, "arithmetic", arithmetic::canary_text(canary));
  firmware::open_identity();
  firmware::port::feed_watchdog();
  firmware::open_storage();
  firmware::port::feed_watchdog();
  firmware::tls_memory::initialize();
  firmware::open_release();
  firmware::port::feed_watchdog();
  firmware::open_network();
  firmware::count_start();
  firmware::run();
}
