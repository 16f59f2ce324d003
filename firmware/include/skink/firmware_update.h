#ifndef SKINK_FIRMWARE_UPDATE_H
#define SKINK_FIRMWARE_UPDATE_H
/// @file
/// A hook for the platform's firmware update, in C99; skink/firmware/firmware_update.hpp says what it is for, and does
/// it. Not thread-safe.
///
///     static skink_firmware_update update;
///     skink_firmware_begin(&update, identity.release_key, installed, &slot);
///     while ((count = next_piece(piece)) > 0 && skink_firmware_take(&update, piece, count) == SKINK_OK) {}
///     if (skink_firmware_is_whole(&update)) esp_restart();
///     else skink_firmware_stop(&update);

#include "skink/skink.h"

#ifdef __cplusplus
extern "C" {
#endif

/// Size of a skink_firmware_update, bytes. With a larger SKINK_CRYPTO_CONTEXT_BYTES define a larger one, for all
/// sources.
#ifndef SKINK_FIRMWARE_UPDATE_BYTES
#define SKINK_FIRMWARE_UPDATE_BYTES 576
#endif

/// What the fleet's release key has signed.
typedef struct skink_firmware_offer {
  uint32_t number;     ///< above the installed one's
  uint32_t bytes;      ///< of the image
  uint8_t sha256[32];  ///< of the image
  char name[33];
} skink_firmware_offer;

/// The platform's place for the next firmware. The functions return 0, or another number when they could not do it.
typedef struct skink_firmware_slot {
  void* context;                                                   ///< handed to the functions; may be null
  int (*begin)(void* context, const skink_firmware_offer* offer);  ///< not 0 also: not now
  int (*write)(void* context, uint32_t offset, const uint8_t* bytes, size_t count);
  int (*finish)(void* context, const skink_firmware_offer* offer);  ///< the image is whole: start it next
  void (*abort)(void* context);                                     ///< it will not become whole
} skink_firmware_slot;

/// One update. What is in it is none of the application's; it stays where it is from skink_firmware_begin() on.
typedef struct skink_firmware_update {
  uint64_t memory[(SKINK_FIRMWARE_UPDATE_BYTES + 7) / 8];
} skink_firmware_update;

/// Begins to take a signed release of firmware. One that was begun in the same place is whole or stopped.
///
/// @param[in] release_key  65 bytes, as the identity has it; borrowed until the update is whole or stopped
/// @param[in] installed    number of the release that runs, as the platform has kept it; 0: none. Only higher ones are
///                         taken.
/// @param[in] slot         copied
/// @returns SKINK_OK; SKINK_INVALID_ARGUMENT for a key of another size, or a function that is null
skink_status skink_firmware_begin(skink_firmware_update* update, skink_bytes release_key, uint32_t installed,
                                  const skink_firmware_slot* slot);

/// The next bytes of the file that `skinkctl release sign --firmware` wrote, in order, in pieces of any size.
///
/// @returns SKINK_OK: more is wanted, or it is whole; SKINK_WRONG_AUTHENTICATION: not signed with the release key;
///          SKINK_UNSUPPORTED: a release of something else; SKINK_INVALID_ARGUMENT: signed, but not sound or not above
///          the installed one, or bytes after the end; SKINK_DAMAGED: no release, or not the image that was signed;
///          SKINK_NEWER_VERSION: a later format; SKINK_BUFFER_TOO_SMALL: no memory to check the signature;
///          SKINK_UNAVAILABLE: the slot could not take it, or an earlier call has failed. After an error nothing more
///          is taken, and the slot was told to abort.
skink_status skink_firmware_take(skink_firmware_update* update, const uint8_t* bytes, size_t count);

/// 1: the image is whole, and finish() has returned 0.
int skink_firmware_is_whole(const skink_firmware_update* update);

/// Gives up, unless the image is whole.
void skink_firmware_stop(skink_firmware_update* update);

/// Looks at an image in MCUboot's secondary slot that came another way; its vendor's TLV 0x00a0 holds the first 144
/// bytes of the release of its payload. Call it before boot_request_upgrade().
///
/// @param[in]  image  from the image's header on; only `read` is called, with addresses below sectors * sector_bytes
/// @param[out] offer  written on SKINK_OK; may be null
/// @returns as skink_firmware_take(); SKINK_DAMAGED also for what is no MCUboot image, SKINK_UNAVAILABLE when there is
///          no such TLV, or the slot cannot be read
skink_status skink_firmware_check_mcuboot(const skink_flash* image, skink_bytes release_key, uint32_t installed,
                                          skink_firmware_offer* offer);

#ifdef __cplusplus
}
#endif

#endif
