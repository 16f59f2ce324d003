#include "ports/w5500/w5500.hpp"

#include "skink/firmware/wait.hpp"

namespace skink::firmware {
namespace {

// Blocks: registers of the chip, registers of socket 0, and its two buffers.
constexpr uint8_t kChip = 0;
constexpr uint8_t kSocket = 1;
constexpr uint8_t kSendBuffer = 2;
constexpr uint8_t kReceiveBuffer = 3;
constexpr unsigned kSockets = 8;

constexpr uint16_t kMode = 0x0000;
constexpr uint16_t kAddress = 0x0009;
constexpr uint16_t kSocketInterruptMask = 0x0018;
constexpr uint16_t kPhy = 0x002E;
constexpr uint16_t kVersion = 0x0039;
constexpr uint8_t kReset = 0x80;
constexpr uint8_t kVersionIs = 4;
constexpr uint8_t kLinkIsUp = 0x01;

constexpr uint16_t kSocketMode = 0x0000;
constexpr uint16_t kCommand = 0x0001;
constexpr uint16_t kInterrupt = 0x0002;
constexpr uint16_t kState = 0x0003;
constexpr uint16_t kReceiveBufferKb = 0x001E;
constexpr uint16_t kSendBufferKb = 0x001F;
constexpr uint16_t kSendFree = 0x0020;
constexpr uint16_t kSendWrite = 0x0024;
constexpr uint16_t kReceived = 0x0026;
constexpr uint16_t kReceiveRead = 0x0028;
constexpr uint16_t kInterruptMask = 0x002C;
constexpr uint8_t kMacRawFiltered = 0x84;
constexpr uint8_t kIsMacRaw = 0x42;
constexpr uint8_t kOpen = 0x01;
constexpr uint8_t kClose = 0x10;
constexpr uint8_t kSend = 0x20;
constexpr uint8_t kReceive = 0x40;
constexpr uint8_t kFrameCame = 0x04;
constexpr uint8_t kFrameSent = 0x10;

constexpr uint32_t kPolls = 10'000;  // of 4 bytes each, 1 us or more: a frame is on the wire after 130 us
constexpr int kReadings = 8;         // of a counter that the chip changes meanwhile
constexpr size_t kLengthBytes = 2;   // before each frame: its length with these two, big-endian

}  // namespace

Status W5500::read(uint8_t block, uint16_t address, MutableBytes in) noexcept {
  const uint8_t header[] = {static_cast<uint8_t>(address >> 8), static_cast<uint8_t>(address),
                            static_cast<uint8_t>(block << 3)};
  return device_.exchange(device_.context, Bytes(header), {}, in);
}

Status W5500::write(uint8_t block, uint16_t address, Bytes out) noexcept {
  const uint8_t header[] = {static_cast<uint8_t>(address >> 8), static_cast<uint8_t>(address),
                            static_cast<uint8_t>(block << 3 | 4)};
  return device_.exchange(device_.context, Bytes(header), out, {});
}

Status W5500::read_byte(uint8_t block, uint16_t address, uint8_t& value) noexcept {
  return read(block, address, {&value, 1});
}

Status W5500::write_byte(uint8_t block, uint16_t address, uint8_t value) noexcept {
  return write(block, address, {&value, 1});
}

Status W5500::read_word(uint16_t address, uint16_t& value) noexcept {
  uint8_t bytes[2] = {};
  const Status status = read(kSocket, address, MutableBytes(bytes));
  value = static_cast<uint16_t>(bytes[0] << 8 | bytes[1]);
  return status;
}

Status W5500::write_word(uint16_t address, uint16_t value) noexcept {
  const uint8_t bytes[] = {static_cast<uint8_t>(value >> 8), static_cast<uint8_t>(value)};
  return write(kSocket, address, Bytes(bytes));
}

/// The two bytes of a counter may be of two moments: it counts when it reads the same twice.
Status W5500::read_steady(uint16_t address, uint16_t& value) noexcept {
  uint16_t last = 0;
  if (Status status = read_word(address, last); status != Status::kOk) return status;
  for (int reading = 0; reading < kReadings; ++reading) {
    if (Status status = read_word(address, value); status != Status::kOk) return status;
    if (value == last) return Status::kOk;
    last = value;
  }
  return Status::kUnavailable;
}

/// The chip has taken a command when the register reads 0.
Status W5500::command(uint8_t command) noexcept {
  if (Status status = write_byte(kSocket, kCommand, command); status != Status::kOk) return status;
  Status status = Status::kOk;
  uint8_t pending = 0;
  const bool is_taken = wait_until(kPolls, [&] {
    status = read_byte(kSocket, kCommand, pending);
    return status != Status::kOk || pending == 0;
  });
  return is_taken ? status : Status::kUnavailable;
}

Status W5500::open() noexcept {
  if (Status status = write_byte(kSocket, kSocketMode, kMacRawFiltered); status != Status::kOk) return status;
  if (Status status = command(kOpen); status != Status::kOk) return status;
  uint8_t state = 0;
  if (Status status = read_byte(kSocket, kState, state); status != Status::kOk) return status;
  return state == kIsMacRaw ? Status::kOk : Status::kUnavailable;
}

Status W5500::start(Bytes address) noexcept {
  if (Status status = write_byte(kChip, kMode, kReset); status != Status::kOk) return status;
  Status status = Status::kOk;
  uint8_t mode = 0;
  const bool is_reset = wait_until(kPolls, [&] {
    status = read_byte(kChip, kMode, mode);
    return status != Status::kOk || (mode & kReset) == 0;
  });
  if (status != Status::kOk) return status;
  uint8_t version = 0;
  status = read_byte(kChip, kVersion, version);
  if (status != Status::kOk) return status;
  if (!is_reset || version != kVersionIs) return Status::kUnavailable;
  status = write(kChip, kAddress, address);
  for (unsigned socket = 0; socket < kSockets && status == Status::kOk; ++socket) {  // all memory is socket 0's
    const uint8_t kb[] = {static_cast<uint8_t>(socket == 0 ? 16 : 0), static_cast<uint8_t>(socket == 0 ? 16 : 0)};
    static_assert(kSendBufferKb == kReceiveBufferKb + 1, "written together");
    status = write(static_cast<uint8_t>(socket * 4 + kSocket), kReceiveBufferKb, Bytes(kb));
  }
  if (status == Status::kOk) status = write_byte(kSocket, kInterruptMask, kFrameCame);
  if (status == Status::kOk) status = write_byte(kChip, kSocketInterruptMask, 1);
  return status == Status::kOk ? open() : status;
}

Status W5500::send(Bytes frame) noexcept {
  if (frame.size() < kMinFrameBytes || frame.size() > kMaxFrameBytes) return Status::kInvalidArgument;
  uint16_t room = 0;
  if (Status status = read_steady(kSendFree, room); status != Status::kOk) return status;
  if (room < frame.size()) return Status::kBufferTooSmall;
  uint16_t at = 0;
  if (Status status = read_word(kSendWrite, at); status != Status::kOk) return status;
  if (Status status = write(kSendBuffer, at, frame); status != Status::kOk) return status;
  if (Status status = write_word(kSendWrite, static_cast<uint16_t>(at + frame.size())); status != Status::kOk)
    return status;
  if (Status status = command(kSend); status != Status::kOk) return status;
  Status status = Status::kOk;
  uint8_t interrupt = 0;
  const bool is_sent = wait_until(kPolls, [&] {
    status = read_byte(kSocket, kInterrupt, interrupt);
    return status != Status::kOk || (interrupt & kFrameSent) != 0;
  });
  if (status != Status::kOk) return status;
  return is_sent ? write_byte(kSocket, kInterrupt, kFrameSent) : Status::kUnavailable;
}

Status W5500::receive(MutableBytes frame, size_t& bytes) noexcept {
  bytes = 0;
  if (frame.size() < kMaxFrameBytes) return Status::kBufferTooSmall;
  uint16_t waiting = 0;
  if (Status status = read_steady(kReceived, waiting); status != Status::kOk) return status;
  if (waiting == 0) return Status::kOk;
  uint16_t at = 0;
  if (Status status = read_word(kReceiveRead, at); status != Status::kOk) return status;
  uint8_t length[kLengthBytes] = {};
  if (Status status = read(kReceiveBuffer, at, MutableBytes(length)); status != Status::kOk) return status;
  const size_t with_length = static_cast<size_t>(length[0]) << 8 | length[1];
  if (with_length < kLengthBytes + kMinFrameBytes || with_length > kLengthBytes + kMaxFrameBytes ||
      with_length > waiting) {
    if (Status status = command(kClose); status != Status::kOk) return status;
    const Status status = open();
    return status == Status::kOk ? Status::kDamaged : status;
  }
  const size_t found = with_length - kLengthBytes;
  Status status = read(kReceiveBuffer, static_cast<uint16_t>(at + kLengthBytes), frame.first(found));
  if (status == Status::kOk) status = write_word(kReceiveRead, static_cast<uint16_t>(at + with_length));
  if (status == Status::kOk) status = command(kReceive);
  if (status == Status::kOk) bytes = found;
  return status;
}

Status W5500::clear_interrupt() noexcept { return write_byte(kSocket, kInterrupt, kFrameCame); }

bool W5500::has_link() noexcept {
  uint8_t phy = 0;
  return read_byte(kChip, kPhy, phy) == Status::kOk && (phy & kLinkIsUp) != 0;
}

}  // namespace skink::firmware
