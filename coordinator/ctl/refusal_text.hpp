#pragma once
/// @file
/// What a service says when it refuses something, for who has typed a command.

#include <string>

namespace skink::ctl {

/// The detail of a refusal and its code. Fields of the interface are called by the options that set them (`every_s` is
/// --every); an experiment's own lines are left as they are. Further lines are indented.
std::string refusal_text(std::string detail, const std::string& code);

}  // namespace skink::ctl
