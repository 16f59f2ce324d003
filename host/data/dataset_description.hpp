#pragma once
/// @file
/// dataset.json: what a data set says of itself, checked against its arrays. Private to Dataset.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "skink/host/result.hpp"

namespace skink::internal {

/// What the arrays have; a description must agree with it.
struct DatasetFacts {
  std::size_t records = 0;
  std::vector<std::size_t> sample_shape;
  const std::vector<std::uint16_t>* classes = nullptr;  ///< of each record
  const std::vector<std::uint16_t>* clients = nullptr;
  std::size_t target_size = 0;
};

struct DatasetDescription {
  std::string name;  ///< empty: not given
  std::vector<double> scale{1.0};
  std::vector<double> offset{0.0};
  std::vector<std::string> class_names;
  std::vector<std::string> client_names;
  std::vector<std::string> target_names;
  std::uint32_t overlap = 0;
};

/// @param[in] text  The file's content, with or without a UTF-8 byte order mark.
/// @param[in] path  Stands for the file in messages.
/// @returns kDamaged with the file and the key.
Result<DatasetDescription> parse_description(std::string_view text, const DatasetFacts& facts, const std::string& path);

}  // namespace skink::internal
