// A device of a fleet. It adapts to the labelled readings of A0 that it has collected, and predicts between rounds. For
// boards whose core has WiFiClientSecure (ESP32); with another TLS client change the two lines that name it.
//
// identity.h is made from what `skinkctl provision` writes (docs/packages.md). Storage is in RAM here, so that nothing
// outlives a reset; a product gives its flash to the three functions below.

#include <Skink.h>
#include <WiFi.h>
#include <WiFiClientSecure.h>

#include "identity.h"

using namespace skink;

// ---- storage: sectors that are erased to ones

constexpr uint32_t kSectorBytes = 1024;
constexpr uint32_t kSectors = 2 + 2 * 9;  // the journal, two places for a model of up to 8 KB
static uint8_t sectors[kSectors * kSectorBytes];

static Status readFlash(void*, uint32_t address, MutableBytes out) {
  memcpy(out.data(), sectors + address, out.size());
  return Status::kOk;
}
static Status programFlash(void*, uint32_t address, Bytes bytes) {
  memcpy(sectors + address, bytes.data(), bytes.size());
  return Status::kOk;
}
static Status eraseFlash(void*, uint32_t sector) {
  memset(sectors + sector * kSectorBytes, 0xff, kSectorBytes);
  return Status::kOk;
}

// ---- samples: one reading and its label, the newest replacing the oldest

constexpr uint32_t kSupport = 8;
constexpr uint32_t kQuery = 2;
static float readings[kSupport + kQuery];
static float labels[kSupport + kQuery];
static uint32_t collected = 0;

static void collect(float reading, float label) {
  readings[collected % (kSupport + kQuery)] = reading;
  labels[collected % (kSupport + kQuery)] = label;
  ++collected;
}
static uint32_t placeOf(edge::SampleSet set, uint32_t index) {
  return set == edge::SampleSet::kSupport ? index : kSupport + index;
}
static Status beginSamples(void*, const edge::TaskRequest&, edge::SampleCounts& counts) {
  if (collected < kSupport + kQuery) return Status::kUnavailable;
  counts.support = kSupport;
  counts.query = kQuery;
  return Status::kOk;
}
static Status readInput(void*, edge::SampleSet set, uint32_t index, Span<float> stored) {
  if (stored.size() != 1) return Status::kShapeMismatch;
  stored[0] = readings[placeOf(set, index)];
  return Status::kOk;
}
static float readTarget(void*, edge::SampleSet set, uint32_t index, uint32_t) { return labels[placeOf(set, index)]; }

// ---- the device

alignas(8) static uint8_t arena[32768];
static firmware::Flash flash;
static firmware::Journal journal;
static firmware::ModelStore models;
static firmware::ModelStore releases;  // closed: this device takes none
static provisioning::DeviceIdentity identity;
static char deviceId[wire::kMaxDeviceIdBytes + 1];
static char brokerHost[provisioning::kMaxHostBytes + 1];
static firmware::Device* device = nullptr;
static WiFiClientSecure stream;
static bool isOpen = false;
static uint32_t waitMs = 1000;

static void toSerial(void*, const char* text, size_t count) { Serial.write(text, count); }

static void stop(const char* what) {
  for (;;) {
    Serial.println(what);
    delay(15000);
  }
}

void setup() {
  Serial.begin(115200);
  firmware::set_log(toSerial, nullptr);
  memset(sectors, 0xff, sizeof sectors);
  flash.sector_bytes = kSectorBytes;
  flash.sectors = kSectors;
  flash.read_function = readFlash;
  flash.program_function = programFlash;
  flash.erase_function = eraseFlash;
  if (arithmetic::check_floating_point() != arithmetic::Canary::kSound) stop("the arithmetic is not Skink's: see SelfTest");
  if (provisioning::read_identity(Bytes(kIdentity), identity) != Status::kOk) stop("identity.h has no identity");
  provisioning::terminate(identity.device_id, deviceId);
  provisioning::terminate(identity.broker_host, brokerHost);
  if (journal.open(flash, 0) != Status::kOk || models.open(flash, 2, 9) != Status::kOk) stop("storage");
  firmware::DeviceConfig config;
  config.identity = {deviceId, identity.hmac_key};
  config.fleet = identity.fleet;
  config.arena = arena;
  config.firmware = "arduino example";
  config.jitter_seed = identity.seed;
  config.samples.begin = beginSamples;
  config.samples.input = readInput;
  config.samples.target = readTarget;
  static firmware::Device only(config, {models, releases, journal});
  device = &only;
  stream.setCACert(kAuthority);
  stream.setCertificate(kCertificate);
  stream.setPrivateKey(kPrivateKey);
  WiFi.begin(kNetwork, kPassword);
}

static void closeStream() {
  stream.stop();
  if (isOpen) device->on_stream_closed();
  isOpen = false;
  delay(waitMs / 2 + random(waitMs));  // so that a fleet does not come back at once
  if (waitMs < 60000) waitMs *= 2;
}

// Everything that can be done without waiting. False: the connection is of no use any more.
static bool exchange(uint64_t now) {
  uint8_t bytes[512];
  while (stream.available() > 0) {
    const int count = stream.read(bytes, sizeof bytes);
    if (count <= 0) break;
    if (!device->receive({bytes, static_cast<size_t>(count)}, now)) return false;
    waitMs = 1000;
  }
  if (now >= device->next_wake_ms() && !device->on_time(now)) return false;
  for (Bytes out = device->output(now); !out.empty(); out = device->output(now)) {
    const size_t sent = stream.write(out.data(), out.size());
    if (sent == 0) break;
    device->sent(sent, now);
  }
  return stream.connected();
}

void loop() {
  static uint64_t now = 0;  // millis() wraps after 49 days
  now += static_cast<uint32_t>(millis() - static_cast<uint32_t>(now));
  if (!device->has_work() && Serial.available() > 0) {  // a person sends the label of what A0 shows: 0 or 1
    const int label = Serial.read() - '0';
    if (label == 0 || label == 1) collect(static_cast<float>(analogRead(A0)) / 1024.0f, static_cast<float>(label));
  }
  if (device->has_work()) device->work(now);
  if (!isOpen) {
    if (WiFi.status() != WL_CONNECTED) return;
    isOpen = stream.connect(brokerHost, identity.broker_port) && device->on_stream_open(now);
  }
  if (!isOpen || !exchange(now)) closeStream();
}
