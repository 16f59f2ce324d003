#include "skink/firmware/samples/onset_gate.hpp"

namespace skink::firmware {

OnsetGate::Window OnsetGate::add(float level) noexcept {
  const bool is_loud = level > threshold_;
  if (left_ > 0) {
    --left_;
    if (left_ == 0) quiet_ = pause_;
    return Window::kGoesOn;
  }
  if (quiet_ > 0) {
    quiet_ = is_loud ? pause_ : quiet_ - 1;
    return Window::kQuiet;
  }
  if (!is_loud) return Window::kQuiet;
  left_ = windows_ - 1;
  if (left_ == 0) quiet_ = pause_;
  return Window::kBegins;
}

}  // namespace skink::firmware
