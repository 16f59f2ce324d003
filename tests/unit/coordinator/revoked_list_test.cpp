#include "skink/coordinator/provisioning/revoked_list.hpp"

#include <catch2/catch.hpp>

#include "skink/host/files/files.hpp"
#include "unit/host/temporary_folder.hpp"

using namespace skink;
using Catch::Matchers::Contains;
using coordinator::RevokedIds;
using provisioning::read_revoked_list;

TEST_CASE("revoked list: one id a line, with comments", "[coordinator]") {
  const test::TemporaryFolder folder;
  folder.write("list", "# revoked\n\npump-001\n  pump-002 # stolen\r\npump-001\n#pump-003\npump.4");
  CHECK(read_revoked_list(folder.file("list")).value() == RevokedIds{"pump-001", "pump-002", "pump.4"});
  folder.write("empty", "");
  CHECK(read_revoked_list(folder.file("empty")).value().empty());
}

TEST_CASE("revoked list: what is no id is refused with its line", "[coordinator]") {
  const test::TemporaryFolder folder;
  folder.write("list", "pump-001\npump-002 pump-003\n");
  CHECK_THAT(read_revoked_list(folder.file("list")).error().message,
             Contains("list:2: 'pump-002 pump-003' is not a device id"));
  folder.write("list", std::string(65, 'x'));
  CHECK_THAT(read_revoked_list(folder.file("list")).error().message, Contains("list:1: "));
  CHECK_THAT(read_revoked_list(folder.file("none")).error().message, Contains("none: cannot be read"));
}

TEST_CASE("revoked list: an id is added once, and what was there stays", "[coordinator]") {
  const test::TemporaryFolder folder;
  folder.write("list", "# ours\npump-001  # stolen");
  CHECK(provisioning::add_to_revoked_list(folder.file("list"), "pump-002").value());
  CHECK_FALSE(provisioning::add_to_revoked_list(folder.file("list"), "pump-002").value());
  CHECK_FALSE(provisioning::add_to_revoked_list(folder.file("list"), "pump-001").value());
  CHECK(read_revoked_list(folder.file("list")).value() == RevokedIds{"pump-001", "pump-002"});
  const std::string text = read_file(folder.file("list")).value();
  CHECK_THAT(text, Catch::Matchers::StartsWith("# ours\npump-001  # stolen\npump-002  # 2"));
}

TEST_CASE("revoked list: one that is absent is made; a damaged one is an error", "[coordinator]") {
  const test::TemporaryFolder folder;
  CHECK(provisioning::add_to_revoked_list(folder.file("new"), "a").value());
  CHECK(read_revoked_list(folder.file("new")).value() == RevokedIds{"a"});
  folder.write("list", "no id\n");
  CHECK_THAT(provisioning::add_to_revoked_list(folder.file("list"), "a").error().message, Contains("list:1: "));
  CHECK(read_file(folder.file("list")).value() == "no id\n");
  CHECK_THAT(provisioning::add_to_revoked_list(folder.file("none/list"), "a").error().message, Contains("none"));
}
