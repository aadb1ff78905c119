#include "tests/docs/document.h"

#include <algorithm>
#include <fmt/format.h>
#include <fstream>
#include <span>
#include <sstream>
#include <stdexcept>

namespace qkv {
namespace {

const std::string left_out = "...";

std::string without_end_spaces(std::string line) {
  line.erase(line.find_last_not_of(" \t\r") + 1);
  return line;
}

std::string without_indentation(const std::string& line) {
  const std::size_t first = line.find_first_not_of(' ');
  return first == std::string::npos ? "" : line.substr(first);
}

const std::string separators = ";|&()";

/// The words of a line of a shell script without its comment. What ends a command is a word of its own.
std::vector<std::string> words_of(const std::string& line) {
  std::vector<std::string> words;
  char quote = 0;
  bool is_inside = false;  // of a word
  for (const char c : line) {
    if (quote != 0 && c == quote) {
      quote = 0;
    } else if (quote == 0 && !is_inside && c == '#') {
      break;
    } else if (quote == 0 && (c == ' ' || separators.find(c) != std::string::npos)) {
      if (c != ' ') words.emplace_back(1, c);
      is_inside = false;
    } else {
      if (!is_inside) words.emplace_back();
      is_inside = true;
      if (quote == 0 && (c == '"' || c == '\''))
        quote = c;
      else
        words.back() += c;
    }
  }
  return words;
}

bool ends_command(const std::string& word) { return word.size() == 1 && separators.find(word) != std::string::npos; }

/// Whether a command may begin behind this word.
bool begins_command(const std::string& word) {
  return ends_command(word) || word == "do" || word == "then" || word == "else" || word == "if" || word == "while";
}

/// One line against one line.
bool line_matches(const std::string& expected, const std::string& line) {
  std::size_t at = 0, from = 0;
  for (bool is_first = true;; is_first = false) {
    const std::size_t gap = expected.find(left_out, from);
    const std::string piece = expected.substr(from, gap == std::string::npos ? gap : gap - from);
    if (gap == std::string::npos && is_first) return line == expected;
    if (gap == std::string::npos) return line.size() >= at + piece.size() && line.ends_with(piece);
    const std::size_t found = is_first ? (line.starts_with(piece) ? 0 : std::string::npos) : line.find(piece, at);
    if (found == std::string::npos) return false;
    at = found + piece.size();
    from = gap + left_out.size();
  }
}

bool lines_match(std::span<const std::string> expected, std::span<const std::string> output) {
  if (expected.empty()) return output.empty();
  if (expected.front() != left_out)
    return !output.empty() && line_matches(expected.front(), output.front()) &&
           lines_match(expected.subspan(1), output.subspan(1));
  for (std::size_t skipped = 0; skipped <= output.size(); ++skipped)
    if (lines_match(expected.subspan(1), output.subspan(skipped))) return true;
  return false;
}

}  // namespace

std::vector<std::string> read_lines(const std::filesystem::path& file) {
  std::ifstream stream(file);
  if (!stream) throw std::runtime_error(fmt::format("{} cannot be read", file.string()));
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(without_end_spaces(line));
  return lines;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

std::vector<std::string> documents_in(const std::filesystem::path& source) {
  std::vector<std::string> files{"README.md"};
  for (const auto& entry : std::filesystem::recursive_directory_iterator(source / "docs"))
    if (entry.path().extension() == ".md") files.push_back(std::filesystem::relative(entry.path(), source).string());
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<Block> read_blocks(const std::filesystem::path& file) {
  std::vector<Block> blocks;
  bool is_inside = false;
  int number = 0;
  for (const std::string& line : read_lines(file)) {
    ++number;
    if (line.starts_with("```")) {
      if (!is_inside) {
        Block& block = blocks.emplace_back();
        std::istringstream(line.substr(3)) >> block.language >> block.file;
        block.line = number + 1;
      }
      is_inside = !is_inside;
    } else if (is_inside) {
      blocks.back().lines.push_back(line);
    }
  }
  if (is_inside) throw std::runtime_error(fmt::format("{}:{}: this block does not end", file.string(), number));
  return blocks;
}

std::vector<std::string> read_prose(const std::filesystem::path& file) {
  std::vector<std::string> prose;
  bool is_inside = false;
  for (const std::string& line : read_lines(file)) {
    const bool is_fence = line.starts_with("```");
    if (is_fence) is_inside = !is_inside;
    if (!is_fence && !is_inside) prose.push_back(line);
  }
  return prose;
}

std::vector<Command> commands_of(const Block& block) {
  std::vector<Command> commands;
  bool goes_on = false;
  for (std::size_t i = 0; i < block.lines.size(); ++i) {
    const std::string& line = block.lines[i];
    if (goes_on) {
      commands.back().text += "\n" + line;
    } else if (line.starts_with("$ ")) {
      commands.push_back({line.substr(2), block.line + static_cast<int>(i), {}});
    } else {
      if (commands.empty())
        throw std::runtime_error(fmt::format("line {}: a console block begins with \"$ \"", block.line));
      commands.back().output.push_back(line);
    }
    goes_on = (goes_on || line.starts_with("$ ")) && line.ends_with("\\");
  }
  for (Command& command : commands)
    while (!command.output.empty() && command.output.back().empty()) command.output.pop_back();
  return commands;
}

std::vector<Call> calls_of(const std::vector<std::string>& script, const std::string& program) {
  std::vector<Call> calls;
  for (std::size_t i = 0; i < script.size(); ++i) {
    const int line = static_cast<int>(i);
    std::string text = script[i];
    while (text.ends_with("\\") && i + 1 < script.size()) text = text.substr(0, text.size() - 1) + script[++i];
    bool may_begin = true, is_inside = false;
    for (const std::string& word : words_of(text)) {
      if (may_begin && word == program) {
        calls.push_back({{}, line});
        is_inside = true;
      } else if (ends_command(word)) {
        is_inside = false;
      } else if (is_inside) {
        calls.back().words.push_back(word);
      }
      may_begin = !is_inside && begins_command(word);
    }
  }
  return calls;
}

std::vector<std::string> options_of(const std::vector<std::string>& help) {
  std::vector<std::string> options;
  for (const std::string& line : help) {
    std::string names;
    std::istringstream(line) >> names;
    if (!names.starts_with("-")) continue;
    std::istringstream stream(names);
    for (std::string name; std::getline(stream, name, ',');) options.push_back(name);
  }
  return options;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(without_end_spaces(line));
  while (!lines.empty() && lines.back().empty()) lines.pop_back();
  return lines;
}

bool matches(const std::vector<std::string>& expected, const std::vector<std::string>& output) {
  return lines_match(expected, output);
}

bool quotes(const std::vector<std::string>& quoted, const std::vector<std::string>& file) {
  std::vector<std::vector<std::string>> parts(1);
  for (const std::string& line : quoted)
    if (without_indentation(line) == left_out)
      parts.emplace_back();
    else
      parts.back().push_back(without_indentation(line));
  std::vector<std::string> lines;
  for (const std::string& line : file) lines.push_back(without_indentation(line));
  auto from = lines.begin();
  for (const auto& part : parts) {
    const auto found = std::search(from, lines.end(), part.begin(), part.end());
    if (found == lines.end() && !part.empty()) return false;
    from = found + static_cast<std::ptrdiff_t>(part.size());
  }
  return true;
}

}  // namespace qkv
