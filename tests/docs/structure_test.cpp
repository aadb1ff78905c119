// What CONTRIBUTING.md says about folders is so: dependencies point downwards only, and qkv.h has everything below
// translation/.

#include <algorithm>
#include <filesystem>
#include <gtest/gtest.h>
#include <map>
#include <regex>
#include <set>

#include "tests/docs/document.h"

namespace qkv {
namespace {

namespace fs = std::filesystem;

const fs::path source = QKV_SOURCE_DIR;

/// The folders that the files of a folder may include from, besides their own.
const std::map<std::string, std::set<std::string>> below{
    {"autograd", {}},
    {"layers", {"autograd"}},
    {"files", {"autograd"}},
    {"train", {"autograd", "layers", "files"}},
    {"datasets", {"autograd", "files"}},
    {"translation", {"autograd", "layers", "files", "train", "datasets"}},
    {"study", {"autograd", "layers", "files", "train", "datasets", "translation"}},
    {"cli", {"autograd", "layers", "files", "train", "datasets", "translation", "study"}},
};

/// Calls visit(file, what it includes in quotes) for every file of C++ in a folder.
template <class Visit>
void for_each_include(const std::string& folder, Visit visit) {
  const std::regex include(R"re(^#include "([^"]+)")re");
  for (const auto& entry : fs::recursive_directory_iterator(source / folder)) {
    const fs::path& file = entry.path();
    if (file.extension() != ".h" && file.extension() != ".cpp") continue;
    for (const std::string& line : read_lines(file))
      if (std::smatch match; std::regex_search(line, match, include))
        visit(fs::relative(file, source).string(), match[1].str());
  }
}

TEST(Structure, DependenciesPointDownwardsOnly) {
  for (const auto& [folder, allowed] : below) {
    int includes = 0;
    for_each_include(folder,
                     [&, &allowed = allowed, &folder = folder](const std::string& file, const std::string& what) {
                       ++includes;
                       const std::string path = what.starts_with("qkv/") ? what.substr(4) : what;
                       const std::string from = path.substr(0, path.find('/'));
                       EXPECT_TRUE(from == folder || allowed.contains(from)) << file << " includes " << what;
                       EXPECT_TRUE(folder == "cli" || what.starts_with("qkv/")) << file << " includes " << what;
                     });
    EXPECT_GT(includes, 5) << folder;
  }
}

TEST(Structure, TheGeneralLibraryReadsNoJsonAndNoKorean) {
  const std::regex foreign("nlohmann|utf8proc|korean_english");
  for (const std::string folder : {"autograd", "layers", "files", "train"})
    for (const auto& entry : fs::recursive_directory_iterator(source / folder))
      if (entry.path().extension() == ".h" || entry.path().extension() == ".cpp") {
        for (const std::string& line : read_lines(entry.path()))
          EXPECT_FALSE(line.starts_with("#include") && std::regex_search(line, foreign))
              << entry.path() << ": " << line;
      }
}

TEST(Structure, OneHeaderHasEverythingBelowTranslation) {
  const std::vector<std::string> all = read_lines(source / "qkv.h");
  for (const std::string folder : {"layers", "files", "train", "datasets"})
    for (const auto& entry : fs::directory_iterator(source / folder)) {
      if (entry.path().extension() != ".h") continue;
      const std::string line = "#include \"qkv/" + folder + "/" + entry.path().filename().string() + "\"";
      EXPECT_TRUE(std::find(all.begin(), all.end(), line) != all.end()) << "qkv.h lacks " << line;
    }
}

}  // namespace
}  // namespace qkv
