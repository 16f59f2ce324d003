#pragma once
/// @file
/// Command lines of the programs: commands, their options, help. Over CLI11, whose header costs several seconds of
/// every source file that includes it; here it is included by one (host/program/command_line.cpp).

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace CLI {  // NOLINT(readability-identifier-naming): not ours
class App;
class Option;
}  // namespace CLI

namespace skink {

/// One option or argument. Valid as long as its CommandLine. Each function returns the option itself, so that calls can
/// be chained; what it demands is checked by CommandLine::parse(), which ends with ExitCode::kUsage.
class Option {
 public:
  /// Made by Command; `option` is CLI11's and not null.
  explicit Option(CLI::Option* option) : option_(option) {}

  /// It must be given; must not be given together with `other`; must not be given without `other`.
  Option required() const;
  Option excludes(const Option& other) const;
  Option needs(const Option& other) const;

  /// The help says what the variable held when this was called.
  Option shows_default() const;
  /// Of a list: each mention of the option takes one value, so that an argument may follow it.
  Option takes_one() const;
  /// Accepts least..most, both included.
  Option range(std::uint32_t least, std::uint32_t most) const;
  Option range(double least, double most) const;

 private:
  CLI::Option* option_;
};

/// A program or one of its commands. Variables are written by CommandLine::parse() and must live as long; what is not
/// mentioned keeps its value.
class Command {
 public:
  Command() = default;  ///< none: assign one before anything else
  explicit Command(CLI::App* app) : app_(app) {}

  /// An option with a value, of the type of the variable; a vector takes several. A flag has no value and sets its
  /// variable to true. Refused, with ExitCode::kUsage: an empty text, a count with a sign or above 2^64 - 1, a number
  /// that is not finite.
  /// @param[in]  name   "--name", or "name" of an argument without dashes.
  /// @param[out] value  written by parse() when the option is given; borrowed until then.
  /// @param[in]  help   a line of the help; copied.
  Option option(const char* name, std::string& value, const char* help);
  Option option(const char* name, std::uint32_t& value, const char* help);
  Option option(const char* name, std::uint64_t& value, const char* help);
  Option option(const char* name, double& value, const char* help);
  Option option(const char* name, std::vector<std::string>& values, const char* help);
  Option option(const char* name, std::vector<std::uint32_t>& values, const char* help);
  Option flag(const char* name, bool& value, const char* help);

  /// An option whose value is one of several words, each with its meaning, which is assigned to `value`.
  template <class Value, class Word>
  Option choice(const char* name, Value& value, const std::vector<std::pair<const char*, Word>>& words,
                const char* help) {
    std::vector<std::string> names;
    std::vector<Word> meanings;
    for (const auto& [word, meaning] : words) {
      names.emplace_back(word);
      meanings.push_back(meaning);
    }
    return add_choice(name, names, help,
                      [&value, meanings = std::move(meanings)](std::size_t chosen) { value = meanings[chosen]; });
  }

  /// Adds a command below this one, valid as long as the CommandLine.
  Command command(const char* name, const char* help);
  /// Exactly one of the commands below this one must be given.
  void requires_command();
  /// After parse(): was this command given?
  bool parsed() const;

 private:
  Option add_choice(const char* name, const std::vector<std::string>& words, const char* help,
                    std::function<void(std::size_t)> choose);

  CLI::App* app_ = nullptr;
};

/// The command line of a program. Options are added to root() and to commands below it; then parse().
class CommandLine {
 public:
  /// Has --version, which prints the program's name and the version of this build, and --print-command-tree, not in the
  /// help, which prints commands and options for programs: a line each, cells between tabs.
  CommandLine(const std::string& program, const std::string& description);
  ~CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  /// The program itself, whose options precede any command. Valid as long as this.
  Command root() const { return Command(app_.get()); }

  /// @returns Nothing: go on. Else the program's exit code: ExitCode::kOk after --help or --version, ExitCode::kUsage
  ///          after printing what is wrong.
  std::optional<int> parse(int argc, const char* const* argv);
  /// For what parse() cannot know. Prints "<what> is required". @returns ExitCode::kUsage.
  int fail_required(const std::string& what) const;

 private:
  std::unique_ptr<CLI::App> app_;
};

}  // namespace skink
