#pragma once
/// @file
/// Flash in memory that keeps the rules of NOR parts and breaks the test when code does not: programming only over
/// erased units, in whole units. After `steps_left` small steps the power goes: the operation stops half way and
/// everything after it fails until power_on(). Cells in `stuck` are worn: nothing changes them, and the part reports
/// success all the same. With `has_ecc` the units that a failure tore cannot be read until their sector is erased.

#include <cstdint>
#include <cstring>
#include <set>
#include <stdexcept>
#include <vector>

#include "skink/firmware/flash.hpp"

namespace skink::test {

class FakeFlash {
 public:
  explicit FakeFlash(std::uint32_t sector_bytes = 512, std::uint32_t sectors = 16, std::uint32_t program_bytes = 8)
      : bytes(std::size_t{sector_bytes} * sectors, 0xff) {
    flash.context = this;
    flash.sector_bytes = sector_bytes;
    flash.sectors = sectors;
    flash.program_bytes = program_bytes;
    flash.read_function = &read;
    flash.program_function = &program;
    flash.erase_function = &erase;
    erasures.assign(sectors, 0);
  }

  void power_on() { steps_left = ~std::uint64_t{0}; }
  bool has_power() const { return steps_left > 0; }

  firmware::Flash flash;
  std::vector<std::uint8_t> bytes;
  std::vector<int> erasures;
  std::set<std::uint32_t> stuck;  ///< addresses
  bool has_ecc = false;
  std::set<std::uint32_t> torn;  ///< units that cannot be read, by address / program_bytes
  std::uint64_t steps_left = ~std::uint64_t{0};
  std::uint64_t steps = 0;

 private:
  static FakeFlash& self(void* context) { return *static_cast<FakeFlash*>(context); }

  bool step() {
    if (steps_left == 0) return false;
    --steps_left;
    ++steps;
    return steps_left > 0;
  }

  static Status read(void* context, std::uint32_t address, MutableBytes out) {
    if (self(context).steps_left == 0) return Status::kUnavailable;
    if (address + out.size() > self(context).bytes.size()) throw std::logic_error("read beyond the flash");
    const FakeFlash& it = self(context);
    const std::uint32_t unit = it.flash.program_bytes;
    const auto torn = it.torn.lower_bound(address / unit);
    if (torn != it.torn.end() && *torn * unit < address + out.size()) return Status::kDamaged;
    std::memcpy(out.data(), it.bytes.data() + address, out.size());
    return Status::kOk;
  }

  static Status program(void* context, std::uint32_t address, Bytes data) {
    FakeFlash& it = self(context);
    const std::uint32_t unit = it.flash.program_bytes;
    if (address % unit != 0 || data.size() % unit != 0) throw std::logic_error("program: not whole units");
    if (address + data.size() > it.bytes.size()) throw std::logic_error("program beyond the flash");
    for (std::size_t done = 0; done < data.size(); done += unit) {
      const bool is_torn = !it.step();
      for (std::uint32_t i = 0; i < (is_torn ? unit / 2 : unit); ++i) {
        std::uint8_t& cell = it.bytes[address + done + i];
        if (it.stuck.count(static_cast<std::uint32_t>(address + done + i)) > 0) continue;
        if (cell != 0xff && it.has_power()) throw std::logic_error("program: not erased");
        cell = static_cast<std::uint8_t>(cell & data[done + i]);
      }
      if (is_torn && it.has_ecc) it.torn.insert(static_cast<std::uint32_t>((address + done) / unit));
      if (is_torn) return Status::kUnavailable;
    }
    return Status::kOk;
  }

  static Status erase(void* context, std::uint32_t sector) {
    FakeFlash& it = self(context);
    if (sector >= it.flash.sectors) throw std::logic_error("erase beyond the flash");
    const std::size_t size = it.flash.sector_bytes;
    const bool is_torn = !it.step();
    for (std::size_t i = 0; i < (is_torn ? size / 2 : size); ++i) {
      const std::size_t at = sector * size + i;
      if (it.stuck.count(static_cast<std::uint32_t>(at)) == 0) it.bytes[at] = 0xff;
    }
    const auto first = static_cast<std::uint32_t>(sector * size / it.flash.program_bytes);
    const auto last = static_cast<std::uint32_t>(first + size / it.flash.program_bytes);
    for (std::uint32_t unit = first; unit < last; ++unit) {
      it.torn.erase(unit);
      if (is_torn && it.has_ecc && unit % 3 == 1) it.torn.insert(unit);  // neither erased nor what it was
    }
    ++it.erasures[sector];
    return is_torn ? Status::kUnavailable : Status::kOk;
  }
};

}  // namespace skink::test
