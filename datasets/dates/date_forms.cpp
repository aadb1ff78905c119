#include "qkv/datasets/dates/date_forms.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <string_view>

namespace qkv::calendar {
namespace {

constexpr std::array<const char*, 12> months{"January", "February", "March",     "April",   "May",      "June",
                                             "July",    "August",   "September", "October", "November", "December"};
constexpr std::array<const char*, 7> weekdays{"Sunday",   "Monday", "Tuesday", "Wednesday",
                                              "Thursday", "Friday", "Saturday"};
constexpr std::array<const char*, 7> korean_weekdays{"일", "월", "화", "수", "목", "금", "토"};

/// A form is a text in which these letters behind % stand for a piece:
///   Y y   the year, 2026 or 26           M m   the month as a number, 03 or 3     D d   the day, 05 or 5
///   B b c the month's name, November, Nov or Nov., and May                         o     1st, 2nd, 3rd, 4th …
///   A a   the weekday, Monday or Mon     K k   in Korean, 월요일 or 월
constexpr std::array<std::string_view, 30> forms{
    "%Y년 %m월 %d일", "%Y년 %m월 %d일 %K", "%Y년 %m월 %d일(%k)",
    "%Y년 %M월 %D일", "%Y년%m월%d일",      "서기 %Y년 %m월 %d일",
    "%y년 %m월 %d일", "%Y. %m. %d.",       "%Y. %m. %d.(%k)",
    "%Y.%M.%D",       "'%y. %m. %d.",      "%Y/%M/%D",
    "%B %d, %Y",      "%c %d, %Y",         "%b %d %Y",
    "%B %o, %Y",      "%c %o, %Y",         "%A, %B %d, %Y",
    "%a. %c %d, %Y",  "%B %d, '%y",        "%d %B %Y",
    "%o %B %Y",       "%d %b %Y",          "%A %d %B %Y",
    "%a, %D %b %Y",   "the %o of %B, %Y",  "%D-%b-%Y",
    "%m/%d/%Y",       "%m/%d/%y",          "%D.%M.%Y",
};

std::string short_month(unsigned month) { return std::string(months[month - 1]).substr(0, 3); }

std::string ordinal(unsigned day) {
  if (day / 10 != 1 && day % 10 >= 1 && day % 10 <= 3) return std::array{"st", "nd", "rd"}[day % 10 - 1];
  return "th";
}

/// Adds what a letter of a form stands for.
void add_piece(WrittenDate& date, char letter, int year, unsigned month, unsigned day, unsigned weekday) {
  switch (letter) {
    case 'Y':
      return date.push_back({fmt::format("{:04}", year), Tells::year});
    case 'y':
      return date.push_back({fmt::format("{:02}", year % 100), Tells::year});
    case 'M':
      return date.push_back({fmt::format("{:02}", month), Tells::month});
    case 'm':
      return date.push_back({fmt::format("{}", month), Tells::month});
    case 'B':
      return date.push_back({months[month - 1], Tells::month});
    case 'b':
      return date.push_back({short_month(month), Tells::month});
    case 'c':
      date.push_back({short_month(month), Tells::month});
      if (months[month - 1] != short_month(month)) date.push_back({".", Tells::nothing});
      return;
    case 'D':
      return date.push_back({fmt::format("{:02}", day), Tells::day});
    case 'd':
      return date.push_back({fmt::format("{}", day), Tells::day});
    case 'o':
      date.push_back({fmt::format("{}", day), Tells::day});
      return date.push_back({ordinal(day), Tells::nothing});
    case 'A':
      return date.push_back({weekdays[weekday], Tells::nothing});
    case 'a':
      return date.push_back({std::string(weekdays[weekday]).substr(0, 3), Tells::nothing});
    case 'K':
      return date.push_back({fmt::format("{}요일", korean_weekdays[weekday]), Tells::nothing});
    default:
      return date.push_back({korean_weekdays[weekday], Tells::nothing});
  }
}

}  // namespace

std::size_t count_of_forms() { return forms.size(); }

unsigned weekday_of(const Date& date) { return std::chrono::weekday(std::chrono::sys_days(date)).c_encoding(); }

std::string iso(const Date& date) {
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                     static_cast<unsigned>(date.day()));
}

WrittenDate written(const Date& date, std::size_t form) {
  WrittenDate result;
  std::string_view rest = forms.at(form);
  const auto month = static_cast<unsigned>(date.month());
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('%'), rest.size());
    if (end > 0) result.push_back({std::string(rest.substr(0, end)), Tells::nothing});
    rest.remove_prefix(end);
    if (rest.empty()) break;
    add_piece(result, rest[1], static_cast<int>(date.year()), month, static_cast<unsigned>(date.day()),
              weekday_of(date));
    rest.remove_prefix(2);
  }
  return result;
}

}  // namespace qkv::calendar
