#include "qkv/translation/metrics_log.h"

#include <csignal>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/resource.h>

#include "qkv/files/durable_file.h"
#include "tests/files/temporary_folder.h"

namespace qkv {
namespace {

TEST(MetricsLog, WritesOneJsonObjectALine) {
  const TemporaryFolder folder;
  const std::string path = folder / "metrics.jsonl";
  MetricsLog log(path, 0);
  log.step({.step = 1, .epoch = 0, .loss = 2.5, .lr = 1e-4, .gradient_norm = 0.1, .tokens_per_second = 1234.6});
  log.validation({.step = 1, .loss = 2.25, .bleu = 12.5, .exact_match = 0.75});
  log.flush();
  EXPECT_EQ(read_file(path),
            "{\"step\":1,\"epoch\":0,\"loss\":2.5,\"lr\":0.0001,\"gradient_norm\":0.1,\"tokens_per_second\":1235}\n"
            "{\"step\":1,\"valid_loss\":2.25,\"valid_bleu\":12.5,\"valid_exact\":0.75}\n");
}

TEST(MetricsLog, NumbersAreReadBackAsTheyWere) {
  const TemporaryFolder folder;
  const std::string path = folder / "metrics.jsonl";
  MetricsLog log(path, 0);
  log.step(
      {.step = 1, .epoch = 0, .loss = 1.0 / 3, .lr = 1e-300, .gradient_norm = 123456789.123, .tokens_per_second = 1});
  log.flush();
  const auto json = nlohmann::json::parse(read_file(path));
  EXPECT_EQ(json["loss"].get<double>(), 1.0 / 3);
  EXPECT_EQ(json["lr"].get<double>(), 1e-300);
  EXPECT_EQ(json["gradient_norm"].get<double>(), 123456789.123);
}

const std::string first = "{\"step\":1,\"loss\":3}\n",
                  second = "{\"step\":2,\"loss\":2}\n{\"step\":2,\"valid_loss\":2}\n",
                  third = "{\"step\":3,\"loss\":1}\n";

std::string left_of(const std::string& text, std::int64_t last_step) {
  const TemporaryFolder folder;
  const std::string path = folder.file("metrics.jsonl", text);
  { const MetricsLog log(path, last_step); }
  return read_file(path);
}

TEST(MetricsLog, GoesOnBehindTheLastStep) {
  EXPECT_EQ(left_of(first + second + third, 3), first + second + third);
  EXPECT_EQ(left_of(first + second + third, 2), first + second);
  EXPECT_EQ(left_of(first + second + third, 1), first);
  EXPECT_EQ(left_of(first + second, 9), first + second);
  EXPECT_EQ(left_of(first + second + third, 0), "");
  EXPECT_EQ(left_of("", 3), "");
}

TEST(MetricsLog, DropsHalfALastLine) {
  EXPECT_EQ(left_of(first + second + "{\"step\":3,\"lo", 2), first + second);
  EXPECT_EQ(left_of(first + second + "{\"step\":3,\"lo", 3), first + second);
  EXPECT_EQ(left_of(first + second + "{", 3), first + second);
  EXPECT_EQ(left_of(first + "{\"step\":2}", 2), first + "{\"step\":2}\n");  // all there but the end of the line
}

TEST(MetricsLog, RefusesALineThatIsNotItsOwn) {
  EXPECT_NE(message_of<std::runtime_error>([] {
              left_of(first + "hello\n" + third, 3);
            }).find("metrics.jsonl:2: this is no JSON object with a \"step\""),
            std::string::npos);
  EXPECT_NE(message_of<std::runtime_error>([] { left_of("[1]\n", 3); }).find(":1: "), std::string::npos);
  EXPECT_NE(message_of<std::runtime_error>([] { left_of("{\"step\":-1}\n", 3); }).find(":1: "), std::string::npos);
  const std::string deep = "{\"step\":1,\"loss\":" + std::string(200'000, '[') + std::string(200'000, ']') + "}\n";
  EXPECT_NE(message_of<std::runtime_error>([&] { left_of(first + deep, 3); }).find("metrics.jsonl:2: "),
            std::string::npos);
  const TemporaryFolder folder;
  EXPECT_NE(message_of<std::runtime_error>([&] { MetricsLog(folder / "no/such/metrics.jsonl", 0); }), "");
}

/// Lets no file of this process grow beyond so many bytes while it exists, as a full disk would.
class SmallFiles {
 public:
  explicit SmallFiles(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~SmallFiles() {
    setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  SmallFiles(const SmallFiles&) = delete;
  SmallFiles& operator=(const SmallFiles&) = delete;

 private:
  void (*handler_)(int);
  rlimit before_{};
};

TEST(MetricsLog, TellsWhenTheDiskIsFull) {
  const TemporaryFolder folder;
  MetricsLog log(folder / "metrics.jsonl", 0);
  std::string message;
  {
    const SmallFiles limit(200);
    for (int i = 0; i < 10; ++i) log.step({});
    message = message_of<std::runtime_error>([&] { log.flush(); });
  }
  EXPECT_NE(message.find("metrics.jsonl: cannot write"), std::string::npos) << message;
}

}  // namespace
}  // namespace qkv
