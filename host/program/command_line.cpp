#include "skink/host/program/command_line.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <sstream>

#include "skink/host/program/exit_codes.hpp"
#include "skink/host/program/printable.hpp"

namespace skink {
namespace {

/// An unset variable of a script, mostly.
std::string check_text(const std::string& text) { return text.empty() ? "is empty" : ""; }

std::string check_count(const std::string& text) {
  std::uint64_t count = 0;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, count);
  if (parsed.ec == std::errc() && parsed.ptr == end) return "";
  return "\"" + text + "\" is not a whole number, or too large";
}

std::string check_number(const std::string& text) {
  double number = 0;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  if (parsed.ec == std::errc() && parsed.ptr == end && std::isfinite(number)) return "";
  return "\"" + text + "\" is not a number";
}

}  // namespace

Option Option::required() const {
  option_->required();
  return *this;
}

Option Option::excludes(const Option& other) const {
  option_->excludes(other.option_);
  return *this;
}

Option Option::needs(const Option& other) const {
  option_->needs(other.option_);
  return *this;
}

Option Option::shows_default() const {
  option_->capture_default_str();
  return *this;
}

Option Option::takes_one() const {
  option_->allow_extra_args(false);
  return *this;
}

Option Option::range(std::uint32_t least, std::uint32_t most) const {
  option_->check(CLI::Range(least, most));
  return *this;
}

Option Option::range(double least, double most) const {
  option_->check(CLI::Range(least, most));
  return *this;
}

Option Command::option(const char* name, std::string& value, const char* help) {
  return Option(app_->add_option(name, value, help)->check(check_text));
}

Option Command::option(const char* name, std::uint32_t& value, const char* help) {
  return Option(app_->add_option(name, value, help)->check(check_count));
}

Option Command::option(const char* name, std::uint64_t& value, const char* help) {
  return Option(app_->add_option(name, value, help)->check(check_count));
}

Option Command::option(const char* name, double& value, const char* help) {
  return Option(app_->add_option(name, value, help)->check(check_number));
}

Option Command::option(const char* name, std::vector<std::string>& values, const char* help) {
  return Option(app_->add_option(name, values, help)->check(check_text));
}

Option Command::option(const char* name, std::vector<std::uint32_t>& values, const char* help) {
  return Option(app_->add_option(name, values, help)->check(check_count));
}

Option Command::flag(const char* name, bool& value, const char* help) {
  return Option(app_->add_flag(name, value, help));
}

Option Command::add_choice(const char* name, const std::vector<std::string>& words, const char* help,
                           std::function<void(std::size_t)> choose) {
  const auto take = [words, choose = std::move(choose)](const std::string& word) {
    choose(static_cast<std::size_t>(std::find(words.begin(), words.end(), word) - words.begin()));
  };
  return Option(app_->add_option_function<std::string>(name, take, help)->check(CLI::IsMember(words)));
}

Command Command::command(const char* name, const char* help) { return Command(app_->add_subcommand(name, help)); }

void Command::requires_command() { app_->require_subcommand(1); }

bool Command::parsed() const { return app_->parsed(); }

CommandLine::CommandLine(const std::string& program, const std::string& description)
    : app_(std::make_unique<CLI::App>(description, program)) {
  std::signal(SIGXFSZ, SIG_IGN);  // a file beyond ulimit -f is an error of write(), and said, not the program's end
  app_->set_version_flag("--version", program + " " SKINK_VERSION);
}

CommandLine::~CommandLine() = default;

std::optional<int> CommandLine::parse(int argc, const char* const* argv) {
  try {
    app_->parse(argc, argv);
    return std::nullopt;
  } catch (const CLI::ParseError& error) {
    std::ostringstream out;
    std::ostringstream problems;
    const bool is_asked_for = app_->exit(error, out, problems) == 0;  // --help, --version
    std::fputs(out.str().c_str(), stdout);
    std::fputs(printable(problems.str()).c_str(), stderr);
    return static_cast<int>(is_asked_for ? ExitCode::kOk : ExitCode::kUsage);
  }
}

int CommandLine::fail_required(const std::string& what) const {
  app_->exit(CLI::RequiredError(what));
  return static_cast<int>(ExitCode::kUsage);
}

}  // namespace skink
