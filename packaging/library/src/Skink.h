#pragma once
/// @file
/// All of Skink that an application needs. Include it after Arduino.h; in a sketch, that is anywhere.

#if !defined(__cplusplus) || __cplusplus < 201703L
#error "Skink needs C++17: take a core or a build option that compiles with -std=gnu++17 or later"
#endif
#if defined(__FAST_MATH__)
#error "Skink: -ffast-math changes results; build without it"
#endif

#include "skink/common/arithmetic/canary.hpp"
#include "skink/common/provisioning/identity.hpp"
#include "skink/edge/client.hpp"
#include "skink/firmware/console.hpp"
#include "skink/firmware/device.hpp"
#include "skink/firmware/log.hpp"
#include "skink/firmware/model_release.hpp"
#include "skink/firmware/selftest.hpp"
#include "skink/firmware/selftest_run.hpp"
#include "skink/firmware/vector_flash.hpp"
