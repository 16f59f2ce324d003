#pragma once
/// @file
/// `skinkctl backup` and `skinkctl restore`: a gateway in one file, and back.

#include <string>

#include "skink/host/program/command_line.hpp"

namespace skink::ctl {

class BackupCommand {
 public:
  explicit BackupCommand(Command app);
  bool parsed() const { return backup_.parsed() || restore_.parsed(); }
  /// @returns the program's exit code.
  int run() const;

 private:
  int back_up() const;
  int restore() const;

  Command backup_, restore_;
  std::string config_;
  std::string file_;
  std::string folder_;
  bool leaves_keys_out_ = false;
};

}  // namespace skink::ctl
