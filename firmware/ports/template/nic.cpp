/// @file
/// TODO: the network chip. ports/mps2/lan9118.cpp is a complete one of 140 lines. No wait of it is without a
/// bound: skink/firmware/wait.hpp.

#include "skink/firmware/net/nic.hpp"

namespace skink::firmware::port {

err_t nic_initialize(netif* /*interface*/) noexcept { return ERR_IF; }

int nic_poll(netif* /*interface*/) noexcept { return 0; }

}  // namespace skink::firmware::port
