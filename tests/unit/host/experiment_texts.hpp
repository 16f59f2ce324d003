#pragma once
/// @file
/// Two experiments as text, and what the reader says of them with something replaced.

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "skink/host/experiment/experiment.hpp"

namespace skink::test {

inline const std::string kSine = R"(name = "sine"
seed = 7
[model]
input = [1]
loss = "mean_squared_error"
layers = [
  { type = "dense", units = 8, initializer = "kinks", slopes = [0.1, 0.6], inputs = [-5.0, 5.0] },
  { type = "relu" },
  { type = "dense", units = 1, gain = 0.5, trainable = "bias" },
]
[task]
source = "sine"
support_size = 10
query_size = 20
[meta]
strategy = "tinyreptile"
rounds = 500
cohort = 4
inner_learning_rate = 0.01
passes = 3
meta_learning_rate = 0.5
[evaluation]
every = 100
tasks = 8
[fleet]
devices = 10
held_out = 2
)";

inline const std::string kImages = R"(name = "images"
[model]
input = [14, 14, 1]
input_scale = 0.06666666666666667
input_offset = -0.5
loss = "softmax_cross_entropy"
layers = [
  { type = "conv2d", filters = 4, kernel = [3, 5], stride = 2, padding = "same" },
  { type = "relu" },
  { type = "max_pool", kernel = 2 },
  { type = "average_pool", kernel = 2, stride = [1, 2] },
  { type = "flatten" },
  { type = "dense", units = 5, initializer = "zeros", trainable = "none" },
]
[task]
source = "dataset"
labels = "permuted"
dataset = "speech_1-x"
ways = 5
group = "client"
rotations = 4
fresh = "device"
support_size = 3
[meta]
strategy = "reptile"
rounds = 10
inner_learning_rate = 0.1
batch_size = 5
[evaluation]
tasks = 4
final_tasks = 9
split = "validation"
support_size = 2
query_size = 6
passes = 8
batch_size = 2
inner_learning_rate = 0.2
[fleet]
devices = 3
held_out = 1
deadline_ms = 1000
offline_ms = 500
[codec]
uplink = "int8"
)";

inline std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

/// kImages with another list of layers.
inline std::string layered(const std::string& layers) {
  const std::string text = kImages;
  const std::size_t begin = text.find("layers = [");
  const std::size_t end = text.find("]\n[task]");
  return text.substr(0, begin) + "layers = [" + layers + text.substr(end);
}

inline std::string error_of(const std::string& text, const std::vector<Override>& overrides = {}) {
  const Result<Experiment> experiment = parse_experiment(text, "x.toml", overrides);
  if (experiment) return "";
  CHECK(experiment.error().code == Status::kInvalidArgument);
  return experiment.error().message;
}

inline std::string sine_with(const std::string& from, const std::string& to) {
  return error_of(replaced(kSine, from, to));
}
inline std::string images_with(const std::string& from, const std::string& to) {
  return error_of(replaced(kImages, from, to));
}

}  // namespace skink::test
