#pragma once
/// @file
/// A list of findings that grows. Private to the doctor.

#include <string>
#include <utility>
#include <vector>

#include "skink/coordinator/doctor/doctor.hpp"

namespace skink::doctor {

class Findings {
 public:
  void ok(const std::string& check, const std::string& text) { list_.push_back({Grade::kOk, check, text, ""}); }
  void warning(const std::string& check, const std::string& text, const std::string& remedy) {
    list_.push_back({Grade::kWarning, check, text, remedy});
  }
  void error(const std::string& check, const std::string& text, const std::string& remedy) {
    list_.push_back({Grade::kError, check, text, remedy});
  }
  void add(std::vector<Finding> found) {
    for (Finding& one : found) list_.push_back(std::move(one));
  }
  std::vector<Finding> take() { return std::move(list_); }

 private:
  std::vector<Finding> list_;
};

}  // namespace skink::doctor
