// A model of WIZnet's W5500 for board.mjs, written from its data sheet (version 1.1.0): registers and memory of socket 0 in
// MACRAW mode, on SPI0 of an emulated RP2040, with the pins of WIZnet's W5500-EVB-Pico. Frames are datagrams on loopback, as
// QEMU's `-netdev socket,udp=` has them. What no driver may do ends the run: `refuse` is called with the reason.
import dgram from "node:dgram";

const SELECT = 17, RESET = 20, INTERRUPT = 21;
const RESET_US = 500, LOCK_US = 1000;
const MAX_HZ = 33.3e6;
const MEMORY = 16384, MAX_FRAME = 1514, MIN_FRAME = 60;
// Registers of the chip and of a socket.
const MR = 0x00, SHAR = 0x09, SIR = 0x17, SIMR = 0x18, PHYCFGR = 0x2e, VERSIONR = 0x39;
const SN_MR = 0x00, SN_CR = 0x01, SN_IR = 0x02, SN_SR = 0x03, SN_RXBUF_SIZE = 0x1e, SN_TXBUF_SIZE = 0x1f, SN_TX_FSR = 0x20,
  SN_TX_RD = 0x22, SN_TX_WR = 0x24, SN_RX_RSR = 0x26, SN_RX_RD = 0x28, SN_RX_WR = 0x2a, SN_IMR = 0x2c;
const OPEN = 0x01, CLOSE = 0x10, SEND = 0x20, RECV = 0x40;
const RECEIVED = 0x04, SENT = 0x10;
const MACRAW = 4, IS_MACRAW = 0x42, FILTER = 0x80;

export class W5500 {
  // options: port, where frames come in; peer, where they go to
  constructor(chip, clock, { port, peer }, refuse) {
    Object.assign(this, { chip, clock, peer, refuse, counts: { sent: 0, received: 0, dropped: 0 } });
    this.low = null;
    this.isSelected = false;
    this.readyAt = Infinity;
    this.restart();
    const spi = chip.spi[0];
    spi.onTransmit = (value) => spi.completeTransmit(this.isSelected ? this.byte(value, spi) : 0xff);
    chip.gpio[SELECT].addListener((state) => this.select(state === 0));
    chip.gpio[RESET].addListener((state) => this.reset(state === 0));
    chip.gpio[INTERRUPT].setInputValue(true);
    this.socket = dgram.createSocket("udp4");
    this.socket.on("message", (frame) => this.receive(frame));
    this.socket.bind(port, "127.0.0.1");
  }

  // ---- reset ----
  reset(isLow) {
    if (isLow) this.low = this.clock.nanos;
    else if (this.low !== null) {
      if (this.clock.nanos - this.low < RESET_US * 1e3) this.refuse(`w5500: a reset of ${(this.clock.nanos - this.low) / 1e3} us`);
      this.restart();
      this.readyAt = this.clock.nanos + LOCK_US * 1e3;
      this.low = null;
    }
  }
  restart() {
    this.common = new Uint8Array(0x40);
    this.common[PHYCFGR] = 0xbf; // a link, 100 Mbit/s, full duplex
    this.common[VERSIONR] = 4;
    this.sockets = Array.from({ length: 8 }, () => {
      const registers = new Uint8Array(0x30);
      registers[SN_RXBUF_SIZE] = registers[SN_TXBUF_SIZE] = 2;
      registers[SN_IMR] = 0xff;
      return registers;
    });
    this.out = new Uint8Array(MEMORY);
    this.in = new Uint8Array(MEMORY);
    this.taken = 0; // the read pointer that the chip knows: that of the last RECV
    this.show();
  }

  // ---- the bus: two bytes of address, one that says what, then data for as long as the chip is selected ----
  select(isSelected) {
    if (isSelected !== this.isSelected) this.position = 0;
    this.isSelected = isSelected;
  }
  byte(value, spi) {
    if (spi.clockFrequency > MAX_HZ) this.refuse(`w5500: a bus of ${spi.clockFrequency} Hz`);
    if (spi.dataBits !== 8 || (spi.spiMode !== 0 && spi.spiMode !== 3)) this.refuse("w5500: another mode of the bus");
    if (this.low !== null || this.clock.nanos < this.readyAt) this.refuse("w5500: spoken to before it is ready");
    const at = this.position++;
    if (at === 0) this.address = value << 8;
    else if (at === 1) this.address |= value;
    else if (at === 2) {
      this.block = value >> 3;
      this.isWrite = (value & 4) !== 0;
      if ((value & 3) !== 0) this.refuse("w5500: a length that is fixed");
    } else {
      const address = this.address + at - 3 & 0xffff;
      if (!this.isWrite) return this.read(address);
      this.write(address, value);
    }
    return at; // the chip answers 1, 2, 3 to its head
  }
  read(address) {
    const socket = this.sockets[this.block >> 2];
    if (this.block === 0) return this.common[address] ?? 0;
    if ((this.block & 3) === 1) return this.register(socket, address);
    const memory = (this.block & 3) === 3 ? this.in : this.out;
    return memory[address % MEMORY];
  }
  register(socket, address) {
    if (socket !== this.sockets[0]) return socket[address] ?? 0;
    if (address === SN_TX_FSR || address === SN_TX_FSR + 1) return this.byteOf(this.free(), address - SN_TX_FSR);
    if (address === SN_RX_RSR || address === SN_RX_RSR + 1) return this.byteOf(this.waiting(), address - SN_RX_RSR);
    return socket[address] ?? 0;
  }
  write(address, value) {
    const kind = this.block & 3, socket = this.sockets[this.block >> 2];
    if (this.block === 0) {
      if (address === MR && (value & 0x80) !== 0) return this.restart();
      if (address < this.common.length && address !== VERSIONR) this.common[address] = value;
    } else if (kind === 1) this.writeRegister(socket, address, value);
    else if (kind === 2) this.out[address % MEMORY] = value;
    else this.refuse("w5500: a write into what it received");
    this.show();
  }
  writeRegister(socket, address, value) {
    if (address === SN_IR) socket[SN_IR] &= ~value;
    else if (address === SN_CR) this.command(socket, value);
    else if (address !== SN_SR && address < socket.length) socket[address] = value;
  }

