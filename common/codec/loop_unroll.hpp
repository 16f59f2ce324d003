#pragma once
/// @file
/// For the inner loops of the codecs; private to them.

/// In front of a loop over numbers. Optimization: an encoding takes a fifth of the instructions less on a Cortex-M4,
/// where a loop's own two weigh as much as what it does (docs/cycle-report.md).
///
/// SKINK_KEEP_LOOP: in front of a short loop that is to become SIMD; GCC 12 would unroll it first.
#if defined(__GNUC__) && !defined(__clang__)
#define SKINK_UNROLL_4 _Pragma("GCC unroll 4")
#define SKINK_UNROLL_8 _Pragma("GCC unroll 8")
#define SKINK_UNROLL_16 _Pragma("GCC unroll 16")
#define SKINK_KEEP_LOOP _Pragma("GCC unroll 1")
#else
#define SKINK_UNROLL_4
#define SKINK_UNROLL_8
#define SKINK_UNROLL_16
#define SKINK_KEEP_LOOP
#endif
