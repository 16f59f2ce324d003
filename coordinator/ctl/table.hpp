#pragma once
/// @file
/// The service's JSON for people: tables of rows, and lists of fields.

#include <boost/json.hpp>
#include <string>
#include <vector>

namespace skink::ctl {

/// A column: its heading, and the field of a row, "run.number" for one in an object.
struct Column {
  const char* heading;
  const char* field;
};

/// The field's text; "-" for null and for one that is not there. Control characters and ends of lines are replaced.
std::string text_of(const boost::json::value& value);
std::string text_of(const boost::json::object& row, std::string_view field);
/// The field's number; 0 when it is none.
std::uint64_t number_of(const boost::json::object& row, std::string_view field);

/// Prints the rows below their headings, numbers to the right.
void print_table(const std::vector<Column>& columns, const boost::json::array& rows);
/// Prints every field in a line of its own, those of objects as "figures loss_after".
void print_fields(const boost::json::object& object);

}  // namespace skink::ctl
