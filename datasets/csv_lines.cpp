#include "qkv/datasets/csv_lines.h"

#include "qkv/files/message.h"
#include "qkv/files/utf8.h"

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wstringop-truncation"  // csv.h cuts names on purpose when it inlines into this file
#endif
#include <algorithm>
#include <csv.h>
#include <filesystem>
#include <fmt/format.h>
#include <memory>
#include <stdexcept>

#include "qkv/files/file_reader.h"

namespace qkv {
namespace {

constexpr std::size_t most_columns = 1000;
constexpr std::size_t shortest_line = 4;  // "a,b" and its end

// fast-cpp-csv-parser reads the lines (byte-order mark, CRLF, line numbers) and knows where quoted fields end. Its
// CSVReader is not used: its errors name no column and cut long names, it accepts quotes in the middle of a field, and
// it drops what follows a zero byte.
using Quotes = io::double_quote_escape<',', '"'>;

/// The bytes of a file as LineReader wants them, block by block: it takes a zero byte for the end of a line, and it
/// looks one byte past the end of a file whose last line is not ended.
class Bytes : public io::ByteSourceBase {
 public:
  explicit Bytes(const std::string& path) : path_(path), file_(path) {}

  int read(char* bytes, int size) override {
    if (has_ended_) return 0;
    const std::size_t wanted = static_cast<std::size_t>(size), count = file_.read(bytes, wanted);
    refuse_zero(std::string_view(bytes, count));
    if (count > 0) last_ = bytes[count - 1];
    if (count == wanted) return size;
    has_ended_ = true;
    if (last_ == '\0')
      throw std::runtime_error(
          fmt::format("{}:1: the file is empty; it should begin with a header: source,target", path_));
    if (last_ == '\n') return static_cast<int>(count);
    bytes[count] = '\n';
    return static_cast<int>(count + 1);
  }

 private:
  void refuse_zero(std::string_view block) {
    const std::size_t zero = block.find('\0'), end = std::min(zero, block.size());
    lines_ +=
        static_cast<std::size_t>(std::count(block.begin(), block.begin() + static_cast<std::ptrdiff_t>(end), '\n'));
    const std::size_t line_end = block.substr(0, end).rfind('\n');
    in_line_ = line_end == std::string_view::npos ? in_line_ + end : end - line_end - 1;
    if (zero == std::string_view::npos) return;
    throw std::runtime_error(
        fmt::format("{}:{}: a zero byte after {} of the line; is the file UTF-16? it must be UTF-8", path_, lines_ + 1,
                    counted(in_line_, "byte")));
  }

