#pragma once

#include <string>
#include <string_view>

namespace qkv {

/// Text as it may be shown to people. What comes from files and arguments may hold characters that steer a terminal
/// (ESC, BEL, the C1 controls) or that nobody can see (a zero-width space, marks that turn the direction of writing).
/// Those of the Unicode categories Cc (control) and Cf (format) are shown by their code point, as `\u{1b}`, and bytes
/// that are not UTF-8 as `\x{ff}`. What is returned is always UTF-8.
///
/// For a word, a name or a message of one line: line breaks are shown as `\u{a}` too.
std::string visible(std::string_view text);

/// For text of several lines: line feeds stay.
std::string visible_lines(std::string_view text);

/// JSON that is the same data with those characters written as JSON's own escapes, `\u001b`. Those below U+0020 must be
/// escaped already, as JSON demands; line feeds between its parts stay.
std::string visible_json(std::string_view json);

/// A name or a sentence to quote in a message: visible, and if that takes more than `width` columns, its beginning, "…"
/// and how long it is, as `"aaaa…" (1000000 characters)`, else `"aaaa"`.
std::string in_quotes(std::string_view text, int width = 60);

}  // namespace qkv
