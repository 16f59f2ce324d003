/// The functions of skink.h that concern what connections are made with, and how long they last.
#include <string.h>

#include "c_device.hpp"
#include "skink/common/provisioning/key_name.hpp"

namespace skink::firmware::c_api {
namespace {

static_assert(sizeof(Placed<CredentialStore>) <= sizeof(skink_credential_memory),
              "SKINK_CREDENTIAL_BYTES is too small");

Bytes bytes_of(const skink_bytes& bytes) noexcept { return {bytes.data, bytes.count}; }
skink_bytes bytes_of(Bytes bytes) noexcept { return {bytes.data(), bytes.size()}; }

const skink_keys& keys_of(void* context) noexcept { return *static_cast<const skink_keys*>(context); }

/// Device ids of KeyService are not terminated.
struct Name {
  explicit Name(Span<const char> id) noexcept {
    if (id.size() <= limits::kMaxIdBytes) memcpy(text, id.data(), id.size());
  }
  char text[limits::kMaxIdBytes + 1] = {};
};

Status make_key(void* context, Span<const char> device_id, MutableBytes key, size_t& key_bytes, MutableBytes request,
                size_t& request_bytes) {
  const skink_keys& keys = keys_of(context);
  key_bytes = key.size();
  request_bytes = request.size();
  const skink_status status =
      keys.make(keys.context, Name(device_id).text, key.data(), &key_bytes, request.data(), &request_bytes);
  const bool is_sound =
      key_bytes != 0 && key_bytes <= key.size() && request_bytes != 0 && request_bytes <= request.size();
  return status == SKINK_OK && !is_sound ? Status::kUnavailable : static_cast<Status>(status);
}

Status check_certificate(void* context, const CertificateToCheck& what) {
  const skink_keys& keys = keys_of(context);
  return static_cast<Status>(keys.check(keys.context, Name(what.device_id).text, bytes_of(what.certificate),
                                        bytes_of(what.key), bytes_of(what.authorities)));
}

CredentialView factory_of(const skink_identity& identity) noexcept {
  return {bytes_of(identity.ca_certificate), bytes_of(identity.certificate), bytes_of(identity.private_key)};
}

}  // namespace

Status CDevice::open_credentials(const skink_config& config, uint32_t first_sector) noexcept {
  if (config.credential_sectors == 0) return Status::kOk;
  if (SKINK_EDGE_RENEWAL == 0) return Status::kUnsupported;
  const bool is_sound = config.identity != nullptr && config.credential_memory != nullptr &&
                        config.keys.make != nullptr && config.keys.check != nullptr;
  if (!is_sound) return Status::kInvalidArgument;
  keys_ = config.keys;
  CredentialConfig made;
  made.device_id = config.identity->device_id;
  memcpy(made.key.bytes, config.identity->key, sizeof config.identity->key);
  made.factory = factory_of(*config.identity);
  made.release_key = bytes_of(config.identity->release_key);
  made.keys.context = &keys_;
  made.keys.make = &make_key;
  made.keys.check = &check_certificate;
  credentials_ = new (static_cast<void*>(config.credential_memory->memory)) Placed<CredentialStore>();
  return credentials_->open(flash_.flash, first_sector, config.credential_sectors, made);
}

void CDevice::get(skink_credentials& credentials) const noexcept {
  const CredentialView view = credentials_ != nullptr ? credentials_->in_use()
                              : identity_ != nullptr  ? factory_of(*identity_)
                                                      : CredentialView();
  credentials.authorities = bytes_of(view.authorities);
  credentials.certificate = bytes_of(view.certificate);
  credentials.private_key = bytes_of(view.private_key);
  credentials.generation = credentials_ != nullptr ? credentials_->generation() : 1;
}

void CDevice::on_connection_failed() noexcept {
  if (credentials_ != nullptr) credentials_->on_failed();
}

}  // namespace skink::firmware::c_api

extern "C" {

using skink::firmware::c_api::CDevice;

void skink_get_credentials(const skink_device* device, skink_credentials* credentials) {
  reinterpret_cast<const CDevice*>(device->memory)->get(*credentials);
}

skink_bytes skink_key_name(skink_bytes private_key) {
  const auto name = skink::provisioning::key_name({private_key.data, private_key.count});
  return {reinterpret_cast<const uint8_t*>(name.data()), name.size()};
}

void skink_connection_failed(skink_device* device) {
  reinterpret_cast<CDevice*>(device->memory)->on_connection_failed();
}

uint32_t skink_wants_sleep(skink_device* device) {
  skink::firmware::Device& made = reinterpret_cast<CDevice*>(device->memory)->device();
  return made.wants_sleep() ? made.policy().sleep_s : 0;
}

int skink_is_asleep(const skink_device* device) {
  return reinterpret_cast<const CDevice*>(device->memory)->device().is_asleep() ? 1 : 0;
}

int skink_wants_reconnection(const skink_device* device) {
  return reinterpret_cast<const CDevice*>(device->memory)->device().wants_reconnection() ? 1 : 0;
}

}  // extern "C"
