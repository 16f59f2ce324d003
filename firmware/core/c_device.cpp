#include "c_device.hpp"

#include <string.h>

#include "skink/firmware/model_release.hpp"

namespace skink::firmware::c_api {
namespace {

static_assert(sizeof(StoredSample) == sizeof(skink_sample_slot) && alignof(StoredSample) == alignof(skink_sample_slot),
              "skink_sample_slot of skink.h is a StoredSample");

constexpr uint32_t kJournalSectors = 2;

// ---- flash

const skink_flash& driver_of(void* context) noexcept { return *static_cast<const skink_flash*>(context); }
Status status_of(int result) noexcept { return result == 0 ? Status::kOk : Status::kUnavailable; }

Status read_flash(void* context, uint32_t address, MutableBytes out) {
  const skink_flash& driver = driver_of(context);
  return status_of(driver.read(driver.context, address, out.data(), out.size()));
}

Status program_flash(void* context, uint32_t address, Bytes bytes) {
  const skink_flash& driver = driver_of(context);
  return status_of(driver.program(driver.context, address, bytes.data(), bytes.size()));
}

Status erase_flash(void* context, uint32_t sector) {
  const skink_flash& driver = driver_of(context);
  return status_of(driver.erase(driver.context, sector));
}

Bytes bytes_of(const skink_bytes& bytes) noexcept { return {bytes.data, bytes.count}; }

/// Refusals of tasks; those of releases are no round.
uint32_t refused_tasks(const edge::ClientCounters& counters) noexcept {
  uint32_t sum = counters.refused_by_coordinator;
  for (size_t reason = 0; reason < wire::kRefusalCount; ++reason) {
    const auto refusal = static_cast<wire::Refusal>(reason);
    if (refusal != wire::Refusal::kOlderRelease && refusal != wire::Refusal::kWrongSignature) {
      sum += counters.refused[reason];
    }
  }
  return sum;
}

}  // namespace

void ApplicationFlash::open(const skink_flash& given) noexcept {
  driver = given;
  flash.context = &driver;
  flash.sector_bytes = driver.sector_bytes;
  flash.sectors = driver.sectors;
  flash.program_bytes = driver.program_bytes;
  flash.mapped = driver.mapped;
  flash.read_function = &read_flash;
  flash.program_function = &program_flash;
  flash.erase_function = &erase_flash;
}

// ---- from the start

Status CDevice::open(const skink_config& config) noexcept {
  events_ = config.events;
  flash_.open(config.flash);
  journal_flash_.open(config.journal_flash);
  if (config.observation != nullptr) observation_ = {config.observation, config.shape.inputs};
  Status status = open_stores(config);
  if (status == Status::kOk && config.model.count != 0) status = take_model(bytes_of(config.model));
  if (status == Status::kOk && config.release.count != 0) status = take_releases(config);
  if (status != Status::kOk) return status;
  make_device(config);
  Journal::Entry entry = journal_.last();
  ++entry.starts;
  return journal_.append(entry);  // last, so that starts that fail wear no flash
}

Status CDevice::open_stores(const skink_config& config) noexcept {
  const bool has_journal_flash = journal_flash_.flash.sectors != 0;
  Flash& journal = has_journal_flash ? journal_flash_.flash : flash_.flash;
  uint32_t next = has_journal_flash ? 0 : kJournalSectors;
  const uint64_t needed = next +
                          2 * (uint64_t{config.model_sectors} + config.release_sectors + config.residual_sectors +
                               config.personal_sectors + config.credential_sectors) +
                          config.sample_sectors;
  if (needed > config.flash.sectors || journal.sectors < kJournalSectors) return Status::kInvalidArgument;
  Flash& flash = flash_.flash;
  Status status = journal_.open(journal, 0);
  if (status == Status::kOk) status = models_.open(flash, next, config.model_sectors);
  next += 2 * config.model_sectors;
  if (status == Status::kOk && config.release_sectors != 0) {
    status = releases_.open(flash, next, config.release_sectors);
  }
  next += 2 * config.release_sectors;
  if (status == Status::kOk) status = residuals_.open(flash, next, config.residual_sectors);
  next += 2 * config.residual_sectors;
  if (status == Status::kOk) status = personal_.open(flash, next, config.personal_sectors);
  next += 2 * config.personal_sectors;
  if (status == Status::kOk) status = open_credentials(config, next);
  next += 2 * config.credential_sectors;
  return status == Status::kOk ? open_samples(config, next) : status;
}

Status CDevice::open_samples(const skink_config& config, uint32_t first_sector) noexcept {
  if (config.recording.count != 0) {
    const Status status = recording_.open(bytes_of(config.recording));
    if (status == Status::kOk) source_ = recording_.source();
    return status;
  }
  if (config.sample_sectors == 0) return Status::kOk;
  SampleShape shape;
  shape.inputs = config.shape.inputs;
  shape.classes = config.shape.classes;
  shape.targets = config.shape.targets;
  shape.per_class = config.shape.per_class;
  shape.number = static_cast<SampleNumber>(config.shape.number);
  has_classes = shape.classes != 0;
  const Span<StoredSample> slots{reinterpret_cast<StoredSample*>(config.sample_slots), config.sample_slot_count};
  const Status status = samples_.open(flash_.flash, first_sector, config.sample_sectors, shape, slots);
  if (status == Status::kOk) source_ = samples_.samples();
  return status;
}

/// The model that the program brings along, where none has come yet.
Status CDevice::take_model(Bytes file) noexcept {
  if (models_.has_model()) return Status::kOk;
  model::ModelInfo info;
  Status status = model::inspect(model::source_of(file), info);
  if (status != Status::kOk) return status;
  if (file.size() > models_.capacity()) return Status::kBufferTooSmall;
  const auto bytes = static_cast<uint32_t>(file.size());
  status = models_.begin(bytes);
  if (status == Status::kOk) status = models_.write(0, file, ChunkPart::kEnd);
  return status == Status::kOk ? models_.commit(info.digest, bytes) : status;
}

Status CDevice::take_releases(const skink_config& config) noexcept {
  if (config.identity == nullptr) return Status::kInvalidArgument;
  provisioning::Release release;
  const Status status =
      take_release(bytes_of(config.release), bytes_of(config.identity->release_key), models_, releases_, release);
  const bool is_erased = status == Status::kUnavailable && release.content_bytes == 0;
  return is_erased ? Status::kOk : status;
}

void CDevice::make_device(const skink_config& config) noexcept {
  DeviceConfig made;
  made.identity.device_id = "device";
  if (config.identity != nullptr) {
    has_identity = true;
    identity_ = config.identity;
    fleet = config.identity->fleet;
    made.identity.device_id = config.identity->device_id;
    memcpy(made.identity.key.bytes, config.identity->key, sizeof config.identity->key);
    made.jitter_seed = config.identity->seed;
    made.release_key = bytes_of(config.identity->release_key);
  }
  made.fleet = {fleet, strlen(fleet)};
  made.arena = {config.arena, config.arena_bytes};
  if (config.firmware != nullptr) made.firmware = config.firmware;
  made.keep_alive_s = config.keep_alive_s;
  made.policy = {config.sleep_s, config.listen_s};
  made.link = config.uses_datagrams != 0 ? LinkKind::kDatagrams : LinkKind::kStream;
  made.health = &health;
  made.samples = source_;
  made.residuals = residuals_.store();
  made.personal = personal_.store();
  device_ = new (static_cast<void*>(device_memory_))
      Placed<Device>(made, DeviceStores{models_, releases_, journal_, credentials_});
  const edge::Client& client = device_->client();
  told_.counters = client.counters();
  told_.refused = refused_tasks(told_.counters);
  told_.has_model = client.has_model();
  if (told_.has_model) told_.model = client.model().digest;
}

// ---- samples

Status CDevice::observe(Span<const float> x) noexcept {
  if (observation_.data() == nullptr) return Status::kUnavailable;
  if (x.size() != observation_.size()) return Status::kShapeMismatch;
  memcpy(observation_.data(), x.data(), x.size() * sizeof(float));
  has_observation_ = true;
  is_labelled_ = false;
  return Status::kOk;
}

Status CDevice::label(Span<const float> targets) noexcept {
  if (!has_observation_ || is_labelled_) return Status::kUnavailable;
  const Status status = device_->add_sample(samples_, observation_, targets);
  is_labelled_ = status == Status::kOk;
  return status;
}

Status CDevice::predict(Span<float> outputs) noexcept {
  return has_observation_ ? device_->predict(observation_, outputs) : Status::kUnavailable;
}

// ---- what is told

/// What happened within one call is told as its last state: a device is in one round at a time.
void CDevice::tell() noexcept {
  const edge::Client& client = device_->client();
  const edge::ClientCounters now = client.counters();
  const edge::ClientCounters before = told_.counters;
  tell_round(now);
  told_.counters = now;
  const bool has_model = client.has_model();
  const bool is_new = has_model && (!told_.has_model || told_.model != client.model().digest);
  told_.has_model = has_model;
  if (is_new) told_.model = client.model().digest;
  if (is_new && events_.on_model != nullptr) events_.on_model(events_.context, SKINK_MODEL_OF_ROUND, 0);
  if (now.releases != before.releases && events_.on_model != nullptr) {
    events_.on_model(events_.context, SKINK_MODEL_RELEASED, releases_.number());
  }
  if (now.judgements != before.judgements && events_.on_adapted != nullptr) {
    events_.on_adapted(events_.context, static_cast<skink_outcome>(client.own_use()));
  }
}

void CDevice::tell_round(const edge::ClientCounters& now) noexcept {
  if (now.accepted != told_.counters.accepted) end_round(SKINK_ROUND_ACCEPTED);
  if (now.tasks != told_.counters.tasks) {
    end_round(SKINK_ROUND_GIVEN_UP);
    told_.is_in_round = true;
    told_.round = device_->client().task_id().round;
    if (events_.on_round != nullptr) events_.on_round(events_.context, told_.round, SKINK_ROUND_BEGUN);
  }
  const uint32_t refused = refused_tasks(now);
  if (refused != told_.refused) end_round(SKINK_ROUND_REFUSED);
  told_.refused = refused;
  const edge::ClientState state = device_->client().state();
  if (state == edge::ClientState::kIdle || state == edge::ClientState::kFinished) end_round(SKINK_ROUND_GIVEN_UP);
}

void CDevice::end_round(skink_round_event event) noexcept {
  if (!told_.is_in_round) return;
  told_.is_in_round = false;
  if (events_.on_round != nullptr) events_.on_round(events_.context, told_.round, event);
}

void CDevice::get(skink_state& state) const noexcept {
  const edge::Client& client = device_->client();
  state = {};
  state.is_online = device_->is_online() ? 1 : 0;
  state.has_model = client.has_model() || client.has_release() ? 1 : 0;
  state.has_work = client.has_work() ? 1 : 0;
  state.starts = journal_.last().starts;
  state.release = client.has_release() ? releases_.number() : 0;
  state.samples = samples_.count();
  state.rounds = client.counters().tasks;
  state.rounds_accepted = client.counters().accepted;
  state.personal_lost = client.counters().personal_lost;
  state.own_use = static_cast<skink_outcome>(client.own_use());
  if (client.has_model()) memcpy(state.model_sha256, client.model().digest.bytes, sizeof state.model_sha256);
}

}  // namespace skink::firmware::c_api
