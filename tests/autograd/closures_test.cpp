// A closure outlives the call that makes it: one that captures by reference reads whatever is on the stack later.

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <string>

namespace qkv {
namespace {

/// The arguments of every on_backward(…) in this text.
std::vector<std::string> backwards_in(const std::string& text) {
  std::vector<std::string> found;
  for (std::size_t at = text.find("on_backward("); at != std::string::npos; at = text.find("on_backward(", at + 1)) {
    std::size_t end = text.find('(', at) + 1;
    for (int open = 1; open > 0 && end < text.size(); ++end) open += text[end] == '(' ? 1 : text[end] == ')' ? -1 : 0;
    found.push_back(text.substr(at, end - at));
  }
  return found;
}

std::string content(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

TEST(Closures, CaptureByValue) {
  int backwards = 0;
  for (const char* folder : {"autograd", "autograd/ops", "layers", "examples/own_operation"}) {
    const std::filesystem::path path = std::filesystem::path(QKV_SOURCE_DIR) / folder;
    if (!std::filesystem::exists(path)) continue;
    for (const auto& entry : std::filesystem::directory_iterator(path)) {
      if (entry.path().extension() != ".h") continue;
      const std::string text = content(entry.path());
      for (const std::string& backward : backwards_in(text)) {
        ++backwards;
        EXPECT_EQ(backward.find("[&"), std::string::npos) << entry.path() << ":\n" << backward;
      }
      if (std::string(folder) == "autograd/ops") {
        EXPECT_EQ(text.find("[&"), std::string::npos) << entry.path();
      }
    }
  }
  EXPECT_GE(backwards, 25) << "the operations were looked through";
}

TEST(Closures, AreFoundToTheirLastParenthesis) {
  EXPECT_EQ(backwards_in("x; on_backward({y, z}, [&] { f(g()); }); [&] {}"),
            (std::vector<std::string>{"on_backward({y, z}, [&] { f(g()); })"}));
}

}  // namespace
}  // namespace qkv
