// What the chapters have in common: their parts, figures and sources, and that what they show of the small models is
// fair.

#include <algorithm>
#include <gtest/gtest.h>
#include <regex>
#include <set>

#include "tests/docs/document.h"

namespace qkv {
namespace {

namespace fs = std::filesystem;

const fs::path source = QKV_SOURCE_DIR;

/// The lines of a document that begin with the prefix, without it.
std::vector<std::string> after_prefix(const std::string& document, const std::string& prefix) {
  std::vector<std::string> found;
  for (const std::string& line : read_prose(source / "docs" / document))
    if (line.starts_with(prefix)) found.push_back(line.substr(prefix.size()));
  return found;
}

TEST(Operations, EveryOperationHasItsSectionInOrder) {
  std::vector<std::string> operations;
  for (const fs::directory_entry& entry : fs::directory_iterator(source / "autograd" / "ops"))
    operations.push_back(entry.path().stem().string());
  std::sort(operations.begin(), operations.end());
  EXPECT_EQ(after_prefix("operations.md", "## "), operations);
}

/// The chapters, relative to docs/, in order.
std::vector<std::string> chapters() {
  std::vector<std::string> names;
  for (const fs::directory_entry& entry : fs::directory_iterator(source / "docs"))
    if (std::regex_match(entry.path().filename().string(), std::regex(R"(\d\d-.*\.md)")))
      names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

/// What a text cites: the last name before each year, and the year, as in "Bahdanau, Cho & Bengio 2015", "Lin et al.
/// 2017" and "Elman's (1990)".
std::set<std::pair<std::string, std::string>> citations_in(const std::string& text) {
  std::set<std::pair<std::string, std::string>> found;
  const std::regex citation(R"(([A-Z][^\s(),;:.'’]+)(?:'s)?(?: et al\.)? \(?((?:19|20)\d\d)\b)");
  for (std::sregex_iterator match(text.begin(), text.end(), citation), end; match != end; ++match)
    found.emplace((*match)[1], (*match)[2]);
  return found;
}

/// A text on one line.
std::string prose_of(const fs::path& file) {
  std::string text;
  for (const std::string& line : read_prose(file)) text += line + " ";
  return text;
}

TEST(Chapters, CiteWhatIsInTheSourcesAndAllOfIt) {
  const std::string readme = prose_of(source / "docs" / "README.md");
  const std::size_t start = readme.find("## Sources");
  ASSERT_NE(start, std::string::npos);
  std::vector<std::string> sources;  // an entry each
  for (std::size_t at = readme.find(" - ", start); at != std::string::npos; at = readme.find(" - ", at + 1))
    sources.push_back(readme.substr(at, readme.find(" - ", at + 1) - at));
  ASSERT_GE(sources.size(), 20U);

  std::set<std::pair<std::string, std::string>> cited;
  for (const std::string& name : chapters())
    for (const auto& [author, year] : citations_in(prose_of(source / "docs" / name))) {
      const auto is_it = [&, author = author, year = year](const std::string& entry) {
        return entry.find(author) < entry.find('*', entry.find(':')) && entry.find(year) != std::string::npos;
      };
      EXPECT_TRUE(std::any_of(sources.begin(), sources.end(), is_it))
          << name << " cites " << author << ' ' << year << ", which docs/README.md does not list";
      cited.emplace(author, year);
    }
  for (const std::string& entry : sources) {
    const auto is_it = [&](const auto& citation) {
      return entry.find(citation.first) < entry.find('*', entry.find(':')) &&
             entry.find(citation.second) != std::string::npos;
    };
    EXPECT_TRUE(std::any_of(cited.begin(), cited.end(), is_it)) << "no chapter cites" << entry;
  }
}

/// The commands that a document runs.
std::vector<Command> all_commands(const std::string& document) {
  std::vector<Command> all;
  for (const Block& block : read_blocks(source / document))
    if (block.language == "console")
      for (const Command& command : commands_of(block)) all.push_back(command);
  return all;
}

// A low score on new sentences alone does not tell what a model cannot hold from what it has not learnt.
TEST(Chapters, PutTheTrainingScoreBesideThatOfTheTest) {
  int shown = 0;
  for (const std::string& document : documents_in(source)) {
    const auto runs = [commands = all_commands(document)](const std::string& text) {
      return std::any_of(commands.begin(), commands.end(), [&](const Command& command) {
        return command.text.find(text) != std::string::npos && command.text.find("--beam") == std::string::npos;
      });
    };
    if (!runs("qkv eval docs/checkpoint/rnn --data docs/checkpoint/test.csv")) continue;
    ++shown;
    EXPECT_TRUE(runs("qkv eval docs/checkpoint/rnn --data docs/checkpoint/train.csv")) << document;
  }
  EXPECT_GE(shown, 2);
}

// What a model does with a sentence that it knows by heart shows nothing.
TEST(Chapters, TranslateSentencesThatTheModelsHaveNotLearnt) {
  std::set<std::string> learnt;
  for (const std::string& line : read_lines(source / "docs" / "checkpoint" / "train.csv"))
    learnt.insert(line.substr(0, line.find(',')));
  const auto with_stop_apart = [](const std::string& sentence) {
    return std::regex_replace(sentence, std::regex(R"(([^ ])\.$)"), "$1 .");
  };
  int translated = 0;
  for (const std::string& document : documents_in(source))
    for (const Command& command : all_commands(document)) {
      if (command.text.find("qkv translate docs/checkpoint/") == std::string::npos) continue;
      const std::regex argument(R"re("([^"]*)")re");
      for (std::sregex_iterator match(command.text.begin(), command.text.end(), argument), end; match != end; ++match) {
        EXPECT_FALSE(learnt.contains(with_stop_apart((*match)[1])))
            << document << ":" << command.line << ": $ " << command.text << "\nis in train.csv";
        ++translated;
      }
    }
  EXPECT_GE(translated, 10);
}

/// Whether a command is said to print a figure: at least three lines with bars, shades or branches.
bool prints_figure(const Command& command) {
  const auto is_drawn = [](const std::string& line) { return std::regex_search(line, std::regex("##|█|▓|▒|░|├|└|│")); };
  return std::count_if(command.output.begin(), command.output.end(), is_drawn) >= 3;
}

TEST(Chapters, EachHasAFigureMadeByTheProject) {
  for (const std::string& name : chapters()) {
    const std::vector<Command> commands = all_commands("docs/" + name);
    EXPECT_TRUE(std::any_of(commands.begin(), commands.end(), prints_figure)) << name << ": no command prints a figure";
  }
}

TEST(Chapters, EachHasItsParts) {
  for (const std::string& name : chapters()) {
    const std::vector<std::string> parts = after_prefix(name, "## ");
    for (const std::string part : {"The formula", "Backwards, by hand", "In code", "Exercises"})
      EXPECT_EQ(std::count(parts.begin(), parts.end(), part), 1) << name << " has no section \"" << part << '"';
    const std::string text = joined(read_lines(source / "docs" / name));
    std::size_t answers = 0;
    for (std::size_t at = text.find("<details>"); at != std::string::npos; at = text.find("<details>", at + 1))
      ++answers;
    EXPECT_EQ(answers, 3U) << name << ": three exercises with folded answers";
    EXPECT_NE(text.find("```console"), std::string::npos) << name << " shows no command";
    EXPECT_NE(text.find("```cpp"), std::string::npos) << name << " quotes no code";
    EXPECT_NE(joined(read_lines(source / "docs" / "README.md")).find("(" + name + ")"), std::string::npos)
        << "docs/README.md does not lead to " << name;
  }
  EXPECT_EQ(chapters().size(), 14U);
}

}  // namespace
}  // namespace qkv
