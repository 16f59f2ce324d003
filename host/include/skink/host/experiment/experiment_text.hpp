#pragma once
/// @file
/// An experiment as text again: what was read, with every --set applied and every default written out. Results keep it
/// beside them (docs/experiment-output.md), and two experiments are the same if their texts are.

#include <string>
#include <string_view>

#include "skink/host/experiment/experiment.hpp"

namespace skink {

/// The whole experiment as TOML, which read_experiment() reads to an equal one. The same text for equal experiments of
/// one version of Skink: every key that applies is there, in a fixed order, one a line.
///
/// @param[in] experiment  one that was checked, as read_experiment() returns it.
std::string to_toml(const Experiment& experiment);

/// SHA-256 of to_toml(), 64 hexadecimal digits: which experiment a result is of.
std::string experiment_sha256(const Experiment& experiment);

/// The first key in which two texts of to_toml() differ, for people: "[meta] rounds: 500 there, 100 here".
///
/// @param[in] there  may be any text, also of another version, or damaged.
/// @param[in] here   of to_toml().
/// @returns an empty text when no key differs.
std::string first_difference(std::string_view there, std::string_view here);

}  // namespace skink