  // ---- socket 0 ----
  byteOf(word, index) {
    return index === 0 ? word >> 8 : word & 0xff;
  }
  word(at) {
    return this.sockets[0][at] << 8 | this.sockets[0][at + 1];
  }
  setWord(at, value) {
    this.sockets[0][at] = value >> 8 & 0xff;
    this.sockets[0][at + 1] = value & 0xff;
  }
  size(at) {
    return this.sockets[0][at] * 1024;
  }
  free() {
    return this.size(SN_TXBUF_SIZE) - (this.word(SN_TX_WR) - this.word(SN_TX_RD) & 0xffff);
  }
  waiting() {
    return this.word(SN_RX_WR) - this.taken & 0xffff;
  }
  command(socket, value) {
    if (socket !== this.sockets[0]) return this.refuse("w5500: a command to another socket");
    const isOpen = socket[SN_SR] === IS_MACRAW;
    if (value === OPEN) {
      for (const at of [SN_TXBUF_SIZE, SN_RXBUF_SIZE]) {
        if (this.sockets.reduce((sum, one) => sum + one[at], 0) > 16) this.refuse("w5500: more than 16 KB of memory");
      }
      if ((socket[SN_MR] & 0xf) !== MACRAW) this.refuse("w5500: another mode than MACRAW is not modelled");
      socket[SN_SR] = IS_MACRAW;
      for (const at of [SN_TX_RD, SN_TX_WR, SN_RX_RD, SN_RX_WR]) this.setWord(at, 0);
      this.taken = 0;
    } else if (value === CLOSE) socket[SN_SR] = 0;
    else if (!isOpen) this.refuse(`w5500: command ${value} to a closed socket`);
    else if (value === SEND) this.send();
    else if (value === RECV) this.taken = this.word(SN_RX_RD);
    else this.refuse(`w5500: command ${value}`);
  }
  send() {
    const begin = this.word(SN_TX_RD), count = this.word(SN_TX_WR) - begin & 0xffff;
    if (count > this.size(SN_TXBUF_SIZE) || count > MAX_FRAME) this.refuse(`w5500: a frame of ${count} bytes`);
    const frame = new Uint8Array(Math.max(count, MIN_FRAME));
    for (let i = 0; i < count; ++i) frame[i] = this.out[(begin + i) % this.size(SN_TXBUF_SIZE)];
    this.setWord(SN_TX_RD, this.word(SN_TX_WR));
    this.sockets[0][SN_IR] |= SENT;
    this.counts.sent++;
    this.socket.send(frame, this.peer, "127.0.0.1");
  }

  // ---- frames from the wire ----
  receive(frame) {
    const socket = this.sockets[0];
    if (socket[SN_SR] !== IS_MACRAW || frame.length < 14 || frame.length > MAX_FRAME || !this.isForUs(frame)) return;
    const bytes = frame.length + 2; // a length that counts itself goes before
    if (bytes > this.size(SN_RXBUF_SIZE) - this.waiting()) {
      this.counts.dropped++;
      return;
    }
    const at = this.word(SN_RX_WR), size = this.size(SN_RXBUF_SIZE);
    this.in[at % size] = bytes >> 8;
    this.in[(at + 1) % size] = bytes & 0xff;
    frame.forEach((value, i) => { this.in[(at + 2 + i) % size] = value; });
    this.setWord(SN_RX_WR, at + bytes & 0xffff);
    socket[SN_IR] |= RECEIVED;
    this.counts.received++;
    this.show();
    this.onFrame?.();
  }
  isForUs(frame) {
    if ((this.sockets[0][SN_MR] & FILTER) === 0 || (frame[0] & 1) !== 0) return true;
    return this.common.subarray(SHAR, SHAR + 6).every((value, i) => value === frame[i]);
  }
  // INTn is low for as long as something is to be said.
  show() {
    this.common[SIR] = this.sockets.reduce((bits, one, i) => bits | ((one[SN_IR] & one[SN_IMR]) !== 0 ? 1 << i : 0), 0);
    const isLow = (this.common[SIR] & this.common[SIMR]) !== 0;
    if (isLow !== this.isLow) this.chip.gpio[INTERRUPT].setInputValue(!isLow);
    this.isLow = isLow;
  }
}
