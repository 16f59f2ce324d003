#pragma once
/// @file
/// Strict reading of TOML: every key is asked for with its range and default, a key that is not asked for is an error,
/// and every problem is a sentence with file, line, key and what is allowed. Experiment files and the coordinator's
/// configuration are read with it. It knows no key by itself, and it does not write files.
///
/// Problems are collected, so that a person sees all of them at once: a getter that fails notes the problem and returns
/// its fallback (or the least allowed value), and `ConfigFile::finish` turns the notes into one error.

#include <array>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "skink/host/config/overrides.hpp"
#include "skink/host/result.hpp"

namespace skink {

namespace internal {
struct ConfigNode;
struct ConfigState;
}  // namespace internal

/// Allowed whole numbers, both ends included.
struct IntegerRange {
  std::int64_t min;
  std::int64_t max;
};

/// Allowed real numbers, both ends included unless `excludes_min`. Infinite numbers and NaN are never allowed.
struct RealRange {
  double min;
  double max;
  bool excludes_min = false;
};

/// One allowed text of a key, and the value it stands for.
template <class Value>
struct Choice {
  std::string_view text;
  Value value;
};

/// What is written at a key.
enum class WrittenAs { kNothing, kInteger, kReal, kText, kList, kOther };

/// Whether a table must be in the file.
enum class Presence { kRequired, kOptional };

/// One table of a file. A small handle: borrows from its ConfigFile, which must outlive it. Not thread-safe.
///
/// Every getter allows its key; keys that no getter allowed are problems. A getter without `fallback` demands the key.
/// None fails: when the key is absent without a fallback, has the wrong type or is out of range, the getter notes a
/// problem and returns the fallback, else the least allowed value (an empty text, false, the first choice,
/// [0, 0]).
class ConfigReader {
 public:
  /// A table below this one. An absent optional table reads like an empty one; of a table with a problem the getters
  /// note nothing more.
  ConfigReader table(std::string_view key, Presence presence) const;
  /// A list of `count` tables ("layers = [{..}, {..}]" or [[..]]). Required; empty when it is absent or no list.
  std::vector<ConfigReader> tables(std::string_view key, IntegerRange count) const;

  /// A whole number.
  std::int64_t integer(std::string_view key, IntegerRange range,
                       std::optional<std::int64_t> fallback = std::nullopt) const;
  /// An integer whose range lies within uint32.
  std::uint32_t count(std::string_view key, IntegerRange range,
                      std::optional<std::uint32_t> fallback = std::nullopt) const;
  /// A finite real number; whole numbers are accepted.
  double real(std::string_view key, RealRange range, std::optional<double> fallback = std::nullopt) const;
  /// The same, rounded once to float. `range` limits the written number and must be within float's; a number other than
  /// 0 that rounds to 0 is a problem.
  float real32(std::string_view key, RealRange range, std::optional<float> fallback = std::nullopt) const;
  /// true or false.
  bool boolean(std::string_view key, std::optional<bool> fallback = std::nullopt) const;
  /// Any text of at most `max_bytes`, not empty.
  std::string text(std::string_view key, std::size_t max_bytes,
                   const std::optional<std::string>& fallback = std::nullopt) const;
  /// A text of 1..64 characters a-z, 0-9 and those of `extra`.
  std::string word(std::string_view key, std::string_view extra,
                   const std::optional<std::string>& fallback = std::nullopt) const;
  /// The name of a fleet or a device: wire::is_valid_id(). Required.
  std::string id(std::string_view key) const;
  /// Whole numbers; a lone number counts as a list of one.
  std::vector<std::int64_t> integers(std::string_view key, IntegerRange count, IntegerRange range,
                                     const std::optional<std::vector<std::int64_t>>& fallback = std::nullopt) const;
  /// Real numbers, each rounded once to float; a lone number counts as a list of one.
  std::vector<float> reals32(std::string_view key, IntegerRange count, RealRange range,
                             const std::optional<std::vector<float>>& fallback = std::nullopt) const;
  /// Names: texts of 1..`max_bytes` bytes, or whole numbers from 0, which become their digits. Optional: empty when it
  /// is absent.
  std::vector<std::string> names(std::string_view key, IntegerRange count, std::size_t max_bytes) const;
  /// [low, high] with low <= high, rounded to float.
  std::array<float, 2> interval(std::string_view key, RealRange range,
                                std::optional<std::array<float, 2>> fallback = std::nullopt) const;

