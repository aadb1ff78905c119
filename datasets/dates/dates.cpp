#include "qkv/datasets/dates/dates.h"

#include <set>
#include <utility>

#include "qkv/autograd/check.h"
#include "qkv/autograd/random.h"
#include "qkv/datasets/data_folder.h"
#include "qkv/datasets/dates/date_forms.h"
#include "qkv/datasets/text.h"
#include "qkv/files/utf8.h"

namespace qkv {
namespace {

using calendar::Date;
using calendar::Piece;
using calendar::Tells;
using calendar::WrittenDate;

constexpr std::size_t evaluation_pairs = 1'000;

enum class Split { train, valid, test };

/// One day in ten is for validation, one for the test.
Split split_of(std::chrono::sys_days day) {
  const auto number = static_cast<std::uint64_t>(day.time_since_epoch().count());
  const std::uint64_t tenth = mix64(number + 1) % 10;
  return tenth == 0 ? Split::valid : tenth == 1 ? Split::test : Split::train;
}

std::vector<Date> days_of(Split split) {
  using namespace std::chrono;
  std::vector<Date> days;
  for (sys_days day = 1970y / January / 1; day <= sys_days(2069y / December / 31); day += std::chrono::days(1))
    if (split_of(day) == split) days.emplace_back(day);
  return days;
}

std::string text_of(const WrittenDate& date) {
  std::string text;
  for (const Piece& piece : date) text += piece.text;
  return text;
}

/// Where a piece's digits stand in 2026-11-23.
struct Target {
  int first = 0, count = 0;
};
Target target_of(Tells tells) {
  switch (tells) {
    case Tells::year:
      return {0, 4};
    case Tells::month:
      return {5, 2};
    case Tells::day:
      return {8, 2};
    case Tells::nothing:
      return {};
  }
  return {};
}

/// The links of a piece that begins with source character `at` and has `length` of them.
void add_links(std::vector<Link>& links, const Piece& piece, int at, int length) {
  const auto [first, count] = target_of(piece.tells);
  const bool is_number = piece.text.front() >= '0' && piece.text.front() <= '9';
  for (int s = 0; s < length; ++s)
    for (int t = 0; t < count; ++t) {
      const bool together = is_number ? length > 1 && t < count - length : true;
      const bool at_its_place = is_number && (length == 1 || t == s + count - length);
      if (together || at_its_place) links.push_back({at + s, first + t, !together});
    }
}

Pair pair_of(const Date& date, std::size_t form) {
  const WrittenDate written = calendar::written(date, form);
  Pair pair{split_words(text_of(written)), {calendar::iso(date)}, {}, LinkUnit::character};
  int at = 0;
  for (const Piece& piece : written) {
    const auto length = static_cast<int>(code_points(piece.text).size());
    add_links(pair.links, piece, at, length);
    at += length;
  }
  return pair;
}

/// For each form, whether no earlier one writes the date alike: 05 and 5 differ, but 15 is 15.
std::vector<bool> new_forms(const Date& date) {
  std::set<std::string> texts;
  std::vector<bool> is_new;
  for (std::size_t form = 0; form < calendar::count_of_forms(); ++form)
    is_new.push_back(texts.insert(text_of(calendar::written(date, form))).second);
  return is_new;
}

/// The first `count` of all pairs of a split in random order, or all if there are fewer.
std::vector<Pair> drawn(Split split, std::size_t count, std::uint64_t seed) {
  const std::vector<Date> days = days_of(split);
  std::vector<std::uint32_t> order(days.size() * calendar::count_of_forms());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::uint32_t>(i);
  Random(seed).shuffle(order);
  std::vector<Pair> pairs;
  std::vector<std::vector<bool>> is_new(days.size());  // of each day and form, once the day is drawn
  for (auto next = order.begin(); next != order.end() && pairs.size() < count; ++next) {
    const std::size_t day = *next / calendar::count_of_forms(), form = *next % calendar::count_of_forms();
    if (is_new[day].empty()) is_new[day] = new_forms(days[day]);
    if (is_new[day][form]) pairs.push_back(pair_of(days[day], form));
  }
  return pairs;
}

}  // namespace

Dates dates(int pairs, std::uint64_t seed) {
  check(pairs >= 1, "dates: pairs must be 1 or more, but is {}", pairs);
  const std::size_t wanted = pairs;
  Dates data{drawn(Split::train, wanted, seed), drawn(Split::valid, evaluation_pairs, seed),
             drawn(Split::test, evaluation_pairs, seed)};
  check(data.train.size() >= wanted, "there are {} different training pairs, and {} is more", data.train.size(),
        wanted);
  return data;
}

void write_dates(const std::string& folder, const Dates& data, bool overwrite) {
  write_data_folder(folder, {{"train.csv", data.train}, {"valid.csv", data.valid}, {"test.csv", data.test}}, overwrite);
}

}  // namespace qkv
