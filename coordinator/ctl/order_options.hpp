#pragma once
/// @file
/// What a run is to be, as options of a command line.

#include <boost/json.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "skink/host/program/command_line.hpp"
#include "skink/host/result.hpp"

namespace skink::ctl {

class OrderOptions {
 public:
  void add_to(Command command);
  /// For a request. Errors: the experiment file cannot be read, or a setting is none.
  Result<boost::json::object> body() const;
  /// Of the devices that learn, and of those that judge; each may be empty.
  const std::string& group() const { return group_; }
  const std::string& gate_group() const { return gate_group_; }

 private:
  std::string experiment_;
  std::vector<std::string> settings_;
  std::uint32_t init_model_ = 0;
  std::string group_, label_, firmware_;
  bool releases_ = false;
  std::string gate_group_;
  double least_gain_ = 0;
  std::uint32_t least_devices_ = 1, gate_wait_s_ = 3600;
  std::uint32_t wait_s_ = 0;
  std::uint32_t keep_every_ = 0;
};

}  // namespace skink::ctl
