#pragma once
/// @file
/// A small data set on disk: 6 classes of 8 records, images of 2 x 2 whose pixels are 4 * record + pixel. Classes 0..5
/// are records 8 * class + k; client = k / 4 unless a test says otherwise.

#include <string>
#include <vector>

#include "temporary_folder.hpp"

namespace skink::test {

struct DatasetFolder {
  static constexpr std::uint16_t kClasses = 6;
  static constexpr std::uint16_t kRecordsPerClass = 8;

  std::vector<std::uint8_t> x;
  std::vector<std::uint16_t> classes;
  std::vector<std::uint16_t> clients;
  std::vector<std::uint8_t> splits;
  std::vector<std::size_t> sample_shape{2, 2};
  std::string json = R"({"name": "tiny", "records": 48, "shape": [2, 2], "scale": 0.5, "offset": -1,
                         "class_names": ["ant", "bee", "cat", "dog", "elk", "fox"]})";

  DatasetFolder() {
    for (std::uint16_t label = 0; label < kClasses; ++label) {
      for (std::uint16_t k = 0; k < kRecordsPerClass; ++k) {
        const unsigned record = 8U * label + k;
        for (unsigned pixel = 0; pixel < 4; ++pixel) x.push_back(static_cast<std::uint8_t>(4 * record + pixel));
        classes.push_back(label);
        clients.push_back(static_cast<std::uint16_t>(k / 4));
        splits.push_back(0);
      }
    }
  }

  void write(const TemporaryFolder& folder) const {
    std::vector<std::size_t> shape{classes.size()};
    shape.insert(shape.end(), sample_shape.begin(), sample_shape.end());
    folder.write("x.npy", npy_of(x, shape));
    folder.write("class.npy", npy_of(classes, {classes.size()}));
    folder.write("client.npy", npy_of(clients, {clients.size()}));
    folder.write("split.npy", npy_of(splits, {splits.size()}));
    folder.write("dataset.json", json);
  }
};

}  // namespace skink::test
