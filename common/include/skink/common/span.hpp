#pragma once
/// @file
/// A borrowed array: pointer and length. The freestanding layers are C++17 and must compile where there is no
/// libstdc++, so this is the project's own and offers only what they use. It never owns; whoever hands one out says
/// for how long the memory lives.

#include <stddef.h>
#include <stdint.h>

namespace skink {

/// `size` elements from `data` on. Copying a span copies no element; const applies to the span, not to its elements.
template <class T>
class Span {
 public:
  /// Empty; `size` elements at `data`, which the caller keeps readable (null only when size is 0); a whole array.
  constexpr Span() noexcept = default;
  constexpr Span(T* data, size_t size) noexcept : data_(data), size_(size) {}
  template <size_t N>
  constexpr Span(T (&array)[N]) noexcept : data_(array), size_(N) {}  // NOLINT(google-explicit-constructor)

  /// Span<float> converts to Span<const float>.
  constexpr operator Span<const T>() const noexcept { return {data_, size_}; }  // NOLINT(google-explicit-constructor)

  /// As in std::span. An index must be below size(): nothing is checked.
  constexpr T* data() const noexcept { return data_; }
  constexpr size_t size() const noexcept { return size_; }
  constexpr bool empty() const noexcept { return size_ == 0; }
  constexpr T* begin() const noexcept { return data_; }
  constexpr T* end() const noexcept { return data_ + size_; }
  constexpr T& operator[](size_t index) const noexcept { return data_[index]; }

  /// The part [offset, offset + count), [offset, size()) or [0, count); the caller keeps it inside.
  constexpr Span subspan(size_t offset, size_t count) const noexcept { return {data_ + offset, count}; }
  constexpr Span subspan(size_t offset) const noexcept { return {data_ + offset, size_ - offset}; }
  constexpr Span first(size_t count) const noexcept { return {data_, count}; }

 private:
  T* data_ = nullptr;
  size_t size_ = 0;
};

using Bytes = Span<const uint8_t>;
using MutableBytes = Span<uint8_t>;

}  // namespace skink
