#include "qkv/study/report/report_page.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "qkv/files/durable_file.h"
#include "qkv/files/utf8.h"
#include "tests/study/unpacked.h"

namespace qkv {
namespace {

/// The text of the script element that holds the data.
std::string data_in(const std::string& page) {
  const std::string tag = R"(<script type="application/gzip" id="data">)";
  const std::size_t begin = page.find(tag) + tag.size();
  EXPECT_EQ(page.find(tag, begin), std::string::npos) << "there is one";
  return page.substr(begin, page.find("</script>", begin) - begin);
}

TEST(ReportPage, IsTheOneThatWasBuiltWithTheDataInIt) {
  const std::string built = read_file(QKV_SOURCE_DIR "/web/report.html");
  EXPECT_TRUE(std::string(empty_report_page) == built);
  const std::string page = report_page({{"version", "1"}});
  EXPECT_EQ(unpacked(data_in(page)), R"({"version":"1"})");
  EXPECT_EQ(page.size() - data_in(page).size(), built.size() - data_in(built).size()) << "all else is as it was";
}

TEST(ReportPage, NoTextEndsTheElementThatHoldsIt) {
  const std::string evil = "</script><script>alert(1)</script><!-- & \xE2\x80\xA8\xE2\x80\xA9 \x1b[31m \xE2\x80\xAE";
  const std::string page = report_page({{"run", evil}});
  const std::string data = data_in(page), json = unpacked(data);
  EXPECT_EQ(data.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="),
            std::string::npos);
  for (const char* text : {"\x1b", "\xE2\x80\xAE"}) EXPECT_EQ(json.find(text), std::string::npos) << text;
  EXPECT_EQ(nlohmann::json::parse(json)["run"], evil) << "it is the same data";
}

TEST(ReportPage, IsUtf8WhateverItHolds) {
  const std::string page = report_page({{"run", "runs/\xFF\xC3("}});
  EXPECT_FALSE(invalid_utf8(page));
  EXPECT_EQ(nlohmann::json::parse(unpacked(data_in(page)))["run"], "runs/\xEF\xBF\xBD\xEF\xBF\xBD(");
}

TEST(ReportPage, IsToldFromOtherPages) {
  EXPECT_TRUE(is_report_page(report_page({{"version", "1"}})));
  EXPECT_FALSE(is_report_page(empty_report_page)) << "nobody has made a report of it";
  EXPECT_TRUE(
      is_report_page(R"(<html><script type="application/json" id="data">{"qkv":"report","version":"1"}</script>)"))
      << "of an older version";
  EXPECT_FALSE(is_report_page("<html>qkv report</html>"));
  EXPECT_FALSE(is_report_page(""));
}

}  // namespace
}  // namespace qkv
