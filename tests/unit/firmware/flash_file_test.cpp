/// @file
/// The platform layer's flash in a file: it behaves as a NOR part does, outlives its process, and belongs to one.

#include <catch2/catch.hpp>
#include <cstring>
#include <fstream>
#include <vector>

#include "fakes/scratch_folder.hpp"
#include "skink/firmware/posix/platform.h"

using namespace skink::test;

namespace {

std::vector<std::uint8_t> read(const skink_flash& flash, std::uint32_t address, std::size_t count) {
  std::vector<std::uint8_t> out(count);
  REQUIRE(flash.read(flash.context, address, out.data(), count) == 0);
  return out;
}

}  // namespace

TEST_CASE("flash file: erased to ones, programming clears bits, and both outlive the process", "[firmware][posix]") {
  const ScratchFolder folder;
  const std::string path = folder.file("flash");
  skink_flash_file file;
  skink_flash flash{};
  REQUIRE(skink_flash_file_open(&file, path.c_str(), 512, 4, &flash) == SKINK_OK);
  CHECK(read(flash, 0, 2048) == std::vector<std::uint8_t>(2048, 0xff));
  REQUIRE(flash.program_bytes == 32);
  const std::uint8_t first[64] = {0x0f, 1, 2, 3, 4, 5, 6, 7};
  const std::uint8_t second[32] = {0xf8, 1, 2, 3, 4, 5, 6, 7};
  REQUIRE(flash.program(flash.context, 512, first, 32) == 0);
  REQUIRE(flash.program(flash.context, 512, second, 32) == 0);
  CHECK(read(flash, 512, 2) == std::vector<std::uint8_t>{0x08, 1});
  CHECK(flash.program(flash.context, 2016, first, 64) != 0);  // beyond the end
  CHECK(flash.program(flash.context, 576, first, 8) != 0);    // no whole unit
  CHECK(flash.program(flash.context, 584, first, 32) != 0);
  CHECK(read(flash, 576, 64) == std::vector<std::uint8_t>(64, 0xff));
  CHECK(flash.erase(flash.context, 4) != 0);

  skink_flash_file other;
  CHECK(skink_flash_file_open(&other, path.c_str(), 512, 4, &flash) == SKINK_UNAVAILABLE);  // one process has it
  skink_flash_file_close(&file);
  skink_flash_file_close(&file);
  REQUIRE(skink_flash_file_open(&file, path.c_str(), 512, 4, &flash) == SKINK_OK);
  CHECK(read(flash, 512, 2) == std::vector<std::uint8_t>{0x08, 1});
  REQUIRE(flash.erase(flash.context, 1) == 0);
  CHECK(read(flash, 512, 512) == std::vector<std::uint8_t>(512, 0xff));
  skink_flash_file_close(&file);
  std::uint8_t byte = 0;
  CHECK(flash.read(flash.context, 0, &byte, 1) != 0);
}

TEST_CASE("flash file: what a short file lacks is erased, and impossible ones are refused", "[firmware][posix]") {
  const ScratchFolder folder;
  const std::string path = folder.file("flash");
  std::ofstream(path) << "abc";
  skink_flash_file file;
  skink_flash flash{};
  REQUIRE(skink_flash_file_open(&file, path.c_str(), 512, 2, &flash) == SKINK_OK);
  CHECK(read(flash, 0, 5) == std::vector<std::uint8_t>{'a', 'b', 'c', 0xff, 0xff});
  skink_flash_file_close(&file);
  CHECK(skink_flash_file_open(&file, path.c_str(), 0, 2, &flash) == SKINK_INVALID_ARGUMENT);
  CHECK(skink_flash_file_open(&file, path.c_str(), 100, 2, &flash) == SKINK_INVALID_ARGUMENT);
  CHECK(skink_flash_file_open(&file, path.c_str(), 1U << 31, 2, &flash) == SKINK_INVALID_ARGUMENT);
  CHECK(skink_flash_file_open(&file, folder.path().c_str(), 512, 2, &flash) == SKINK_UNAVAILABLE);
}

TEST_CASE("platform: a file is read as a whole, or not", "[firmware][posix]") {
  const ScratchFolder folder;
  const std::string path = folder.file("blob");
  std::ofstream(path) << "abcd";
  std::uint8_t memory[4];
  skink_bytes bytes{};
  REQUIRE(skink_read_file(path.c_str(), memory, 4, &bytes) == SKINK_OK);
  CHECK(bytes.count == 4);
  CHECK(std::memcmp(bytes.data, "abcd", 4) == 0);
  CHECK(skink_read_file(path.c_str(), memory, 3, &bytes) == SKINK_BUFFER_TOO_SMALL);
  CHECK(skink_read_file((path + "x").c_str(), memory, 4, &bytes) == SKINK_UNAVAILABLE);
  CHECK(skink_read_file(folder.path().c_str(), memory, 4, &bytes) == SKINK_UNAVAILABLE);
}

TEST_CASE("platform: time goes on, entropy differs", "[firmware][posix]") {
  const std::uint64_t before = skink_posix_now_ms();
  CHECK(skink_posix_now_ms() >= before);
  std::uint8_t a[16];
  std::uint8_t b[16];
  REQUIRE(skink_posix_entropy(a, sizeof a) == SKINK_OK);
  REQUIRE(skink_posix_entropy(b, sizeof b) == SKINK_OK);
  CHECK(std::memcmp(a, b, sizeof a) != 0);
}
