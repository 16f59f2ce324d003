#include "skink/firmware/net/ip_network.hpp"

#include <lwip/dhcp.h>
#include <lwip/dns.h>
#include <lwip/init.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/timeouts.h>
#include <netif/ethernet.h>

#include "skink/common/arithmetic/philox.hpp"
#include "skink/firmware/console.hpp"
#include "skink/firmware/entropy.hpp"
#include "skink/firmware/net/nic.hpp"
#include "skink/firmware/port.hpp"

namespace skink::firmware::network {
namespace {

uint64_t random_seed = 0;

}  // namespace
}  // namespace skink::firmware::network

extern "C" {

u32_t sys_now(void) { return static_cast<u32_t>(skink::firmware::port::now_ms()); }

void skink_lwip_failed(int line) {
  skink::firmware::print("lwip: an assertion failed in line {} of one of its files", line);
  skink::firmware::port::restart(skink::firmware::ResetReason::kFault);
}

/// Port numbers and transaction numbers: unpredictable from outside, not secret. lwIP asks only after start().
uint32_t skink_random(void) {
  static uint32_t count = 0;
  return skink::arithmetic::philox(skink::firmware::network::random_seed, count++, 0, 0, 0).words[0];
}

}  // extern "C"

namespace skink::firmware::network {
namespace {

netif interface;

struct Lookup {
  enum class State : uint8_t { kIdle, kWaiting, kFound, kFailed } state = State::kIdle;
  const char* host = nullptr;  ///< who is asked for
  ip_addr_t address;
};
Lookup lookup;

void on_found(const char* /*name*/, const ip_addr_t* address, void* /*context*/) {
  lookup.state = address != nullptr ? Lookup::State::kFound : Lookup::State::kFailed;
  if (address != nullptr) lookup.address = *address;
}

}  // namespace

Status start() noexcept {
  uint8_t bytes[sizeof random_seed];
  const Status status = draw_entropy(bytes);
  if (status != Status::kOk) return status;
  memcpy(&random_seed, bytes, sizeof random_seed);
  lwip_init();
  const netif* added =
      netif_add(&interface, nullptr, nullptr, nullptr, nullptr, &port::nic_initialize, &ethernet_input);
  if (added == nullptr) return Status::kUnsupported;
  netif_set_default(&interface);
  netif_set_up(&interface);
  return dhcp_start(&interface) == ERR_OK ? Status::kOk : Status::kUnsupported;
}

int poll() noexcept {
  const int frames = port::nic_poll(&interface);
  sys_check_timeouts();
  return frames;
}

bool is_up() noexcept { return dhcp_supplied_address(&interface) != 0; }

uint64_t next_wake_ms() noexcept {
  const u32_t left = sys_timeouts_sleeptime();
  return left == SYS_TIMEOUTS_SLEEPTIME_INFINITE ? ~uint64_t{0} : port::now_ms() + left;
}

bool settle() noexcept {
  const dhcp* lease = netif_dhcp_data(&interface);
  bool is_quiet = is_up() && lease->request_timeout == 0 && lookup.state != Lookup::State::kWaiting;
  for (tcp_pcb* pcb = tcp_active_pcbs; pcb != nullptr; pcb = pcb->next) {
    const bool is_still =
        pcb->state == ESTABLISHED && pcb->unsent == nullptr && pcb->unacked == nullptr && pcb->refused_data == nullptr;
    if (is_still && (pcb->flags & TF_ACK_DELAY) != 0) {
      tcp_ack_now(pcb);
      (void)tcp_output(pcb);
    }
    is_quiet = is_quiet && is_still && (pcb->flags & (TF_ACK_DELAY | TF_ACK_NOW)) == 0;
  }
  return is_quiet;
}

void make_up_for(uint64_t slept_ms) noexcept {
  constexpr uint32_t kLongestMs = 7U * 24 * 60 * 60 * 1000;
  constexpr uint32_t kTickMs = DHCP_COARSE_TIMER_SECS * 1000;
  auto left_ms = slept_ms < kLongestMs ? static_cast<uint32_t>(slept_ms) : kLongestMs;
  for (; left_ms >= kTickMs; left_ms -= kTickMs) dhcp_coarse_tmr();  // a week's at most
}

Status resolve(const char* host, ip_addr_t& address) noexcept {
  if (lookup.state == Lookup::State::kWaiting) return Status::kUnsupported;
  const Lookup::State state = lookup.host == host ? lookup.state : Lookup::State::kIdle;
  lookup.state = Lookup::State::kIdle;
  if (state == Lookup::State::kFailed) return Status::kUnavailable;
  if (state == Lookup::State::kFound) {
    address = lookup.address;
    return Status::kOk;
  }
  const err_t begun = dns_gethostbyname(host, &address, &on_found, nullptr);
  if (begun == ERR_OK) return Status::kOk;
  if (begun != ERR_INPROGRESS) return Status::kUnavailable;
  lookup.state = Lookup::State::kWaiting;
  lookup.host = host;
  return Status::kUnsupported;
}

}  // namespace skink::firmware::network
