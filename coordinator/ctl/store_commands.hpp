#pragma once
/// @file
/// skinkctl status, devices, rounds and model export with --store: what they read in the store of one run.

#include <cstddef>
#include <string>

#include "skink/coordinator/store/store.hpp"

namespace skink::ctl {

// Each returns the program's exit code.
int show_stored_status(const coordinator::Store& store);
int show_stored_devices(const coordinator::Store& store);
int show_stored_rounds(const coordinator::Store& store, std::size_t last);
int export_stored_model(const coordinator::Store& store, const std::string& path);

}  // namespace skink::ctl
