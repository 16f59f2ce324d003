#pragma once
/// @file
/// What an image provides to the parts below it.

#include "skink/edge/platform/samples.hpp"

/// Entry point of an image, called once after port::initialize(). It does not return in normal use.
extern "C" void skink_app();

namespace skink::firmware {

/// The samples that the device adapts to. The client image links one of firmware/samples.
edge::SampleSource samples() noexcept;

}  // namespace skink::firmware
