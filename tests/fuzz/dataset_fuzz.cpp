/// @file
/// dataset.json beside arrays that are sound: any text gives a data set, or a reason that names the file.

#include <string>
#include <vector>

#include "fakes/scratch_folder.hpp"
#include "harness.hpp"
#include "skink/host/data/dataset.hpp"

namespace skink::test {
namespace {

/// A .npy file of version 1.0.
std::vector<std::uint8_t> npy(const std::string& type, const std::string& shape,
                              const std::vector<std::uint8_t>& values) {
  std::string header = "{'descr': '" + type + "', 'fortran_order': False, 'shape': " + shape + ", }";
  header.resize((header.size() + 10 + 63) / 64 * 64 - 11, ' ');
  header += '\n';
  std::string file("\x93NUMPY\1\0", 8);
  file += static_cast<char>(header.size());
  file += '\0';
  file += header;
  std::vector<std::uint8_t> bytes(file.begin(), file.end());
  bytes.insert(bytes.end(), values.begin(), values.end());
  return bytes;
}

void write(const ScratchFolder& folder, const std::string& name, const std::vector<std::uint8_t>& bytes) {
  folder.write(name, {bytes.data(), bytes.size()});
}

}  // namespace

void fuzz_dataset(Bytes input) {
  static const ScratchFolder folder;
  static const bool ready = [] {
    write(folder, "x.npy", npy("|u1", "(4, 2, 3)", std::vector<std::uint8_t>(24, 7)));
    write(folder, "class.npy", npy("<u2", "(4,)", {0, 0, 1, 0, 0, 0, 1, 0}));
    write(folder, "client.npy", npy("<u2", "(4,)", {0, 0, 0, 0, 1, 0, 1, 0}));
    write(folder, "split.npy", npy("|u1", "(4,)", {0, 0, 1, 2}));
    return true;
  }();
  folder.write("dataset.json", input);
  const Result<Dataset> dataset = Dataset::load(folder.file("."));
  if (!dataset) {
    promise(dataset.error().message.find("dataset.json") != std::string::npos, "the reason names the file");
    return;
  }
  promise(ready && dataset->record_count() == 4 && dataset->sample_size() == 6, "the arrays are there");
  promise(dataset->scale() != 0 && dataset->scale() - dataset->scale() == 0, "the scale is a number");
  promise(dataset->offset() - dataset->offset() == 0, "so is the offset");
  for (const int label : {0, 1, 2, 65535}) {
    promise(!dataset->class_name(static_cast<std::uint16_t>(label)).empty() || label < 2, "classes have names");
  }
}

}  // namespace skink::test
