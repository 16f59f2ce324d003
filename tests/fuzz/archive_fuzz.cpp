/// @file
/// Backups that somebody else made. Any bytes give files whose names stay below a folder and whose lengths the archive
/// has, or a reason; nothing is read beyond its end.

#include <string>

#include "backup/archive.hpp"
#include "fakes/scratch_folder.hpp"
#include "harness.hpp"

namespace skink::test {

void fuzz_archive(Bytes input) {
  static const ScratchFolder folder;
  const std::string path = folder.write("archive.skb", input);
  auto archive = backup::ArchiveReader::open(path);
  if (!archive) return;
  for (std::size_t read = 0;;) {
    auto file = archive->next();
    if (!file || file->name.empty()) return;
    promise(backup::is_archive_name(file->name), "a name is harmless");
    promise(file->name.front() != '/' && ("/" + file->name + "/").find("/../") == std::string::npos, "and stays below");
    promise(file->bytes <= input.size() - read, "the archive has what it promises");
    std::size_t taken = 0;
    const auto done = archive->read(*file, [&taken](std::string_view part) { taken += part.size(); });
    promise(taken <= file->bytes, "no more than a file has");
    if (!done) return;
    promise(taken == file->bytes && file->sha256.size() == 64, "a file is whole");
    read += taken;
  }
}

}  // namespace skink::test
