// Images of the board pico in rp2040js, an emulator of the RP2040 by Wokwi. The console is stdout.
//
//   node board.mjs FILE.uf2... [--flash FILE] [--seconds N] [--until TEXT]
//
// --flash    what the flash holds is kept there, from run to run; a file that is absent is a new chip
// --seconds  of the board's time; after them exit code 3 (default 120)
// --mhz      of the core (default 125); less makes a board that hangs quicker to emulate
// --network  PORT:PEER: a W5500 on SPI0 (w5500.mjs); frames are datagrams of 127.0.0.1, from PEER to PORT and back. The board's time
//            is ours then while it waits, and behind ours while it computes
// --until    ends with exit code 0 when the console has said that
//
// Exit code 0: the image said "passed", or TEXT; 1: it said "failed"; 2: it did what no board can do; 3: the time is over.
//
// What the emulator leaves out is here: the functions of the boot ROM that write flash, as NOR flash behaves (programming
// clears bits), the ring oscillator's random bit, and the watchdog's reset.
import crypto from "node:crypto";
import fs from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

import { W5500 } from "./w5500.mjs";

const require = createRequire(process.env.SKINK_PICO_MODULES + "/");
const { ConsoleLogger, LogLevel, Simulator } = await import(pathToFileURL(require.resolve("rp2040js")).href.replace("/cjs/", "/esm/"));

const FLASH = 0x10000000, SSI = 0x18000000, FLASH_BYTES = 2 << 20, SECTOR = 4096, PAGE = 256;
const RAM = 0x20000000, BOOT2_AT = 0x20041f00, BOOT2_BYTES = 252;
const FIRST = 0x0a324655, FAMILY = 0xe48bff56;
const TURN = 100_000;

function refuse(why) {
  console.error(`board: ${why}`);
  process.exit(2);
}

const files = [], options = { seconds: "120", mhz: "125" };
for (let i = 2; i < process.argv.length; ++i) {
  const word = process.argv[i];
  if (word.startsWith("--")) options[word.slice(2)] = process.argv[++i];
  else files.push(word);
}

const simulator = new Simulator();
const { clock, rp2040: chip } = simulator;
chip.logger = new ConsoleLogger(LogLevel.Error, false);

// ---- flash ----
if (options.flash && fs.existsSync(options.flash)) chip.flash.set(fs.readFileSync(options.flash));
for (const file of files) {
  const content = fs.readFileSync(file);
  const erased = new Set();
  for (let at = 0; at < content.length; at += 512) {
    if (content.readUInt32LE(at) !== FIRST || content.readUInt32LE(at + 28) !== FAMILY) refuse(`${file}: block ${at / 512} is not for an RP2040`);
    const offset = content.readUInt32LE(at + 12) - FLASH;
    if (offset < 0 || offset + PAGE > FLASH_BYTES) refuse(`${file}: a page outside of the flash`);
    const sector = Math.floor(offset / SECTOR);
    if (!erased.has(sector)) chip.flash.fill(0xff, sector * SECTOR, (sector + 1) * SECTOR);
    erased.add(sector);
    chip.flash.set(content.subarray(at + 32, at + 32 + PAGE), offset);
  }
}

// ---- the boot ROM's functions: a breakpoint, whose number says which, and a return ----
const registers = chip.core.registers;
const inside = (offset, count, unit) => offset % unit === 0 && count % unit === 0 && offset + count <= FLASH_BYTES;

