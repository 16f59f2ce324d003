// No include guard: every header that computes includes this at its begin, and contraction_restore.hpp at its end;
// every source includes it first.
//
// Multiply and add must not be fused: a fused one rounds once where Skink's arithmetic rounds twice, and then this
// device's results are not those of the others. GCC fuses unless told otherwise, and build systems that take a library
// as a folder give no place to tell it. clang from 14 on fuses within a statement. After `-ffp-contract=fast` on
// clang's command line the pragma has no effect; the device then refuses its tasks
// (skink/common/arithmetic/canary.hpp).
//
// Not for a processor that has no fused instruction: with GCC 12 the pragma brings optimisations back that the back end
// has switched off. For Thumb-1 that is -fipa-ra, and the code is wrong (seen on Cortex-M0+ at -Os).
//
// SKINK_ALLOW_CONTRACTION is for the test that shows that this has an effect.
#if !defined(__clang__) && !defined(__GNUC__)
#error "Skink: this compiler is not known; how is it told not to fuse multiply and add?"
#endif
#if defined(SKINK_ALLOW_CONTRACTION) || (defined(__arm__) && !defined(__ARM_FEATURE_FMA)) || \
    (defined(__riscv) && !defined(__riscv_flen)) || defined(__XTENSA_SOFT_FLOAT__)
#elif defined(__clang__)
#pragma clang fp contract(off)
#else
#pragma GCC push_options
#pragma GCC optimize("fp-contract=off")
#endif
