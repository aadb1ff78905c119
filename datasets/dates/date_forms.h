#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

/// The ways in which a date is written.
namespace qkv::calendar {

using Date = std::chrono::year_month_day;

/// What a piece of a written date tells of it. A weekday tells nothing that the rest does not.
enum class Tells { nothing, year, month, day };

/// A date as somebody writes it, piece by piece.
struct Piece {
  std::string text;
  Tells tells = Tells::nothing;
};
using WrittenDate = std::vector<Piece>;

/// How many forms there are.
std::size_t count_of_forms();

/// The date in one of them, from 0. A form says which date is meant, to whoever knows these rules: with slashes, the
/// year is first or the month is; with points, the year is first or the day is; of a year's two digits, 70 to 99 are of
/// the 20th century and 00 to 69 of the 21st.
WrittenDate written(const Date& date, std::size_t form);

/// 0 is Sunday.
unsigned weekday_of(const Date& date);

/// 2026-11-23
std::string iso(const Date& date);

}  // namespace qkv::calendar
