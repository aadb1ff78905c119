#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace qkv {

/// A fenced block of a Markdown file.
struct Block {
  std::string language;            ///< the word after the fence, such as "console"
  std::string file;                ///< what follows it: the file that the lines are quoted from
  int line = 0;                    ///< of its first line
  std::vector<std::string> lines;  ///< without spaces at their ends
};

/// A command of a console block, after its "$ ", and what it is said to print.
struct Command {
  std::string text;
  int line = 0;
  std::vector<std::string> output;
};

/// The lines of a text file, without spaces at their ends. Throws std::runtime_error if it cannot be read.
std::vector<std::string> read_lines(const std::filesystem::path& file);

/// The lines, each with its end.
std::string joined(const std::vector<std::string>& lines);

/// README.md and every Markdown file of docs/, relative to the source, in order.
std::vector<std::string> documents_in(const std::filesystem::path& source);

/// The fenced blocks of a Markdown file, in order. Throws std::runtime_error if one does not end.
std::vector<Block> read_blocks(const std::filesystem::path& file);

/// The lines of a Markdown file that are outside its fenced blocks.
std::vector<std::string> read_prose(const std::filesystem::path& file);

/// The commands of a console block. A line that ends in "\" goes on in the next one.
/// Throws std::runtime_error if the block does not begin with a command.
std::vector<Command> commands_of(const Block& block);

/// A program that a shell script calls, with the words after its name, without quotation marks.
struct Call {
  std::vector<std::string> words;
  int line = 0;  ///< of the script, from 0
};

/// The calls of a program in the lines of a shell script: as the first word of a line or of a command after ";", "&&",
/// "|", "do" and the like. Comments are left out; a line that ends in "\" goes on in the next one.
std::vector<Call> calls_of(const std::vector<std::string>& script, const std::string& program);

/// The options that a program's help explains, such as "--out": what its lines begin with, not the examples in it.
std::vector<std::string> options_of(const std::vector<std::string>& help);

/// The lines that a text consists of, without spaces at their ends, nor empty lines at its end.
std::vector<std::string> lines_of(const std::string& text);

/// Whether the output is as expected: a line "..." stands for any lines, "..." within a line for any characters.
bool matches(const std::vector<std::string>& expected, const std::vector<std::string>& output);

/// Whether the quoted lines stand in the file, in this order and without a gap except at lines "...". Indentation does
/// not count.
bool quotes(const std::vector<std::string>& quoted, const std::vector<std::string>& file);

}  // namespace qkv
