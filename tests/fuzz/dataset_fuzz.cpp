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

/// Targets of two numbers, times, and samples of two channels, for what a description says of them.
bool write_arrays(const ScratchFolder& folder) {
  write(folder, "x.npy", npy("|u1", "(4, 3, 2)", std::vector<std::uint8_t>(24, 7)));
  write(folder, "class.npy", npy("<u2", "(4,)", {0, 0, 1, 0, 0, 0, 1, 0}));
  write(folder, "client.npy", npy("<u2", "(4,)", {0, 0, 0, 0, 1, 0, 1, 0}));
  write(folder, "split.npy", npy("|u1", "(4,)", {0, 0, 1, 2}));
  write(folder, "time.npy", npy("<f4", "(4,)", std::vector<std::uint8_t>(16, 0)));
  write(folder, "target.npy", npy("<f4", "(4, 2)", std::vector<std::uint8_t>(32, 0)));
  return true;
}

void check_numbers(const std::vector<double>& numbers) {
  promise(numbers.size() == 1 || numbers.size() == 2, "there is one for all, or one for each channel");
  for (const double number : numbers) promise(number - number == 0, "they are numbers");
}

}  // namespace

void fuzz_dataset(Bytes input) {
  static const ScratchFolder folder;
  static const bool ready = write_arrays(folder);
  folder.write("dataset.json", input);
  const Result<Dataset> dataset = Dataset::load(folder.file("."));
  if (!dataset) {
    promise(dataset.error().message.find("dataset.json") != std::string::npos, "the reason names the file");
    return;
  }
  promise(ready && dataset->record_count() == 4 && dataset->sample_size() == 6, "the arrays are there");
  promise(dataset->has_time() && dataset->target_size() == 2, "so are times and targets");
  check_numbers(dataset->scale());
  check_numbers(dataset->offset());
  for (const double scale : dataset->scale()) promise(scale != 0, "no scale is zero");
  promise(dataset->overlap() <= 65535, "the overlap is within its limits");
  promise(dataset->target_names().empty() || dataset->target_names().size() == 2, "every target has a name, or none");
  promise(dataset->fingerprint().size() == 64, "it has a fingerprint");
  for (const int label : {0, 1, 2, 65535}) {
    promise(!dataset->class_name(static_cast<std::uint16_t>(label)).empty() || label < 2, "classes have names");
    promise(!dataset->client_name(static_cast<std::uint16_t>(label)).empty() || label < 2, "and clients");
  }
}

}  // namespace skink::test
