#include "qkv/datasets/dates/dates.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <map>
#include <set>

#include "qkv/datasets/csv.h"
#include "qkv/datasets/dates/date_forms.h"
#include "qkv/datasets/text.h"
#include "qkv/files/utf8.h"
#include "tests/files/temporary_folder.h"

namespace qkv {
namespace {

const Dates& some_dates() {
  static const Dates data = dates(20'000, 1);
  return data;
}

std::string source_of(const Pair& pair) { return join_words(pair.source); }

/// A written date as text.
std::string text_of(const calendar::Date& date, std::size_t form) {
  std::string text;
  for (const auto& piece : calendar::written(date, form)) text += piece.text;
  return text;
}

using namespace std::chrono;

TEST(Dates, AreWrittenInFormsThatPeopleUse) {
  std::set<std::string> texts;
  for (std::size_t form = 0; form < calendar::count_of_forms(); ++form)
    texts.insert(text_of(2026y / November / 23, form));
  for (const char* text :
       {"2026년 11월 23일 월요일", "2026. 11. 23.(월)", "'26. 11. 23.", "26년 11월 23일", "Nov. 23rd, 2026",
        "23 November 2026", "11/23/2026", "the 23rd of November, 2026", "Monday, November 23, 2026", "23.11.2026"})
    EXPECT_TRUE(texts.contains(text)) << text;
  std::set<std::string> different;  // where nothing has two digits
  for (std::size_t form = 0; form < calendar::count_of_forms(); ++form)
    different.insert(text_of(2026y / March / 5, form));
  EXPECT_EQ(different.size(), calendar::count_of_forms());
}

TEST(Dates, HaveOrdinalsAndShortMonthsAsTheyAreSpelt) {
  std::set<std::string> texts;
  for (std::size_t form = 0; form < calendar::count_of_forms(); ++form)
    for (const unsigned day : {1U, 2U, 3U, 4U, 11U, 12U, 13U, 21U, 22U, 31U})
      texts.insert(text_of(2003y / May / day, form));
  for (const char* day : {"1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "22nd", "31st"})
    EXPECT_TRUE(texts.contains(std::string("May ") + day + ", 2003")) << day;
  EXPECT_FALSE(texts.contains("May. 1, 2003"));
}

TEST(Dates, HaveTheWeekdayOfTheirDay) {
  // From almanacs: a leap day of a century, the first day and the last that there are, and days around a leap day.
  const std::map<std::string, unsigned> known{{"1970-01-01", 4}, {"1969-07-20", 0}, {"2000-02-29", 2},
                                              {"2024-02-29", 4}, {"2024-03-01", 5}, {"2026-11-23", 1},
                                              {"2069-12-31", 2}};
  for (const auto& [iso, weekday] : known) {
    const calendar::Date date{year(std::stoi(iso.substr(0, 4))),
                              month(static_cast<unsigned>(std::stoi(iso.substr(5, 2)))),
                              day(static_cast<unsigned>(std::stoi(iso.substr(8, 2))))};
    ASSERT_EQ(calendar::iso(date), iso);
    EXPECT_EQ(calendar::weekday_of(date), weekday) << iso;
  }
  // In the data: Zeller's congruence, and each weekday in each of its spellings where it is in the text.
  const std::vector<std::vector<std::string>> names{
      {"Sunday", "Sun", "일"},   {"Monday", "Mon", "월"}, {"Tuesday", "Tue", "화"}, {"Wednesday", "Wed", "수"},
      {"Thursday", "Thu", "목"}, {"Friday", "Fri", "금"}, {"Saturday", "Sat", "토"}};
  int found = 0;
  for (const Pair& pair : some_dates().train) {
    const std::string iso = pair.target.front(), source = source_of(pair);
    int y = std::stoi(iso.substr(0, 4)), m = std::stoi(iso.substr(5, 2));
    const int d = std::stoi(iso.substr(8, 2));
    if (m < 3) m += 12, --y;
    const auto weekday = static_cast<std::size_t>((d + 13 * (m + 1) / 5 + y + y / 4 - y / 100 + y / 400 + 6) % 7);
    for (std::size_t i = 0; i < 7; ++i)
      for (const std::string& name : names[i]) {
        const bool korean = name.size() == 3 && static_cast<unsigned char>(name[0]) > 0x7f;
        const bool there =
            korean
                ? source.find("(" + name + ")") != std::string::npos || source.find(name + "요일") != std::string::npos
                : source.starts_with(name + ",") || source.starts_with(name + ". ") || source.starts_with(name + " ");
        if (!there) continue;
        ++found;
        EXPECT_EQ(i, weekday) << source << " is " << iso;
      }
  }
  EXPECT_GT(found, 3000);
}

TEST(Dates, MeanOneDayEach) {
  std::map<std::string, std::string> meaning;
  for (const auto* pairs : {&some_dates().train, &some_dates().valid, &some_dates().test})
    for (const Pair& pair : *pairs) {
      const auto [known, is_new] = meaning.emplace(source_of(pair), pair.target.front());
      EXPECT_TRUE(is_new) << source_of(pair);
      EXPECT_EQ(known->second, pair.target.front());
    }
}

TEST(Dates, OfOneSplitAreInNoOtherInWhateverForm) {
  std::map<std::string, int> split_of;
  int split = 0;
  for (const auto* pairs : {&some_dates().train, &some_dates().valid, &some_dates().test}) {
    for (const Pair& pair : *pairs) EXPECT_EQ(split_of.emplace(pair.target.front(), split).first->second, split);
    ++split;
  }
  EXPECT_EQ(some_dates().train.size(), 20'000U);
  EXPECT_EQ(some_dates().valid.size(), 1'000U);
  EXPECT_EQ(some_dates().test.size(), 1'000U);
}

TEST(Dates, LinkDigitsToDigitsAndNamesToBothDigitsOfTheMonth) {
  for (const Pair& pair : some_dates().train) {
    const std::u32string source = code_points(source_of(pair)), target = code_points(pair.target.front());
    EXPECT_EQ(pair.link_unit, LinkUnit::character);
    std::set<int> linked;
    std::map<int, int> sure;
    for (const Link& link : pair.links) {
      const char32_t letter = source[static_cast<std::size_t>(link.source)];
      const char32_t digit = target[static_cast<std::size_t>(link.target)];
      linked.insert(link.target);
      EXPECT_NE(letter, U' ');
      if (!link.sure) continue;
      ++sure[link.target];
      EXPECT_TRUE(letter == digit || digit == U'0') << source_of(pair) << " " << link.source << "-" << link.target;
    }
    EXPECT_EQ(linked, (std::set<int>{0, 1, 2, 3, 5, 6, 8, 9})) << source_of(pair);
    for (const auto& [digit, count] : sure) EXPECT_EQ(count, 1) << source_of(pair);
    EXPECT_TRUE(sure.contains(8) && sure.contains(9) && sure.contains(2) && sure.contains(3)) << source_of(pair);
  }
}

TEST(Dates, LinkAShortYearToItsDecadeForSureAndToTheCenturyPerhaps) {
  const Dates& data = some_dates();
  int full = 0, shortened = 0;
  for (const Pair& pair : data.train) {
    const std::string source = source_of(pair);
    std::set<std::string> years;
    for (const Link& link : pair.links)
      if (link.target < 4)
        years.insert(std::to_string(link.source) + (link.sure ? "-" : "?") + std::to_string(link.target));
    const bool is_full = source.starts_with("199") && source.ends_with("일"), is_short = source.starts_with("'");
    if (is_full) {
      EXPECT_EQ(years, (std::set<std::string>{"0-0", "1-1", "2-2", "3-3"})) << source;
    } else if (is_short) {
      EXPECT_EQ(years, (std::set<std::string>{"1?0", "2?0", "1?1", "2?1", "1-2", "2-3"})) << source;
    }
    full += is_full ? 1 : 0;
    shortened += is_short ? 1 : 0;
  }
  EXPECT_GT(full, 100);
  EXPECT_GT(shortened, 100);
}

TEST(Dates, FollowFromTheSeedAndGoOnWhereFewerStop) {
  const auto sources = [](const std::vector<Pair>& pairs) {
    std::vector<std::string> texts;
    for (const Pair& pair : pairs) texts.push_back(source_of(pair));
    return texts;
  };
  const Dates few = dates(50, 1), more = dates(80, 1), other = dates(50, 2);
  const auto beginning = sources(more.train);
  EXPECT_EQ(sources(few.train), std::vector<std::string>(beginning.begin(), beginning.begin() + 50));
  EXPECT_EQ(sources(few.test), sources(more.test));
  EXPECT_NE(sources(few.train), sources(other.train));
  EXPECT_NE(sources(few.test), sources(other.test));
}

TEST(DatesSlow, SayHowManyThereAreWhereTheyAreFewer) {
  const std::string message = message_of<std::invalid_argument>([] { dates(1'000'000, 1); });
  const std::string begin = "there are ", end = " different training pairs, and 1000000 is more";
  ASSERT_TRUE(message.starts_with(begin) && message.ends_with(end)) << message;
  const int all = std::stoi(message.substr(begin.size()));
  EXPECT_EQ(dates(all, 1).train.size(), static_cast<std::size_t>(all));
  EXPECT_THROW(dates(0, 1), std::invalid_argument);
}

TEST(Dates, AreReadAsTheyWereWritten) {
  const TemporaryFolder folder;
  const Dates data = dates(100, 1);
  write_dates(folder / "dates", data);
  const std::vector<Pair> read = read_pairs(folder / "dates/train.csv");
  ASSERT_EQ(read.size(), data.train.size());
  for (std::size_t i = 0; i < read.size(); ++i) {
    EXPECT_EQ(read[i].source, data.train[i].source);
    EXPECT_EQ(read[i].links, data.train[i].links);
    EXPECT_EQ(read[i].link_unit, LinkUnit::character);
  }
}

}  // namespace
}  // namespace qkv
