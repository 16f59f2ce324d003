#include "skink/coordinator/core/update_log.hpp"

#include <fmt/format.h>

#include "skink/common/wire/crypto.hpp"

namespace skink::coordinator {

Result<UpdateLog> UpdateLog::open(const std::string& path, Existing existing) {
  std::ofstream file(path, existing == Existing::kContinue ? std::ios::app : std::ios::trunc);
  if (file && file.tellp() == 0) file << "round,attempt,device_index,device,support_samples,bytes,sha256" << std::endl;
  UpdateLog log(path, std::move(file));
  const auto written = log.written();
  if (!written) return written.error();
  return log;
}

void UpdateLog::add(const TakenUpdate& update) {
  char digest[2 * wire::kDigestBytes + 1];
  wire::to_hex(wire::sha256(update.change), digest);
  file_ << fmt::format("{},{},{},{},{},{},{}", update.id.round, update.id.attempt, update.device_index,
                       update.device_id, update.support_samples, update.change.size(), digest)
        << std::endl;
}

Result<void> UpdateLog::written() const {
  if (file_) return {};
  return make_error(Status::kUnavailable, path_ + ": cannot be written");
}

}  // namespace skink::coordinator