  /// The value of one of several texts; at least one.
  template <class Value>
  Value choice(std::string_view key, std::span<const Choice<Value>> choices,
               std::optional<Value> fallback = std::nullopt) const {
    std::vector<std::string_view> texts;
    for (const Choice<Value>& one : choices) texts.push_back(one.text);
    const std::optional<std::size_t> index = choice_index(key, texts, fallback.has_value());
    if (!index) return fallback.value_or(choices.front().value);
    return choices[*index].value;
  }
  template <class Value>
  Value choice(std::string_view key, std::initializer_list<Choice<Value>> choices,
               std::optional<Value> fallback = std::nullopt) const {
    return choice<Value>(key, std::span<const Choice<Value>>(choices.begin(), choices.size()), fallback);
  }

  /// The same, of a key that decides which others belong to the table. Where it is absent or none of the texts, that is
  /// the one problem of the table: nothing is returned, and no getter notes anything more, unknown keys included.
  template <class Value>
  std::optional<Value> selector(std::string_view key, std::initializer_list<Choice<Value>> choices,
                                std::optional<Value> fallback = std::nullopt) const {
    std::vector<std::string_view> texts;
    for (const Choice<Value>& one : choices) texts.push_back(one.text);
    if (fallback && !has(key)) return choice(key, choices, fallback);
    const std::optional<std::size_t> index = choice_index(key, texts, false);
    if (index) return choices.begin()[*index].value;
    mute();
    return std::nullopt;
  }

  /// Is the key written, and as what? Asking does not allow it.
  bool has(std::string_view key) const;
  WrittenAs written_as(std::string_view key) const;
  /// Notes a problem with this sentence when the key is written.
  void forbid(std::string_view key, const std::string& sentence) const;
  /// Notes a problem at the key where it is written, else at this table; key "" is the table itself.
  void problem(std::string_view key, const std::string& sentence) const;

 private:
  friend class ConfigFile;
  ConfigReader(internal::ConfigState* state, internal::ConfigNode* node, std::string section, std::string prefix);

  /// The node of an allowed key; notes a problem when it is demanded and absent.
  internal::ConfigNode* ask(std::string_view key, bool demanded, const std::string& wanted) const;
  void wrong_type(std::string_view key, const internal::ConfigNode& node, const std::string& wanted) const;
  std::optional<std::size_t> choice_index(std::string_view key, std::span<const std::string_view> texts,
                                          bool has_fallback) const;
  std::string label(std::string_view key) const;
  void mute() const;

  internal::ConfigState* state_;
  internal::ConfigNode* node_;  ///< null: a problem with the table itself is noted, say nothing more
  std::string section_;         ///< "meta"
  std::string prefix_;          ///< "layers.2." inside the section
};

/// A parsed file with its overrides applied.
class ConfigFile {
 public:
  /// Reads a file of at most 1 MiB. Override keys are dotted paths, numbers address list entries
  /// ("model.layers.0.units"); values are TOML, and what is not TOML is taken as a text.
  ///
  /// @returns kUnavailable when the file cannot be read; kUnsupported when it is longer; kInvalidArgument when it is
  ///          not TOML, or an override does not fit it. The message names the file or the override.
  static Result<ConfigFile> read(const std::string& path, const std::vector<Override>& overrides);
  /// The same from text, which is not kept; `name` stands for the file in messages.
  ///
  /// @returns kInvalidArgument as above.
  static Result<ConfigFile> parse(std::string_view text, const std::string& name,
                                  const std::vector<Override>& overrides);

  /// A file that is several: one for each table of the list `list` ([[list]]), whose keys take their places in the rest
  /// of the file, table by table. Keys of the entry itself stay where they were, at [list]; the overrides are
  /// applied to each. A file without the list is one, as parse() gives it.
  ///
  /// @returns kInvalidArgument as above, or the list is something else than tables.
  static Result<std::vector<ConfigFile>> parse_variants(std::string_view text, const std::string& name,
                                                        const std::vector<Override>& overrides,
                                                        const VariantList& list);

  ConfigFile(ConfigFile&&) noexcept;
  ConfigFile& operator=(ConfigFile&&) noexcept;
  ~ConfigFile();

  /// The table of the whole file. Readers borrow from this file, or from the one that it was moved to.
  ConfigReader root();
  /// No problem so far? Make checks that compare several keys only then.
  bool sound() const noexcept;
  /// To be called once, after all keys were asked for: notes the keys that no getter allowed.
  ///
  /// @returns kInvalidArgument when there are problems: a line each, in the order of the file.
  Result<void> finish();

 private:
  explicit ConfigFile(std::unique_ptr<internal::ConfigState> state);
  std::unique_ptr<internal::ConfigState> state_;
};

}  // namespace skink
