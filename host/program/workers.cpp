#include "skink/host/program/workers.hpp"

#include <stdexcept>
#include <utility>

#include "skink/host/program/float_environment.hpp"
#include "skink/host/program/threads.hpp"

namespace skink {
namespace {

/// Rounds of small fleets take microseconds; a sleeping thread takes as long to wake.
constexpr int kSpins = 2000;

void wait_for_change(const std::atomic<std::uint32_t>& value, std::uint32_t old) {
  for (int spin = 0; spin < kSpins; ++spin) {
    if (value.load(std::memory_order_acquire) != old) return;
  }
  value.wait(old, std::memory_order_acquire);
}

}  // namespace

Workers::Workers(std::uint32_t count) {
  start_threads(threads_, count > 1 ? count - 1 : 0,
                [this](std::size_t number) { serve(static_cast<std::uint32_t>(number) + 1); });
}

Workers::~Workers() {
  stops_ = true;
  job_.fetch_add(1, std::memory_order_release);
  job_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void Workers::run(std::uint32_t parts, const std::function<void(std::uint32_t, std::uint32_t)>& work) {
  if (threads_.empty() || parts <= 1) {
    for (std::uint32_t part = 0; part < parts; ++part) work(0, part);
    return;
  }
  work_ = &work;
  parts_ = parts;
  next_part_.store(0, std::memory_order_relaxed);
  busy_.store(static_cast<std::uint32_t>(threads_.size()), std::memory_order_relaxed);
  job_.fetch_add(1, std::memory_order_release);
  job_.notify_all();
  take_parts(0);
  for (std::uint32_t busy = busy_.load(std::memory_order_acquire); busy != 0;
       busy = busy_.load(std::memory_order_acquire)) {
    wait_for_change(busy_, busy);
  }
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

void Workers::serve(std::uint32_t worker) {
  const bool is_sound = prepare_thread_arithmetic() == arithmetic::Canary::kSound;
  for (std::uint32_t seen = 0;;) {
    wait_for_change(job_, seen);
    ++seen;
    if (stops_) return;
    if (is_sound) {
      take_parts(worker);
    } else {
      const std::lock_guard lock(failure_lock_);
      failure_ = std::make_exception_ptr(std::runtime_error("a thread's floating-point environment is not sound"));
    }
    busy_.fetch_sub(1, std::memory_order_release);
    busy_.notify_one();
  }
}

void Workers::take_parts(std::uint32_t worker) {
  try {
    for (;;) {
      const std::uint32_t part = next_part_.fetch_add(1, std::memory_order_relaxed);
      if (part >= parts_) return;
      (*work_)(worker, part);
    }
  } catch (...) {
    const std::lock_guard lock(failure_lock_);
    if (!failure_) failure_ = std::current_exception();
    next_part_.store(parts_, std::memory_order_relaxed);
  }
}

}  // namespace skink
