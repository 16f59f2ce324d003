/// The functions of skink.h: arguments are checked, the rest is CDevice's.
#include <string.h>

#include "c_device.hpp"
#include "skink/common/nn/training.hpp"
#include "skink/common/provisioning/identity.hpp"

namespace {

using namespace skink;
using firmware::c_api::CDevice;
using firmware::c_api::Placed;

static_assert(
    sizeof(Placed<CDevice>) <= sizeof(skink_device),
    "SKINK_DEVICE_BYTES is too small for these options: define it as sizeof(CDevice), which this message shows");
static_assert(alignof(Placed<CDevice>) <= alignof(skink_device), "a skink_device is aligned as uint64_t");

#define SKINK_IS(c_name, name) static_assert(static_cast<int>(c_name) == static_cast<int>(name), #c_name)
SKINK_IS(SKINK_OK, Status::kOk);
SKINK_IS(SKINK_INVALID_ARGUMENT, Status::kInvalidArgument);
SKINK_IS(SKINK_SHAPE_MISMATCH, Status::kShapeMismatch);
SKINK_IS(SKINK_BUFFER_TOO_SMALL, Status::kBufferTooSmall);
SKINK_IS(SKINK_NOT_FINITE, Status::kNotFinite);
SKINK_IS(SKINK_UNSUPPORTED, Status::kUnsupported);
SKINK_IS(SKINK_TRUNCATED, Status::kTruncated);
SKINK_IS(SKINK_DAMAGED, Status::kDamaged);
SKINK_IS(SKINK_NEWER_VERSION, Status::kNewerVersion);
SKINK_IS(SKINK_WRONG_AUTHENTICATION, Status::kWrongAuthentication);
SKINK_IS(SKINK_UNAVAILABLE, Status::kUnavailable);
SKINK_IS(SKINK_NOT_ADAPTED, wire::ReleaseUse::kUnknown);
SKINK_IS(SKINK_AS_RELEASED, wire::ReleaseUse::kReleased);
SKINK_IS(SKINK_ADAPTED, wire::ReleaseUse::kAdapted);
SKINK_IS(SKINK_WORSE, wire::ReleaseUse::kWorse);
SKINK_IS(SKINK_DIVERGED, wire::ReleaseUse::kDiverged);
SKINK_IS(SKINK_NOT_JUDGED, wire::ReleaseUse::kNotJudged);
SKINK_IS(SKINK_UINT8, firmware::SampleNumber::kUint8);
SKINK_IS(SKINK_INT16, firmware::SampleNumber::kInt16);
SKINK_IS(SKINK_FLOAT32, firmware::SampleNumber::kFloat32);
#undef SKINK_IS

CDevice& of(skink_device* device) noexcept { return *reinterpret_cast<CDevice*>(device->memory); }
const CDevice& of(const skink_device* device) noexcept { return *reinterpret_cast<const CDevice*>(device->memory); }
skink_status status_of(Status status) noexcept { return static_cast<skink_status>(status); }
skink_status stream_status(bool is_good) noexcept { return is_good ? SKINK_OK : SKINK_CONNECTION_LOST; }
skink_bytes bytes_of(Bytes bytes) noexcept { return {bytes.data(), bytes.size()}; }

bool is_sound(const skink_flash& flash) noexcept {
  const bool has_functions = flash.read != nullptr && flash.program != nullptr && flash.erase != nullptr;
  const bool is_unit =
      flash.program_bytes != 0 && flash.program_bytes <= 32 && (flash.program_bytes & (flash.program_bytes - 1)) == 0;
  return has_functions && is_unit && flash.sector_bytes != 0;
}

bool is_sound(const skink_config& config) noexcept {
  const bool has_samples = config.sample_sectors != 0;
  const bool has_flashes =
      is_sound(config.flash) && (config.journal_flash.sectors == 0 || is_sound(config.journal_flash));
  return has_flashes && (config.arena != nullptr || config.arena_bytes == 0) &&
         (!has_samples || (config.sample_slots != nullptr && config.recording.count == 0));
}

}  // namespace

