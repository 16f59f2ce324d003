#include "skink/host/files/files.hpp"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <filesystem>

#include "skink/host/config/overrides.hpp"
#include "skink/host/files/line_file.hpp"
#include "temporary_folder.hpp"

namespace skink {
namespace {

using Catch::Matchers::Contains;

TEST_CASE("files: what was written is read, and replaces what was there", "[common][host][files]") {
  const test::TemporaryFolder folder;
  const std::string path = folder.file("content");
  const std::string all_bytes("\0\r\n\xff text", 9);
  REQUIRE(write_file(path, "an earlier, longer content").has_value());
  REQUIRE(write_file(path, all_bytes).has_value());
  CHECK(read_file(path).value() == all_bytes);
  CHECK_FALSE(std::filesystem::exists(path + ".part"));
}

TEST_CASE("files: a file that cannot be written keeps its content", "[common][host][files]") {
  const test::TemporaryFolder folder;
  const std::string path = folder.file("content");
  REQUIRE(write_file(path, "kept").has_value());
  std::filesystem::create_directory(path + ".part");  // as good as a full disk: nothing can be written there
  const auto written = write_file(path, "lost");
  REQUIRE(written.has_error());
  CHECK_THAT(written.error().message, Contains(path + ": cannot be written: Is a directory"));
  CHECK(read_file(path).value() == "kept");
}

TEST_CASE("line file: lines are there at once, after a heading; a file is continued or replaced",
          "[common][host][files]") {
  const test::TemporaryFolder folder;
  const std::string path = folder.file("lines");
  for (int run = 0; run < 2; ++run) {
    auto file = LineFile::open(path, "heading", LineFile::Existing::kContinue);
    REQUIRE(file.has_value());
    file->add(std::to_string(run));
    CHECK(read_file(path).value() == (run == 0 ? "heading\n0\n" : "heading\n0\n1\n"));
    CHECK(file->written().has_value());
  }
  REQUIRE(LineFile::open(path, "another", LineFile::Existing::kReplace).has_value());
  CHECK(read_file(path).value() == "another\n");
}

TEST_CASE("line file: what cannot be written is said", "[common][host][files]") {
  const test::TemporaryFolder folder;
  const std::string nowhere = folder.file("absent/lines");
  const auto file = LineFile::open(nowhere, "heading", LineFile::Existing::kReplace);
  REQUIRE(file.has_error());
  CHECK_THAT(file.error().message, Contains(nowhere + ": cannot be written"));
  CHECK(LineFile::open("/dev/full", "heading", LineFile::Existing::kReplace).has_error());
}

TEST_CASE("files: secrets are the owner's, what others need is everybody's", "[common][host][files]") {
  const test::TemporaryFolder folder;
  const mode_t before = ::umask(GENERATE(0000U, 0077U));
  for (const auto& [readers, mode] : {std::pair{Readers::kOwner, 0600}, std::pair{Readers::kEverybody, 0644}}) {
    folder.write("content.part", "of a writer that was killed");
    REQUIRE(write_file(folder.file("content"), "new", readers).has_value());
    CHECK(read_file(folder.file("content")).value() == "new");
    CHECK(static_cast<int>(std::filesystem::status(folder.file("content")).permissions()) == mode);
    CHECK_FALSE(std::filesystem::exists(folder.file("content.part")));
  }
  ::umask(before);
  CHECK_THAT(write_file(folder.file("none/content"), "lost", Readers::kOwner).error().message,
             Contains("none/content: cannot be written: No such file"));
}

TEST_CASE("files: a device without space says so", "[common][host][files]") {
  const auto written = write_file("/dev/full", std::string(100'000, 'x'));
  REQUIRE(written.has_error());
  CHECK_THAT(written.error().message, Contains("/dev/full: cannot be written: No space left on device"));
  CHECK(std::filesystem::is_character_file("/dev/full"));
}

TEST_CASE("files: what cannot be read is named with its reason", "[common][host][files]") {
  const test::TemporaryFolder folder;
  folder.write("long", "12345");
  CHECK_THAT(read_file(folder.file("none")).error().message, Contains("none: cannot be read: No such file"));
  CHECK_THAT(read_file(folder.path()).error().message, Contains("cannot be read: it is a folder"));
  CHECK_THAT(read_file(folder.file("long"), 4).error().message, Contains("long: longer than 4 bytes"));
  CHECK(read_file(folder.file("long"), 5).value() == "12345");
}

TEST_CASE("files: a folder below a file cannot be made", "[common][host][files]") {
  const test::TemporaryFolder folder;
  folder.write("file", "");
  CHECK(make_folder(folder.file("a/b/c")).has_value());
  CHECK(make_folder(folder.file("a/b/c")).has_value());
  CHECK_THAT(make_folder(folder.file("file/below")).error().message, Contains("below: cannot be created: "));
}

TEST_CASE("files: a key is 64 hexadecimal digits", "[common][host][files]") {
  const test::TemporaryFolder folder;
  const std::string digits = "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF";
  const std::string ending = GENERATE("", "\n", "\r\n");
  folder.write("key", digits + ending);
  const auto key = read_key(folder.file("key"));
  CHECK(key.value().bytes[1] == 0x11);
  CHECK(key.value().bytes[31] == 0xff);
  for (const std::string& wrong : {std::string(), digits.substr(1), digits + "0", "g" + digits.substr(1)}) {
    folder.write("wrong", wrong + ending);
    CHECK_THAT(read_key(folder.file("wrong")).error().message, Contains("wrong: a key is 64 hexadecimal digits"));
  }
}

TEST_CASE("overrides: key=value, and everything after the first = is the value", "[common][host][overrides]") {
  const auto overrides = parse_overrides({"meta.rounds=5", "name=a=b", "empty="});
  CHECK(overrides.value() == std::vector<Override>{{"meta.rounds", "5"}, {"name", "a=b"}, {"empty", ""}});
  CHECK_THAT(parse_overrides({"meta.rounds"}).error().message, Contains("--set: 'meta.rounds' is not key=value"));
  CHECK_THAT(parse_overrides({"a=1", "=5"}).error().message, Contains("'=5' is not key=value"));
}

}  // namespace
}  // namespace skink
