#include "skink/host/result.hpp"

#include <stdexcept>

namespace skink {
namespace {

class StatusCategory final : public boost::system::error_category {
 public:
  const char* name() const noexcept override { return "skink"; }
  std::string message(int code) const override { return status_text(static_cast<Status>(code)); }
};

}  // namespace

const boost::system::error_category& status_category() noexcept {
  static const StatusCategory category;
  return category;
}

void throw_exception_from_error(const Error& error, const boost::source_location& /*location*/) {
  throw std::runtime_error(error.message.empty() ? error.code.message() : error.message);
}

}  // namespace skink
