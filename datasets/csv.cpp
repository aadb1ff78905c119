#include "qkv/datasets/csv.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <utility>

#include "qkv/datasets/csv_lines.h"
#include "qkv/datasets/text.h"
#include "qkv/files/durable_file.h"
#include "qkv/files/message.h"
#include "qkv/files/utf8.h"

namespace qkv {
namespace {

/// How many words a sentence has, or characters with the spaces between its words.
std::size_t units_in(const std::vector<std::string>& words, LinkUnit unit) {
  if (unit == LinkUnit::word) return words.size();
  std::size_t count = words.empty() ? 0 : words.size() - 1;
  for (const std::string& word : words) count += code_points(word).size();
  return count;
}

/// The links of one pair, each of which may be there once only.
class LinkSet {
 public:
  explicit LinkSet(const Pair& pair)
      : unit_(name_of(pair.link_unit)),
        sources_(units_in(pair.source, pair.link_unit)),
        targets_(units_in(pair.target, pair.link_unit)) {}

  /// What is wrong with one more link, or nothing.
  std::optional<std::string> add(const Link& link) {
    const auto outside = [](int number, std::size_t count) {
      return number < 0 || std::cmp_greater_equal(number, count);
    };
    const auto describe = [&](std::string_view side, std::size_t count) {
      return fmt::format("link {}{}{} is outside its sentence: the {} has {}, counted from 0", link.source,
                         link.sure ? '-' : '?', link.target, side, counted(count, unit_));
    };
    if (outside(link.source, sources_)) return describe("source", sources_);
    if (outside(link.target, targets_)) return describe("target", targets_);
    if (!seen_.emplace(link.source, link.target).second)
      return fmt::format("{}s {} and {} are linked twice", unit_, link.source, link.target);
    return std::nullopt;
  }

 private:
  const char* unit_;
  std::size_t sources_, targets_;
  std::set<std::pair<int, int>> seen_;
};

/// A link such as 3-0 or 3?0; nothing when it is malformed.
std::optional<Link> parse_link(std::string_view text) {
  Link link;
  const char* const end = text.data() + text.size();
  const auto is_digit = [&](const char* at) { return at != end && *at >= '0' && *at <= '9'; };
  if (!is_digit(text.data())) return std::nullopt;
  const auto [separator, source_error] = std::from_chars(text.data(), end, link.source);
  if (source_error != std::errc() || separator == end || (*separator != '-' && *separator != '?')) return std::nullopt;
  link.sure = *separator == '-';
  if (!is_digit(separator + 1)) return std::nullopt;
  const auto [rest, target_error] = std::from_chars(separator + 1, end, link.target);
  if (target_error != std::errc() || rest != end) return std::nullopt;
  return link;
}

std::size_t required_column(const CsvLines& lines, std::string_view name) {
  const auto& header = lines.header();
  const auto found = std::find(header.begin(), header.end(), name);
  if (found == header.end()) {
    lines.fail(fmt::format("no column \"{}\"; the header names {}", name,
                           excerpt(fmt::format("\"{}\"", fmt::join(header, "\", \"")))));
  }
  return static_cast<std::size_t>(found - header.begin());
}

void refuse_duplicate_columns(const CsvLines& lines) {
  std::map<std::string_view, std::size_t> columns;
  for (std::size_t i = 0; i < lines.header().size(); ++i) {
    const std::string& name = lines.header()[i];
    const auto [first, is_new] = columns.emplace(name, i);
    if (!is_new) {
      lines.fail(fmt::format("column \"{}\" occurs twice in the header, as column {} and {}", excerpt(name),
                             first->second + 1, i + 1));
    }
  }
}

std::vector<std::string> read_sentence(const CsvLines& lines, std::size_t column, const CsvField& field) {
  std::vector<std::string> words = split_words(compose(field.text));
  if (words.empty()) lines.fail(column, field.at, "the sentence is empty");
  return words;
}

LinkUnit read_unit(const CsvLines& lines, std::size_t column, const CsvField& field) {
  if (const auto unit = value_named(field.text, names_of(LinkUnit{}))) return *unit;
  lines.fail(column, field.at,
             fmt::format("\"{}\" is neither word nor character, which links are between", excerpt(field.text)));
}

void read_links(const CsvLines& lines, std::size_t column, const CsvField& field, Pair& pair) {
  std::size_t begin = 0;
  LinkSet links(pair);
  for (const std::string& word : split_words(field.text)) {
    begin = field.text.find(word, begin);  // words come in order, so this is where this one stands
    const std::optional<Link> link = parse_link(word);
    if (!link) {
      lines.fail(
          column, field.at + begin,
          fmt::format("\"{}\" is not a link; write 0-2 (sure) or 0?2 (possible), source word first", excerpt(word)));
    }
    if (const auto error = links.add(*link)) lines.fail(column, field.at + begin, *error);
    pair.links.push_back(*link);
    begin += word.size();
  }
}

/// Reads a file pair by pair. After an error it goes on with the next line.
class PairReader {
 public:
  explicit PairReader(const std::string& path) : lines_(path) {
    refuse_duplicate_columns(lines_);
    source_ = required_column(lines_, "source");
    target_ = required_column(lines_, "target");
    alignment_ = column("alignment");
    unit_ = column("alignment_unit");
    if (unit_ < columns() && alignment_ == columns())
      lines_.fail("there is a column \"alignment_unit\", but no column \"alignment\"");
  }

