/// The functions of firmware_update.h.
#include <string.h>

#include "c_device.hpp"
#include "skink/common/provisioning/identity.hpp"
#include "skink/firmware/firmware_update.hpp"
#include "skink/firmware_update.h"

namespace skink::firmware::c_api {
namespace {

/// An update, and whom it tells.
struct CUpdate {
  CUpdate(Bytes key, uint32_t installed, const skink_firmware_slot& told) noexcept
      : slot(told), update(key, installed, hooks()) {}
  FirmwareSlot hooks() noexcept;

  skink_firmware_slot slot;
  FirmwareUpdate update;
};

static_assert(sizeof(Placed<CUpdate>) <= sizeof(skink_firmware_update), "SKINK_FIRMWARE_UPDATE_BYTES is too small");

skink_firmware_offer c_offer(const FirmwareOffer& offer) noexcept {
  skink_firmware_offer made = {};
  made.number = offer.number;
  made.bytes = offer.bytes;
  memcpy(made.sha256, offer.digest.bytes, sizeof made.sha256);
  static_assert(sizeof made.name == sizeof offer.name, "firmware_update.h");
  memcpy(made.name, offer.name, sizeof made.name);
  return made;
}

const skink_firmware_slot& slot_of(void* context) noexcept { return static_cast<const CUpdate*>(context)->slot; }

FirmwareSlot CUpdate::hooks() noexcept {
  FirmwareSlot made;
  made.context = this;
  made.begin = [](void* context, const FirmwareOffer& offer) {
    const skink_firmware_offer told = c_offer(offer);
    return slot_of(context).begin(slot_of(context).context, &told) == 0;
  };
  made.write = [](void* context, uint32_t offset, Bytes bytes) {
    return slot_of(context).write(slot_of(context).context, offset, bytes.data(), bytes.size()) == 0;
  };
  made.finish = [](void* context, const FirmwareOffer& offer) {
    const skink_firmware_offer told = c_offer(offer);
    return slot_of(context).finish(slot_of(context).context, &told) == 0;
  };
  made.abort = [](void* context) { slot_of(context).abort(slot_of(context).context); };
  return made;
}

CUpdate& update_of(skink_firmware_update* update) noexcept { return *reinterpret_cast<CUpdate*>(update->memory); }

}  // namespace
}  // namespace skink::firmware::c_api

using namespace skink;
using namespace skink::firmware;
using c_api::CUpdate;

extern "C" {

skink_status skink_firmware_begin(skink_firmware_update* update, skink_bytes release_key, uint32_t installed,
                                  const skink_firmware_slot* slot) {
  const bool is_sound = release_key.count == provisioning::kReleaseKeyBytes && slot->begin != nullptr &&
                        slot->write != nullptr && slot->finish != nullptr && slot->abort != nullptr;
  if (!is_sound) return SKINK_INVALID_ARGUMENT;
  const Bytes key(release_key.data, release_key.count);
  (void)new (update->memory) c_api::Placed<CUpdate>(key, installed, *slot);
  return SKINK_OK;
}

skink_status skink_firmware_take(skink_firmware_update* update, const uint8_t* bytes, size_t count) {
  return static_cast<skink_status>(c_api::update_of(update).update.take({bytes, count}));
}

int skink_firmware_is_whole(const skink_firmware_update* update) {
  return reinterpret_cast<const CUpdate*>(update->memory)->update.is_whole() ? 1 : 0;
}

void skink_firmware_stop(skink_firmware_update* update) { c_api::update_of(update).update.stop(); }

skink_status skink_firmware_check_mcuboot(const skink_flash* image, skink_bytes release_key, uint32_t installed,
                                          skink_firmware_offer* offer) {
  model::ByteSource source;
  source.context = const_cast<skink_flash*>(image);  // NOLINT: a source's context is not const; it is only read here
  source.size = image->sectors * image->sector_bytes;
  source.read = [](void* context, uint32_t address, MutableBytes out) {
    const auto& flash = *static_cast<const skink_flash*>(context);
    return flash.read(flash.context, address, out.data(), out.size()) == 0 ? Status::kOk : Status::kUnavailable;
  };
  FirmwareOffer found;
  const Status status = check_mcuboot_image(source, {release_key.data, release_key.count}, installed, found);
  if (status == Status::kOk && offer != nullptr) *offer = c_api::c_offer(found);
  return static_cast<skink_status>(status);
}

}  // extern "C"
