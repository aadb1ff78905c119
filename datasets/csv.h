#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "qkv/datasets/pair.h"

namespace qkv {

/// Reads sentence pairs from a CSV file (RFC 4180, UTF-8, with a header). The columns `source` and `target` are
/// required. `alignment` is optional and holds links between words counted from 0: `0-0 1-2 2?1`, source word, `-` for
/// a sure link or `?` for a possible one, target word. Where a column `alignment_unit` says `character` instead of
/// `word`, the links count the characters (code points) of the text: its words with one space between each two, the
/// spaces counted. What a link means does not depend on the tokeniser that somebody trains with. Other columns are
/// ignored.
///
/// Understood: fields in quotes ("" is a quote inside one), CRLF and LF, a byte-order mark. Text is normalised to NFC;
/// any Unicode space separates words. Lines may be up to 16 MiB long, and have up to 1000 columns.
///
/// Throws std::runtime_error, `FILE:LINE: column "NAME", character N: what is wrong`, characters counted from 1 along
/// the line: a file that cannot be read, is empty or holds no pairs; no such column, or one that occurs twice; too few
/// or too many fields; a quote that is not closed on its line (a field cannot hold a line break) or stands where none
/// may; invalid UTF-8; a sentence without words; a link that is malformed, occurs twice or is outside its sentence;
/// an `alignment_unit` that is neither, or without a column `alignment`.
std::vector<Pair> read_pairs(const std::string& path);

/// A file that was read to its end, whatever is wrong with some of its lines.
struct PairsAndErrors {
  std::vector<Pair> pairs;
  std::vector<std::size_t> lines;   ///< on which each pair stands; the header is the first
  std::vector<std::string> errors;  ///< what read_pairs would throw, for each line that is left out, in their order
};

/// Reads every line that can be read, for whoever wants to know of all errors at once. Throws std::runtime_error only
/// where no line can be: a file that cannot be opened, is empty or has no header with the required columns.
PairsAndErrors read_pairs_and_errors(const std::string& path);

/// The line of its file on which the pair of this index stands: the header is the first, and a field cannot hold a line
/// break.
constexpr std::size_t line_of_pair(std::size_t index) { return index + 2; }

/// Writes what read_pairs reads back as the same pairs, with the columns source, target and, if any pair has links,
/// alignment, and if any of those are between characters, alignment_unit. Fields are quoted where they must be. The
/// file is complete or not there at all (write_durably).
///
/// Throws std::invalid_argument, with the number of the pair from 0, for what could not be read back: a sentence
/// without words, a word that is empty, holds a space or is not in NFC, a link outside its sentence or there twice;
/// std::runtime_error where the file cannot be written.
void write_pairs(const std::string& path, const std::vector<Pair>& pairs);

/// The text of that file.
std::string pairs_as_csv(const std::vector<Pair>& pairs);

}  // namespace qkv
