#pragma once
/// @file
/// Words and bytes that an interrupt and the main loop share, loaded and stored as a whole. Clang calls a library for
/// this on ARMv6-M, which has no exclusive access; a plain access of an aligned word is whole there too.

#include <stdint.h>

namespace skink::firmware {

#if defined(__clang__) && defined(__ARM_ARCH_6M__)
/// What is loaded or stored after it is seen after it, before it is seen before it.
template <class T>
T load_acquire(const T& shared) noexcept {
  const T value = *static_cast<const volatile T*>(&shared);
  __atomic_thread_fence(__ATOMIC_ACQUIRE);
  return value;
}
/// The same without an order.
template <class T>
T load_relaxed(const T& shared) noexcept {
  return *static_cast<const volatile T*>(&shared);
}
/// What was loaded or stored before it is seen before it.
template <class T>
void store_release(T& shared, T value) noexcept {
  __atomic_thread_fence(__ATOMIC_RELEASE);
  *static_cast<volatile T*>(&shared) = value;
}
/// The same without an order.
template <class T>
void store_relaxed(T& shared, T value) noexcept {
  *static_cast<volatile T*>(&shared) = value;
}
#else
/// As above.
template <class T>
T load_acquire(const T& shared) noexcept {
  return __atomic_load_n(&shared, __ATOMIC_ACQUIRE);
}
/// As above.
template <class T>
T load_relaxed(const T& shared) noexcept {
  return __atomic_load_n(&shared, __ATOMIC_RELAXED);
}
/// As above.
template <class T>
void store_release(T& shared, T value) noexcept {
  __atomic_store_n(&shared, value, __ATOMIC_RELEASE);
}
/// As above.
template <class T>
void store_relaxed(T& shared, T value) noexcept {
  __atomic_store_n(&shared, value, __ATOMIC_RELAXED);
}
#endif

}  // namespace skink::firmware
