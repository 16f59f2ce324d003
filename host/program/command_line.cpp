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

std::string one_cell(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '\t' || c == '\n'; }, ' ');
  return text;
}

/// One line an option: "option", command, names with commas, value ("" of a flag), "required" or "", how many values at
/// most, help.
void add_option_line(const CLI::Option& option, const std::string& path, std::string& lines) {
  std::string names;
  for (const std::string& name : option.get_snames()) names += (names.empty() ? "-" : ",-") + name;
  for (const std::string& name : option.get_lnames()) names += (names.empty() ? "--" : ",--") + name;
  if (names.empty()) names = option.get_name(true);
  const bool is_flag = option.get_items_expected_max() == 0 || option.get_type_size_max() == 0;
  lines += "option\t" + path + "\t" + names + "\t" + (is_flag ? "" : one_cell(option.get_type_name())) + "\t" +
           (option.get_required() ? "required" : "") + "\t" + (option.get_items_expected_max() > 1 ? "many" : "one") +
           "\t" + one_cell(option.get_description()) + "\n";
}

/// The commands in the order in which the help has them; a loop, for CLI11 gives a tree and no bound.
std::string tree_lines(const CLI::App& root) {
  std::string lines;
  std::vector<std::pair<const CLI::App*, std::string>> left{{&root, root.get_name()}};
  while (!left.empty()) {
    const auto [app, path] = left.back();
    left.pop_back();
    lines += "command\t" + path + "\t" + one_cell(app->get_description()) + "\n";
    for (const CLI::Option* option : app->get_options()) {
      if (!option->get_group().empty()) add_option_line(*option, path, lines);
    }
    const auto below = app->get_subcommands([](const CLI::App* command) { return !command->get_group().empty(); });
    for (auto command = below.rbegin(); command != below.rend(); ++command) {
      left.emplace_back(*command, path + " " + (*command)->get_name());
    }
  }
  return lines;
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
  // For manual pages and completion: cmake/command_documents.py.
  app_->add_flag_callback("--print-command-tree", [this] { throw CLI::CallForVersion(tree_lines(*app_), 0); })
      ->group("");
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