  const CsvLines& lines() const { return lines_; }

  /// False at the end of the file.
  bool next(Pair& pair) {
    if (!lines_.next(fields_)) return false;
    pair = {};
    pair.source = read_sentence(lines_, source_, fields_[source_]);
    pair.target = read_sentence(lines_, target_, fields_[target_]);
    if (unit_ < fields_.size()) pair.link_unit = read_unit(lines_, unit_, fields_[unit_]);
    if (alignment_ < fields_.size()) read_links(lines_, alignment_, fields_[alignment_], pair);
    return true;
  }

 private:
  std::size_t columns() const { return lines_.header().size(); }

  /// Its number; that behind the last if there is none of this name.
  std::size_t column(std::string_view name) const {
    const auto& header = lines_.header();
    return static_cast<std::size_t>(std::find(header.begin(), header.end(), name) - header.begin());
  }

  CsvLines lines_;
  std::size_t source_, target_, alignment_, unit_;
  std::vector<CsvField> fields_;
};

/// A sentence as a field, after making sure that it reads back as the same words.
std::string write_sentence(const std::vector<std::string>& words, std::string_view side, std::size_t row) {
  std::string text = join_words(words);
  if (words.empty() || split_words(text) != words || compose(text) != text) {
    throw std::invalid_argument(
        fmt::format("write_pairs: the {} of pair {}, \"{}\", would not read back as its {}: it needs words, none "
                    "empty or with a space, in NFC",
                    side, row, excerpt(text), counted(words.size(), "word")));
  }
  if (text.find_first_of(",\"") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted.append(c == '"' ? 2 : 1, c);
  return quoted + '"';
}

std::string write_links(const Pair& pair, std::size_t row) {
  LinkSet links(pair);
  std::string text;
  for (const Link& link : pair.links) {
    if (const auto error = links.add(link)) {
      throw std::invalid_argument(fmt::format("write_pairs: pair {}: {}", row, *error));
    }
    fmt::format_to(std::back_inserter(text), "{}{}{}{}", text.empty() ? "" : " ", link.source, link.sure ? '-' : '?',
                   link.target);
  }
  return text;
}

}  // namespace

std::vector<Pair> read_pairs(const std::string& path) {
  PairReader reader(path);
  std::vector<Pair> pairs;
  if (const auto most = reader.lines().most_lines()) pairs.reserve(*most);
  Pair pair;
  while (reader.next(pair)) pairs.push_back(std::move(pair));
  if (pairs.empty()) reader.lines().fail("nothing follows the header; there are no pairs to read");
  return pairs;
}

PairsAndErrors read_pairs_and_errors(const std::string& path) {
  PairReader reader(path);
  PairsAndErrors read;
  Pair pair;
  for (bool is_more = true; is_more;) {
    try {
      is_more = reader.next(pair);
      if (!is_more) break;
      read.pairs.push_back(std::move(pair));
      read.lines.push_back(reader.lines().line_number());
    } catch (const std::runtime_error& error) {  // the next call goes on with the next line
      read.errors.emplace_back(error.what());
    }
  }
  return read;
}

void write_pairs(const std::string& path, const std::vector<Pair>& pairs) { write_durably(path, pairs_as_csv(pairs)); }

std::string pairs_as_csv(const std::vector<Pair>& pairs) {
  const bool linked = std::any_of(pairs.begin(), pairs.end(), [](const Pair& pair) { return !pair.links.empty(); });
  const bool of_characters = std::any_of(pairs.begin(), pairs.end(), [](const Pair& pair) {
    return !pair.links.empty() && pair.link_unit == LinkUnit::character;
  });
  std::string text = of_characters ? "source,target,alignment,alignment_unit\n"
                     : linked      ? "source,target,alignment\n"
                                   : "source,target\n";
  for (std::size_t row = 0; row < pairs.size(); ++row) {
    text += write_sentence(pairs[row].source, "source", row);
    text += ',';
    text += write_sentence(pairs[row].target, "target", row);
    if (linked) (text += ',') += write_links(pairs[row], row);
    if (of_characters) (text += ',') += name_of(pairs[row].link_unit);
    text += '\n';
  }
  return text;
}

}  // namespace qkv
