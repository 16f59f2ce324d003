#pragma once
/// @file
/// Which data a result is of.

#include <string>

#include "skink/host/experiment/experiment.hpp"
#include "skink/host/result.hpp"

namespace skink {

/// SHA-256 of a data set, 64 hexadecimal digits: over the name, a zero byte, the length in 8 bytes, little-endian, and
/// the bytes of each file that is there, of x.npy, class.npy, client.npy, split.npy, time.npy, target.npy and
/// dataset.json, in this order. Cost: reads them all.
/// @param[in] folder  as find_dataset() tells it.
/// @returns kUnavailable when a file cannot be read.
Result<std::string> dataset_sha256(const std::string& folder);

/// The same of the data set of an experiment; empty where its tasks need none.
/// @returns the errors of find_dataset() and dataset_sha256().
Result<std::string> dataset_sha256(const TaskConfig& task, const std::string& data_dir);

}  // namespace skink
