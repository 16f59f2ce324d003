#pragma once
/// @file
/// `skinkctl certificates show|renew|next-authority|adopt-authority|retire-authority|sign-authorities`: the
/// certificates of a gateway's folder.

#include <string>
#include <vector>

#include "skink/coordinator/provisioning/certificate_report.hpp"
#include "skink/host/program/command_line.hpp"

namespace skink::ctl {

class CertificatesCommand {
 public:
  explicit CertificatesCommand(Command app);
  bool parsed() const { return command_.parsed(); }
  /// @returns the program's exit code.
  int run() const;

 private:
  int renew() const;
  int change_authority() const;
  int sign_authorities() const;

  Command command_, show_, renew_, next_, adopt_, retire_, sign_;
  std::string folder_;
  std::vector<std::string> hosts_;
  std::uint32_t days_ = 3650;
  bool json_ = false;
  bool loses_ = false;
};

/// One line for each: its file, whose it is, until when, its names.
void print_certificates(const std::vector<provisioning::CertificateReport>& reports);

}  // namespace skink::ctl
