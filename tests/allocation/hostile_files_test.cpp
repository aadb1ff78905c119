// Files that lie about themselves take memory in proportion to their own size, and are refused by name.

#include <cstring>
#include <functional>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "qkv/datasets/csv.h"
#include "qkv/files/durable_file.h"
#include "qkv/train/adam.h"
#include "qkv/translation/metrics_log.h"
#include "tests/allocation/heap.h"
#include "tests/files/damage.h"
#include "tests/files/temporary_folder.h"
#include "tests/translation/toy_run.h"

namespace qkv {
namespace {

namespace fs = std::filesystem;

/// What is promised: so many bytes for each byte of the files that are read, and so many more whatever their size. A
/// CSV file's words are strings of 32 bytes each; its reader looks at 48 MiB of lines at a time.
struct Bound {
  long times;
  long constant;
};
constexpr Bound tensors{16, 24'000'000}, settings{16, 24'000'000}, vocabulary{48, 1'000'000}, table{48, 52'000'000};

std::string repeated(std::string_view text, std::size_t times) {
  std::string all;
  all.reserve(text.size() * times);
  for (std::size_t i = 0; i < times; ++i) all += text;
  return all;
}

/// Loads; what is thrown must name the file. Returns what was said, "" for nothing.
std::string loaded_within(const Bound& bound, const std::string& path,
                          const std::function<void(const std::string&)>& load) {
  const auto size = static_cast<long>(fs::file_size(path));
  std::string message;
  start_counting();
  try {
    load(path);
  } catch (const std::runtime_error& error) {
    message = error.what();
  }
  const HeapCount count = stop_counting();
  EXPECT_LE(count.peak, bound.times * size + bound.constant) << path << " of " << size << " bytes: " << message;
  EXPECT_TRUE(message.empty() || message.find(path) != std::string::npos) << message;
  EXPECT_LT(message.size(), 1500U) << "a message is read by people";
  return message;
}

std::string safetensors_of(const std::string& header, std::size_t numbers = 0) {
  const std::uint64_t length = header.size();
  std::string content(8, '\0');
  std::memcpy(content.data(), &length, 8);
  return content + header + std::string(numbers, '\1');
}

TEST(HostileFiles, TensorsTakeMemoryInProportionToTheirFile) {
  const TemporaryFolder folder;
  const auto expect_refused = [&](const char* name, const std::string& content) {
    const std::string path = folder.file(name, content);
    EXPECT_NE(loaded_within(tensors, path, [](const std::string& p) { SafetensorsFile::read(p); }), "") << name;
  };
  const std::string entry = R"("dtype":"F32","shape":[1],"data_offsets":[0,4])";
  expect_refused("a huge length", std::string("\xff\xff\xff\x7f\0\0\0\0{}", 10));
  expect_refused("a length beyond 100 MB", std::string(8, '\x7f') + "{}");
  expect_refused("a huge shape",
                 safetensors_of(R"({"a":{"dtype":"F32","shape":[2147483647],"data_offsets":[0,4]}})", 4));
  expect_refused("a shape that overflows",
                 safetensors_of(R"({"a":{"dtype":"F32","shape":[9223372036854775807,4],"data_offsets":[0,4]}})", 4));
  expect_refused(
      "offsets outside",
      safetensors_of(R"({"a":{"dtype":"I64","shape":[],"data_offsets":[9223372036854775807,9223372036854775815]}})"));
  expect_refused("a long shape", safetensors_of(R"({"a":{"dtype":"F32","shape":[1)" + repeated(",1", 2'000'000) +
                                                    R"(],"data_offsets":[0,4]}})",
                                                4));
  expect_refused("deep lists", safetensors_of("{\"a\":" + repeated("[", 2'000'000)));
  expect_refused("deep objects", safetensors_of(repeated("{\"a\":", 2'000'000)));
  expect_refused("deep metadata", safetensors_of("{\"__metadata__\":" + repeated("{\"a\":", 2'000'000)));
  expect_refused("wide lists", safetensors_of("{\"a\":[" + repeated("[],", 2'000'000)));
  expect_refused("wide numbers", safetensors_of("{\"a\":[" + repeated("0,", 4'000'000)));
  expect_refused("wide metadata", safetensors_of("{\"__metadata__\":[" + repeated("{},", 2'000'000)));
  expect_refused("a long name", safetensors_of("{\"" + repeated("n", 8'000'000) + "\":{" + entry + "}}"));
  expect_refused("a long dtype", safetensors_of("{\"a\":{\"dtype\":\"" + repeated("F", 8'000'000) +
                                                "\",\"shape\":[],\"data_offsets\":[0,0]}}"));
  std::string many = "{", names = "{\"__metadata__\":{";
  for (int i = 0; i < 90'000; ++i) {
    many += fmt::format(R"({}"{}":{{"dtype":"F32","shape":[0],"data_offsets":[0,0]}})", i == 0 ? "" : ",", i);
    names += fmt::format(R"({}"{}":"")", i == 0 ? "" : ",", i);
  }
  expect_refused("many tensors and a hole", safetensors_of(many + "}", 1));
  expect_refused("much metadata and a hole", safetensors_of(names + "}}", 1));
}

TEST(HostileFiles, SettingsTakeMemoryInProportionToTheirFile) {
  const TemporaryFolder folder;
  for (const std::string& content :
       {repeated("[", 4'000'000), repeated("{\"a\":", 2'000'000), "{\"heads\":[" + repeated("0,", 4'000'000),
        "{\"heads\":[" + repeated("[],", 4'000'000), "{\"" + repeated("h", 8'000'000) + "\":1}",
        "{\"norm\":\"" + repeated("h", 8'000'000) + "\"}", "{\"lr\":" + repeated("1", 8'000'000) + "}",
        repeated("x", 8'000'000)}) {
    const std::string path = folder.file("config.json", content);
    const auto read = [](const std::string& p) { read_settings_file(p); };
    EXPECT_NE(loaded_within(settings, path, read), "") << content.substr(0, 20);
    const std::string log = folder.file("metrics.jsonl", content + "\n");
    EXPECT_NE(loaded_within(settings, log, [](const std::string& p) { MetricsLog(p, 9); }), "")
        << content.substr(0, 20);
  }
}

TEST(HostileFiles, VocabulariesTakeMemoryInProportionToTheirFile) {
  const TemporaryFolder folder;
  const std::string specials = "<pad>\n<bos>\n<eos>\n<unk>\n";
  std::string shortest = specials;
  for (int i = 0; i < 300'000; ++i) shortest += fmt::format("{:x}\n", i);
  const auto load = [](const std::string& p) { Vocabulary::load(p); };
  EXPECT_EQ(loaded_within(vocabulary, folder.file("short words", shortest), load), "");
  EXPECT_EQ(loaded_within(vocabulary, folder.file("a long word", specials + repeated("x", 8'000'000) + "\n"), load),
            "");
  for (const std::string& line :
       {repeated("x ", 4'000'000), repeated("\n", 4'000'000), repeated("ᄒ", 2'000'000) + "\xff",
        repeated("e\u0301", 2'000'000), repeated("x", 8'000'000) + "\r"})
    EXPECT_NE(loaded_within(vocabulary, folder.file("source.vocab", specials + line + "\n"), load), "");
  EXPECT_NE(loaded_within(vocabulary, folder.file("source.vocab", repeated("x", 8'000'000)), load), "");
}

TEST(HostileFiles, TablesTakeMemoryInProportionToTheirFile) {
  const TemporaryFolder folder;
  const auto read = [](const std::string& p) { read_pairs(p); };
  const auto loaded = [&](const std::string& content) {
    return loaded_within(table, folder.file("F.csv", content), read);
  };
  const std::string header = "source,target\n";
  EXPECT_EQ(loaded(header + repeated("a,b\n", 1'000'000)), "");
  EXPECT_EQ(loaded(header + repeated("a ", 4'000'000) + "," + repeated("b ", 4'000'000) + "\n"), "");
  EXPECT_NE(loaded(repeated(",", 8'000'000)), "");
  EXPECT_NE(loaded(repeated("a,", 8'000'000)), "");
  EXPECT_NE(loaded(header + repeated(",", 8'000'000)), "");
  EXPECT_NE(loaded(header + repeated("\n", 8'000'000)), "");
  EXPECT_NE(loaded(header + repeated("x", 40'000'000)), "");
  EXPECT_NE(loaded(header + repeated("\"", 8'000'000)), "");
  EXPECT_NE(loaded(header + "\"" + repeated("x", 8'000'000)), "");
  EXPECT_NE(loaded("source,target,alignment\na,b," + repeated("0-0 ", 2'000'000)), "");
  EXPECT_NE(loaded(repeated("n", 8'000'000) + ",target\na,b\n"), "");
}

/// Every link of a sentence of `words` words with its translation; looking at all links for each takes the square.
TEST(HostileFiles, ManyLinksAreReadInLittleTime) {
  const TemporaryFolder folder;
  const auto seconds = [&](int words) {
    std::string text = "source,target,alignment\n" + repeated("a ", words) + "," + repeated("b ", words) + ",";
    for (int i = 0; i < words; ++i)
      for (int j = 0; j < words; ++j) text += fmt::format(" {}-{}", i, j);
    const std::string path = folder.file("links.csv", text + "\n");
    const std::clock_t start = std::clock();
    EXPECT_EQ(read_pairs(path).front().links.size(), static_cast<std::size_t>(words) * static_cast<std::size_t>(words));
    return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  };
  EXPECT_LT(seconds(240) / seconds(60), 64);  // 16 times the links; the square of it would be 256
}

/// A run whose files are changed one byte at a time, or whose settings are set to something outrageous.
struct SmallRun : ToyRun {
  SmallRun() { save_checkpoint(folder.checkpoint(), *model, Adam<float>(model->parameters()), {}); }

  /// Loads the run and its checkpoint within 16 times its files.
  std::string loading() const {
    std::string message;
    const long bytes = static_cast<long>(fs::file_size(folder.model()) + fs::file_size(folder.checkpoint()));
    start_counting();
    try {
      TrainedModel trained = load_run(folder.path.string());
      Adam<float> adam(trained.model->parameters());
      load_checkpoint(folder.checkpoint(), *trained.model, adam);
    } catch (const std::runtime_error& error) {
      message = error.what();
    }
    EXPECT_LE(stop_counting().peak, 16 * bytes + 1'000'000) << message;
    EXPECT_TRUE(message.empty() || message.find(folder.path.string()) != std::string::npos) << message;
    return message;
  }
};

TEST(HostileFiles, SettingsOfARunTakeNoMoreMemoryThanItsModel) {
  SmallRun run;
  EXPECT_EQ(run.loading(), "");
  for_each_setting(run.config, [&](const std::string& name, auto& value, const auto&) {
    if constexpr (std::is_same_v<decltype(value), int&>) {
      const int usual = value;
      for (const int hostile : {1'000, 10'000, 1'000'000, std::numeric_limits<int>::max() / 2 * 2}) {
        value = hostile;
        write_durably(run.folder.config(), to_json(run.config).dump());
        const std::string message = run.loading();
        if (name == "d_model" || name == "layers" || name == "ff") {
          EXPECT_NE(message, "") << name;
        }
      }
      value = usual;
    }
  });
}

TEST(HostileFiles, DamagedRunsAreReadOrRefused) {
  SmallRun run;
  Random random(1);
  for (const std::string& path :
       {run.folder.config(), run.folder.source_vocabulary(), run.folder.model(), run.folder.checkpoint()}) {
    const std::string intact = read_file(path);
    const std::size_t header = std::min<std::size_t>(intact.size(), 12'000);
    for (int round = 0; round < 400; ++round) {
      std::string damaged = intact;
      for (std::uint64_t change = 0, changes = 1 + random.below(4); change < changes; ++change)
        damage(damaged, random.below(random.below(4) == 0 ? damaged.size() : std::min(header, damaged.size())), random);
      std::ofstream(path, std::ios::binary).write(damaged.data(), static_cast<std::streamsize>(damaged.size()));
      run.loading();
    }
    write_durably(path, intact);
  }
  EXPECT_EQ(run.loading(), "");
}

}  // namespace
}  // namespace qkv