// Between EX of the ROM and boot2, which switches the flash's interface on again, nothing may be read from it.
let isXip = true;
const read = { readUint8: chip.readUint8, readUint16: chip.readUint16, readUint32: chip.readUint32 };
let command = -1, position = 0, answers = []; // of the chip, byte by byte
function leaveXip() {
  isXip = false;
  [command, position, answers] = [-1, 0, []];
  for (const name of Object.keys(read)) {
    chip[name] = function (address) {
      if (address >= FLASH && address < SSI) refuse(`flash: read at ${address.toString(16)} while it is written`);
      return read[name].call(chip, address);
    };
  }
}
function enterXip() {
  isXip = true;
  Object.assign(chip, read);
}
const ssi = chip.peripherals[0x18000], writeSsi = ssi.writeUint32.bind(ssi), readSsi = ssi.readUint32.bind(ssi);
ssi.writeUint32 = (offset, value) => {
  if (offset === 0x08 && value === 1) enterXip();
  if (offset === 0x60 && !isXip) answers.push(exchange(value & 0xff));
  writeSsi(offset, value);
};
ssi.readUint32 = (offset) => {
  if (isXip) return readSsi(offset);
  if (offset === 0x28) return 0x06 | (answers.length > 0 ? 0x08 : 0); // there is room, nothing is under way
  return offset === 0x60 ? answers.shift() ?? 0 : readSsi(offset);
};
// The flash chip's own number, and the status that boot2 asks for; W25Q16JV data sheet, 8.2.
const UNIQUE_ID = Buffer.from("e6614103e7123456", "hex");
function exchange(value) {
  const at = position++;
  if (at === 0) command = value;
  return command === 0x4b && at >= 5 ? UNIQUE_ID[(at - 5) % 8] : 0;
}
function needWritable() {
  if (isXip) refuse("flash: written while it can be read");
}
const rom = [
  ["lookup", () => { registers[0] = rom.findIndex(([name]) => name === String.fromCharCode(registers[1] & 0xff, registers[1] >> 8 & 0xff)) * 4 + ROM_CODE + 1; }],
  ["IF", () => {}],
  ["EX", leaveXip],
  ["RE", () => {
    needWritable();
    if (!inside(registers[0], registers[1], SECTOR)) refuse("flash: an erasure of no sectors");
    chip.flash.fill(0xff, registers[0], registers[0] + registers[1]);
    clock.tick(45e6 * registers[1] / SECTOR);
  }],
  ["RP", () => {
    needWritable();
    const [offset, from, count] = registers;
    if (!inside(offset, count, PAGE)) refuse("flash: no pages are programmed");
    for (let i = 0; i < count; ++i) chip.flash[offset + i] &= chip.readUint8(from + i);
    clock.tick(400e3 * count / PAGE);
  }],
  ["FC", () => {}],
];
const ROM_CODE = 0x100;
function writeRom() {
  chip.bootrom[0x14 / 4] = 0x00800080; // two tables, which the lookup does not read
  chip.bootrom[0x18 / 4] = ROM_CODE + 1;
  rom.forEach((_, number) => { chip.bootrom[ROM_CODE / 4 + number] = 0x4770be00 | number; });
}
chip.onBreak = (number) => {
  if (chip.core.PC >= ROM_CODE + 4 * rom.length || !rom[number]) refuse(`a breakpoint at ${chip.core.PC.toString(16)}`);
  rom[number][1]();
};

// ---- the ring oscillator ----
const ring = chip.peripherals[0x40060];
let noise = Buffer.alloc(0), bits = 0;
ring.readUint32 = (offset) => {
  if (offset === 0x18) return 0x80001000; // running, stable
  if (offset !== 0x1c) return 0;
  if (bits === noise.length * 8) [noise, bits] = [crypto.randomBytes(4096), 0];
  return noise[bits >> 3] >> (bits++ & 7) & 1;
};

// ---- reset: what the ROM does with an image ----
function start() {
  writeRom();
  chip.core.reset();
  chip.sram.set(chip.flash.subarray(0, BOOT2_BYTES), BOOT2_AT - RAM);
  registers.fill(0);
  chip.core.SP = BOOT2_AT;
  chip.core.LR = 0; // boot2 then goes to the image's vectors
  chip.core.PC = BOOT2_AT;
  enterXip();
}
let isReset = false;
const watchdog = chip.peripherals[0x40058];
watchdog.onWatchdogTrigger = () => {
  isReset = true;
  watchdog.enable = watchdog.timer.enable = watchdog.alarm.enable = false;
};

// ---- console, and the end ----
let line = "";
function finish(code) {
  if (options.flash) fs.writeFileSync(options.flash, chip.flash.subarray(0, FLASH_BYTES));
  process.exit(code);
}
let verdict = null;
chip.uart[0].onByte = (byte) => {
  fs.writeSync(1, Buffer.from([byte]));
  line = byte === 10 ? "" : line + String.fromCharCode(byte);
  if (line === "passed" || line === "failed") verdict = line === "passed" ? 0 : 1;
  if (options.until && line.includes(options.until)) verdict = 0;
};

// ---- network ----
let nic = null, wake = null;
if (options.network) {
  const [port, peer] = options.network.split(":").map(Number);
  nic = new W5500(chip, clock, { port, peer }, refuse);
  nic.onFrame = () => wake?.();
}
// The board waits for its next alarm or a frame.
const wait = (milliseconds) => new Promise((resolve) => {
  const timer = setTimeout(resolve, milliseconds);
  wake = () => {
    clearTimeout(timer);
    resolve();
  };
});
async function pass() {
  const alarm = clock.nextAlarm ? clock.nanosToNextAlarm : 1e9;
  if (!nic) return clock.tick(alarm);
  const begin = process.hrtime.bigint();
  await wait(Math.min(alarm / 1e6, 1000));
  wake = null;
  clock.tick(Math.min(Number(process.hrtime.bigint() - begin), alarm));
}
const breathe = () => new Promise((resolve) => setImmediate(resolve)); // frames come between two turns

start();
const end = options.seconds * 1e9, nanosPerCycle = 1000 / options.mhz;
while (verdict === null && clock.nanos < end) {
  for (let i = 0; i < TURN && verdict === null && !isReset && clock.nanos < end; ++i) {
    if (chip.core.waiting) await pass();
    else clock.tick(chip.core.executeInstruction() * nanosPerCycle);
  }
  if (nic) await breathe();
  if (isReset) {
    console.log("[reset]");
    isReset = false;
    start();
  }
}
fs.writeSync(1, "\n");
if (nic) console.log(`network: ${nic.counts.sent} frames sent, ${nic.counts.received} received, ${nic.counts.dropped} dropped`);
finish(verdict === null ? 3 : verdict);
