#pragma once
/// @file
/// `skinkctl doctor`: is this gateway sound, and what is to be done where it is not?

#include <string>
#include <vector>

#include "skink/coordinator/doctor/doctor.hpp"
#include "skink/host/program/command_line.hpp"

namespace skink::ctl {

class DoctorCommand {
 public:
  explicit DoctorCommand(Command app);
  bool parsed() const { return command_.parsed(); }
  /// @returns the program's exit code: kOk, also with warnings; else by the first error.
  int run() const;

 private:
  int show(const std::vector<doctor::Finding>& findings) const;

  Command command_;
  std::string config_;
  bool json_ = false;
};

}  // namespace skink::ctl
