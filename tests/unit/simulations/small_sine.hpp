#pragma once
/// @file
/// A sine experiment that takes milliseconds.

namespace skink::test {

inline constexpr const char* kSmallSine = R"(
name = "small"
seed = 3
[model]
input = [1]
loss = "mean_squared_error"
layers = [ { type = "dense", units = 5 }, { type = "relu" }, { type = "dense", units = 1 } ]
[task]
source = "sine"
support_size = 4
[meta]
strategy = "tinyreptile"
rounds = 20
cohort = 3
inner_learning_rate = 0.01
[evaluation]
tasks = 7
query_size = 10
[fleet]
devices = 30
held_out = 5
)";

}  // namespace skink::test
