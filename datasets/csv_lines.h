#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace qkv {

/// One field of a line of a CSV file.
struct CsvField {
  std::string text;    ///< unquoted
  std::size_t at = 0;  ///< how many bytes of the line stand before it, an opening quote among them
};

/// Reads a CSV file line by line into fields, and knows where it is for the errors that its user finds.
class CsvLines {
 public:
  /// Opens the file and reads its first line as names of columns. Throws std::runtime_error as read_pairs does.
  explicit CsvLines(const std::string& path);
  ~CsvLines();

  const std::vector<std::string>& header() const { return header_; }

  /// How many lines may follow the header, at most; nothing where that cannot be told beforehand, as of a pipe.
  std::optional<std::size_t> most_lines() const;

  /// Reads the next line into fields, as many as the header has; false at the end of the file.
  bool next(std::vector<CsvField>& fields);

  /// Of the line read last; the header is the first.
  std::size_t line_number() const { return line_number_; }

  /// Throws std::runtime_error: `FILE:LINE: what`.
  [[noreturn]] void fail(std::string_view what) const;

  /// Throws std::runtime_error: `FILE:LINE: column "NAME", character N: what`. `column` counts from 0, and `at` is a
  /// number of bytes from the beginning of the line.
  [[noreturn]] void fail(std::size_t column, std::size_t at, std::string_view what) const;

 private:
  bool next_line();
  std::size_t split(std::vector<CsvField>& fields, std::size_t most);
  void check_quotes(std::size_t column, std::size_t at, std::string_view raw) const;

  struct Reader;
  std::string path_;
  std::unique_ptr<Reader> reader_;
  std::vector<std::string> header_;
  std::string line_;     // as it stands in the file
  std::string scratch_;  // a copy, in which fields are unquoted in place
  std::size_t line_number_ = 0;
  bool is_lost_ = false;  // where the next line begins is not known
};

}  // namespace qkv