extern "C" {

const char* skink_status_text(skink_status status) {
  if (status == SKINK_CONNECTION_LOST) return "the connection is of no use any more";
  return status_text(static_cast<Status>(status));
}

skink_status skink_read_identity(skink_bytes image, skink_identity* identity) {
  provisioning::DeviceIdentity read;
  const Status status = provisioning::read_identity({image.data, image.count}, read);
  if (status != Status::kOk) return status_of(status);
  *identity = {};
  (void)provisioning::terminate(read.device_id, identity->device_id);  // read_identity() has checked that each fits
  (void)provisioning::terminate(read.fleet, identity->fleet);
  (void)provisioning::terminate(read.broker_host, identity->broker_host);
  (void)provisioning::terminate(read.tls_server_name, identity->server_name);
  (void)provisioning::terminate(read.time_servers[0].host, identity->time_host);
  memcpy(identity->key, read.hmac_key.bytes, sizeof identity->key);
  identity->broker_port = read.broker_port;
  identity->time_port = read.time_servers[0].port;
  identity->seed = read.seed;
  identity->ca_certificate = bytes_of(read.ca_certificate);
  identity->certificate = bytes_of(read.certificate);
  identity->private_key = bytes_of(read.private_key);
  identity->release_key = bytes_of(read.release_key);
  return SKINK_OK;
}

skink_status skink_init(skink_device* device, const skink_config* config) {
  if (device == nullptr || config == nullptr || !is_sound(*config)) return SKINK_INVALID_ARGUMENT;
  if (config->uses_datagrams != 0 && SKINK_FIRMWARE_DATAGRAM == 0) return SKINK_UNSUPPORTED;
  CDevice* made = new (static_cast<void*>(device->memory)) Placed<CDevice>();
  return status_of(made->open(*config));
}

skink_status skink_observe(skink_device* device, const float* x, size_t count) {
  return status_of(of(device).observe({x, count}));
}

skink_status skink_label(skink_device* device, uint32_t label) {
  if (!of(device).has_classes)
    return of(device).samples().records_per_block() == 0 ? SKINK_UNAVAILABLE : SKINK_SHAPE_MISMATCH;
  const auto target = static_cast<float>(label);
  return status_of(of(device).label({&target, 1}));
}

skink_status skink_target(skink_device* device, const float* y, size_t count) {
  return status_of(of(device).label({y, count}));
}

skink_status skink_predict(skink_device* device, float* outputs, size_t count) {
  return status_of(of(device).predict({outputs, count}));
}

uint32_t skink_argmax(const float* outputs, size_t count) {
  return static_cast<uint32_t>(nn::argmax(Span<const float>(outputs, count)));
}

skink_status skink_adapt(skink_device* device, float rate, uint32_t passes, uint32_t batch_size) {
  edge::AdaptSettings settings;
  if (passes != 0) settings = {rate, passes, batch_size};
  return status_of(of(device).device().adapt_now(settings));
}

skink_status skink_poll(skink_device* device, uint64_t now_ms, uint64_t* next_ms) {
  CDevice& self = of(device);
  const bool is_good = !self.is_open || self.device().on_time(now_ms);
  self.device().work(now_ms);
  self.tell();
  const uint64_t never = ~uint64_t{0};
  *next_ms = self.device().has_work() ? now_ms : self.is_open ? self.device().next_wake_ms() : never;
  return stream_status(is_good);
}

skink_status skink_connected(skink_device* device, uint64_t now_ms) {
  CDevice& self = of(device);
  if (!self.has_identity) return SKINK_CONNECTION_LOST;
  self.is_open = self.device().on_stream_open(now_ms);
  return stream_status(self.is_open);
}

void skink_disconnected(skink_device* device) {
  CDevice& self = of(device);
  self.is_open = false;
  self.device().on_stream_closed();
  self.tell();
}

skink_status skink_receive(skink_device* device, const uint8_t* bytes, size_t count, uint64_t now_ms) {
  CDevice& self = of(device);
  const bool is_good = self.is_open && self.device().receive({bytes, count}, now_ms);
  self.tell();
  return stream_status(is_good);
}

skink_bytes skink_output(skink_device* device, uint64_t now_ms) {
  CDevice& self = of(device);
  if (!self.is_open) return {nullptr, 0};
  const Bytes output = self.device().output(now_ms);
  self.tell();
  return bytes_of(output);
}

void skink_sent(skink_device* device, size_t count, uint64_t now_ms) { of(device).device().sent(count, now_ms); }

void skink_get_state(const skink_device* device, skink_state* state) { of(device).get(*state); }

void skink_set_battery(skink_device* device, uint32_t percent) {
  of(device).health.battery_percent = percent <= 100 ? percent : edge::Health().battery_percent;
}

uint32_t skink_sample_count(const skink_device* device, uint32_t label) { return of(device).samples().count_of(label); }

}  // extern "C"
