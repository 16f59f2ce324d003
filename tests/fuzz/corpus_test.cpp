/// @file
/// Every harness over its committed corpus, and over mutations of it: what the fuzzer once found stays mended, also
/// where there is no fuzzer. A broken promise ends the program.

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <vector>

#include "harness.hpp"

using namespace skink;
namespace fs = std::filesystem;

namespace {

using Input = std::vector<std::uint8_t>;

std::vector<Input> corpus(const std::string& harness) {
  std::vector<fs::path> paths;
  for (const auto& entry : fs::directory_iterator(fs::path(SKINK_TEST_CORPUS) / harness)) paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  std::vector<Input> inputs;
  for (const fs::path& path : paths) {
    std::ifstream file(path, std::ios::binary);
    inputs.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return inputs;
}

void replay(const char* harness, void (*run)(Bytes)) {
  CAPTURE(harness);
  const std::vector<Input> inputs = corpus(harness);
  REQUIRE_FALSE(inputs.empty());
  std::mt19937 random(1);
  for (const Input& input : inputs) {
    run({input.data(), input.size()});
    for (int i = 0; i < 50; ++i) {
      Input mutated = input;
      for (auto changes = 1 + random() % 3; changes > 0 && !mutated.empty(); --changes) {
        mutated[random() % mutated.size()] = static_cast<std::uint8_t>(random());
      }
      if (random() % 4 == 0) mutated.resize(random() % (mutated.size() + 1));
      run({mutated.data(), mutated.size()});
    }
  }
}

}  // namespace

// The harnesses of this build: tests/fuzz/CMakeLists.txt.
#define SKINK_HARNESS(name) \
  TEST_CASE("fuzz: " #name " survives its corpus and mutations of it", "[fuzz]") { replay(#name, &test::fuzz_##name); }
#include "skink_fuzz_harnesses.inc"
