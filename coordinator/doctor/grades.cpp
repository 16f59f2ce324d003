#include <algorithm>

#include "skink/coordinator/doctor/doctor.hpp"

namespace skink::doctor {

const char* grade_text(Grade grade) {
  switch (grade) {
    case Grade::kOk: return "ok";
    case Grade::kWarning: return "warning";
    case Grade::kError: break;
  }
  return "error";
}

Grade worst_of(const std::vector<Finding>& findings) {
  Grade worst = Grade::kOk;
  for (const Finding& finding : findings) worst = std::max(worst, finding.grade);
  return worst;
}

Result<void> refuse_errors(const std::vector<Finding>& findings) {
  const auto error = std::find_if(findings.begin(), findings.end(),
                                  [](const Finding& finding) { return finding.grade == Grade::kError; });
  if (error == findings.end()) return {};
  return make_error(Status::kDamaged, error->text + "; " + error->remedy, Cause::kCredentials);
}

}  // namespace skink::doctor