  std::string path_;
  FileReader file_;
  char last_ = '\0';  // read so far
  bool has_ended_ = false;
  std::size_t lines_ = 0;    // that ended before …
  std::size_t in_line_ = 0;  // … and how many bytes of the next were read
};

/// The number, from 1, of the character that begins after `at` bytes. What comes before it may be broken too.
std::size_t character_number(std::string_view line, std::size_t at) {
  const auto begins_character = [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; };
  return 1 + static_cast<std::size_t>(
                 std::count_if(line.begin(), line.begin() + static_cast<std::ptrdiff_t>(at), begins_character));
}

}  // namespace

struct CsvLines::Reader {
  explicit Reader(const std::string& path) : lines(path, std::make_unique<Bytes>(path)) {}
  io::LineReader lines;
};

CsvLines::CsvLines(const std::string& path) : path_(path), reader_(std::make_unique<Reader>(path)) {
  if (!next_line() || line_.empty()) fail("the header is empty; it should name the columns: source,target");
  std::vector<CsvField> fields;
  if (split(fields, most_columns) > most_columns) {
    fail(fmt::format("the header names more than {} columns; is this a CSV file with a header?", most_columns));
  }
  for (CsvField& field : fields) header_.push_back(std::move(field.text));
}

CsvLines::~CsvLines() = default;

void CsvLines::fail(std::string_view what) const {
  throw std::runtime_error(fmt::format("{}:{}: {}", path_, std::max<std::size_t>(line_number_, 1), what));
}

void CsvLines::fail(std::size_t column, std::size_t at, std::string_view what) const {
  const std::string name =
      column < header_.size() ? fmt::format("\"{}\"", excerpt(header_[column])) : fmt::to_string(column + 1);
  fail(fmt::format("column {}, character {}: {}", name, character_number(line_, at), what));
}

bool CsvLines::next_line() {
  if (is_lost_) return false;
  try {
    const char* line = reader_->lines.next_line();
    if (line == nullptr) return false;
    line_ = line;
  } catch (const io::error::line_length_limit_exceeded&) {
    ++line_number_;
    is_lost_ = true;
    fail("the line is longer than 16 MiB; is this a CSV file?");
  } catch (...) {
    is_lost_ = true;
    throw;
  }
  ++line_number_;
  return true;
}

bool CsvLines::next(std::vector<CsvField>& fields) {
  if (!next_line()) return false;
  if (line_.empty()) fail("the line is empty; take it out");
  const std::size_t count = split(fields, header_.size() + 1);
  if (count < header_.size()) {
    fail(count, line_.size(), fmt::format("no such field: the line has {} and the header {}", count, header_.size()));
  }
  if (count > header_.size()) {
    fail(header_.size(), fields[header_.size()].at,
         fmt::format("the line has {} and the header {}; a comma inside a field needs quotes around the field",
                     counted(count, "field"), header_.size()));
  }
  return true;
}

// The file is read once more, which takes less time than one pass over its characters, and no memory.
std::optional<std::size_t> CsvLines::most_lines() const {
  if (!std::filesystem::is_regular_file(path_)) return std::nullopt;
  FileReader file(path_);
  std::string block(std::size_t{1} << 16U, '\0');
  std::size_t lines = 0;
  for (std::size_t count = block.size(); count == block.size();) {
    count = file.read(block.data(), block.size());
    lines +=
        static_cast<std::size_t>(std::count(block.begin(), block.begin() + static_cast<std::ptrdiff_t>(count), '\n'));
  }
  return std::min(lines, file.size_when_opened() / shortest_line);
}

/// Checks all fields of the line and returns how many there are, but keeps the first `most` only: a line of commas
/// would take forty times its own memory.
std::size_t CsvLines::split(std::vector<CsvField>& fields, std::size_t most) {
  scratch_ = line_;
  std::size_t count = 0;
  char* begin = scratch_.data();
  char* const line_end = scratch_.data() + scratch_.size();
  while (true) {
    char* end = line_end;
    try {
      end = begin + (Quotes::find_next_column_end(begin) - begin);
    } catch (const io::error::escaped_string_not_closed&) {
      end = line_end;  // check_quotes says which quote is to blame
    }
    const auto at = static_cast<std::size_t>(begin - scratch_.data());
    const std::string_view raw(begin, static_cast<std::size_t>(end - begin));
    check_quotes(count, at, raw);
    if (const auto invalid = invalid_utf8(raw)) {
      fail(count, at + *invalid,
           fmt::format("invalid UTF-8: byte 0x{:02x}; save the file as UTF-8",
                       static_cast<unsigned char>(raw[*invalid])));
    }
    if (const std::size_t carriage_return = raw.find('\r'); carriage_return != std::string_view::npos) {
      fail(count, at + carriage_return, "a carriage return inside a line; end lines with LF or CRLF");
    }
    const bool last = end == line_end;
    if (count < most) {
      if (count == fields.size()) fields.emplace_back();
      char *text_begin = begin, *text_end = end;
      Quotes::unescape(text_begin, text_end);
      fields[count].text.assign(text_begin, text_end);
      fields[count].at = at + static_cast<std::size_t>(text_begin - begin);
    }
    ++count;
    if (last) break;
    begin = end + 1;
  }
  fields.resize(std::min(count, most));
  return count;
}

void CsvLines::check_quotes(std::size_t column, std::size_t at, std::string_view raw) const {
  if (raw.empty() || raw.front() != '"') {
    const std::size_t quote = raw.find('"');
    if (quote == std::string_view::npos) return;
    fail(column, at + quote,
         "a quote inside a field that does not begin with one; write \"…\"\"…\" with the inner one doubled");
  }
  std::size_t quote = raw.find('"', 1);
  while (quote != std::string_view::npos && quote + 1 < raw.size() && raw[quote + 1] == '"') {
    quote = raw.find('"', quote + 2);
  }
  if (quote == std::string_view::npos) {
    fail(column, at, "the quote is not closed on its line; a field cannot hold a line break");
  }
  if (quote + 1 < raw.size()) {
    fail(column, at + quote, "text after the closing quote; a quote inside a quoted field is written twice");
  }
}

}  // namespace qkv
