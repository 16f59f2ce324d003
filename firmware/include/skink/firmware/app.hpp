#pragma once
/// @file
/// What an image provides to the parts below it.

#include "skink/edge/platform/samples.hpp"
#include "skink/firmware/flash.hpp"

/// Entry point of an image, called once after port::initialize(). It does not return in normal use.
extern "C" void skink_app();

namespace skink::firmware {

class Device;

/// The part of storage that nothing else uses: for a SampleFlash.
struct OwnStorage {
  Flash* flash = nullptr;  ///< lives as long as the image
  uint32_t first_sector = 0;
  uint32_t sectors = 0;  ///< SKINK_SAMPLE_SECTORS of the image, 0 without it
};

/// Of an image that skink_add_client() makes, in samples() and later.
OwnStorage own_storage() noexcept;

/// The samples that the device adapts to, with all callbacks set; what they borrow lives as long as the image. Called
/// once, before the network is up.
edge::SampleSource samples() noexcept;

/// What the image does besides taking part: reads its sensor, predicts. Called once in every turn of the main loop,
/// which it holds up: stay well below the watchdog's 8 s. @returns when it wants to be called again, at the latest
/// (port::now_ms()); all ones: whenever.
uint64_t turn(Device& device, uint64_t now_ms) noexcept;

}  // namespace skink::firmware
