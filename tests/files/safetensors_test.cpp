#include "qkv/files/safetensors.h"

#include <cmath>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <gtest/gtest.h>
#include <limits>
#include <stdexcept>

#include "qkv/autograd/random.h"
#include "tests/files/damage.h"
#include "tests/files/file_of_header.h"

namespace qkv {
namespace {

std::string temporary_path() {
  const auto* test = testing::UnitTest::GetInstance()->current_test_info();
  return testing::TempDir() + "qkv-safetensors-" + test->name() + ".safetensors";
}

template <class T>
std::span<const T> view(const std::vector<T>& values) {
  return values;
}

struct Example {
  std::vector<float> weight{1.5F, -0.0F, std::numeric_limits<float>::infinity(), 3e-45F, 1e30F, -2.0F};
  std::vector<double> bias{0.1, -1e-300, std::numeric_limits<double>::quiet_NaN()};
  std::vector<std::int32_t> ids{INT32_MIN, 0, INT32_MAX};
  std::vector<std::int64_t> step{(std::int64_t{1} << 62) + 1};
  std::vector<float> nothing;
  std::vector<StoredTensor> tensors{
      StoredTensor::of("weight", {2, 3}, view(weight)), StoredTensor::of("nothing", {0, 4}, view(nothing)),
      StoredTensor::of("empty", {0}, view(nothing)),    StoredTensor::of("bias", {3}, view(bias)),
      StoredTensor::of("ids", {3, 1}, view(ids)),       StoredTensor::of("단어 \"step\"", {}, view(step))};
};

TEST(Safetensors, RoundTripKeepsEveryBitOrderShapeAndMetadata) {
  const Example example;
  const std::map<std::string, std::string> metadata{{"version", "0.1.0"}, {"말", "한국어\n"}};
  write_safetensors(temporary_path(), example.tensors, metadata);
  const SafetensorsFile file = SafetensorsFile::read(temporary_path());
  EXPECT_EQ(file.metadata(), metadata);
  ASSERT_EQ(file.tensors().size(), example.tensors.size());
  for (std::size_t i = 0; i < example.tensors.size(); ++i) {
    EXPECT_EQ(file.tensors()[i].name, example.tensors[i].name);
    EXPECT_EQ(file.tensors()[i].dtype, example.tensors[i].dtype);
    EXPECT_EQ(file.tensors()[i].shape, example.tensors[i].shape);
    EXPECT_EQ(file.tensors()[i].bytes, example.tensors[i].bytes);
  }
  EXPECT_EQ(file.tensor("weight").as<float>(), example.weight);
  EXPECT_EQ(file.tensor("ids").as<std::int32_t>(), example.ids);
  EXPECT_EQ(file.tensor("단어 \"step\"").as<std::int64_t>(), example.step);
  EXPECT_EQ(file.tensor("단어 \"step\"").count(), 1U);
  EXPECT_EQ(file.tensor("nothing").count(), 0U);
  EXPECT_TRUE(file.tensor("nothing").as<float>().empty());
  EXPECT_TRUE(std::isnan(file.tensor("bias").as<double>()[2]));
}

TEST(Safetensors, NumbersStartOnEightBytes) {
  for (const std::string& name :
       std::vector<std::string>{"a", "ab", "abc", "abcd", "abcde", "abcdef", "abcdefg", "abcdefgh"}) {
    const std::vector<float> values{1.0F};
    write_safetensors(temporary_path(), std::vector{StoredTensor::of(name, {1}, view(values))});
    EXPECT_EQ((std::filesystem::file_size(temporary_path()) - sizeof(float)) % 8, 0U) << name;
  }
}

TEST(Safetensors, NoTensorsAtAll) {
  write_safetensors(temporary_path(), {});
  EXPECT_TRUE(SafetensorsFile::read(temporary_path()).tensors().empty());
}

TEST(Safetensors, CopiesAndMovesKeepTheNumbersAlive) {
  const Example example;
  write_safetensors(temporary_path(), example.tensors);
  SafetensorsFile first = SafetensorsFile::read(temporary_path());
  const SafetensorsFile copy = first;
  first = SafetensorsFile::parse(file_of("{}", 0), "other");
  EXPECT_EQ(copy.tensor("weight").as<float>(), example.weight);
}

TEST(Safetensors, ConvertsRealsEitherWayAndIntegersOnlyToWider) {
  const Example example;
  const std::vector<StoredTensor>& tensors = example.tensors;
  EXPECT_EQ(tensors[0].as<double>()[0], 1.5);
  EXPECT_EQ(tensors[3].as<float>()[0], 0.1F);
  EXPECT_EQ(tensors[4].as<std::int64_t>()[0], INT32_MIN);
  EXPECT_THROW(tensors[5].as<std::int32_t>(), std::invalid_argument);
  EXPECT_THROW(tensors[5].as<double>(), std::invalid_argument);
  EXPECT_THROW(tensors[4].as<float>(), std::invalid_argument);
  EXPECT_THROW(tensors[0].as<std::int64_t>(), std::invalid_argument);
}

TEST(Safetensors, ReadsWhatTheReferenceImplementationWrote) {
  const SafetensorsFile file = SafetensorsFile::read(QKV_SOURCE_DIR "/tests/reference/safetensors.safetensors");
  EXPECT_EQ(file.metadata(), (std::map<std::string, std::string>{{"말", "한국어"}}));
  EXPECT_EQ(file.tensors().size(), 6U);
  const StoredTensor& weight = file.tensor("encoder.weight");
  EXPECT_EQ(weight.shape, (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(weight.as<float>(),
            (std::vector<float>{1.5F, -2.25F, 3e-8F, std::numeric_limits<float>::infinity(), -0.0F, 1e30F}));
  EXPECT_TRUE(std::signbit(weight.as<float>()[4]));
  EXPECT_EQ(file.tensor("encoder.bias").as<double>(), (std::vector<double>{0.1, -1e-300}));
  EXPECT_EQ(file.tensor("ids").as<std::int32_t>(), (std::vector<std::int32_t>{INT32_MIN, 0, INT32_MAX}));
  EXPECT_EQ(file.tensor("step").as<std::int64_t>(), (std::vector<std::int64_t>{(std::int64_t{1} << 62) + 1}));
  EXPECT_TRUE(file.tensor("step").shape.empty());
  EXPECT_EQ(file.tensor("nothing").shape, (std::vector<std::int64_t>{0, 4}));
  EXPECT_EQ(file.tensor("단어").as<std::int32_t>(), std::vector<std::int32_t>{7});
}

TEST(Safetensors, AMissingTensorSuggestsTheNearestName) {
  const Example example;
  write_safetensors(temporary_path(), example.tensors);
  const SafetensorsFile file = SafetensorsFile::read(temporary_path());
  EXPECT_TRUE(file.contains("weight"));
  EXPECT_FALSE(file.contains("wieght"));
  try {
    file.tensor("wieght");
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_EQ(error.what(), temporary_path() + ": no tensor 'wieght'; the nearest name is 'weight'");
  }
}

TEST(Safetensors, ManyTensorsAreReadFoundAndWrittenInLittleTime) {
  const auto seconds = [](int count) {
    std::string header = "{";
    for (int i = 0; i < count; ++i)
      header +=
          fmt::format(R"({}"tensor {}":{{"dtype":"F32","shape":[0],"data_offsets":[0,0]}})", i == 0 ? "" : ",", i);
    header += "}";
    const std::clock_t start = std::clock();
    const SafetensorsFile file = SafetensorsFile::parse(file_of(header, 0), "many");
    write_safetensors(temporary_path(), file.tensors());
    for (int i = 0; i < count; ++i) EXPECT_EQ(file.tensor(fmt::format("tensor {}", i)).count(), 0U);
    return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  };
  EXPECT_LT(seconds(40'000) / seconds(5'000), 24);  // 8 for linear time; looking at all for each: 64
}

TEST(Safetensors, AFileThatCannotBeReadIsNamed) {
  for (const std::string& path : {testing::TempDir() + "qkv-there-is-no-such-file", testing::TempDir()}) {
    try {
      SafetensorsFile::read(path);
      FAIL();
    } catch (const std::runtime_error& error) {
      EXPECT_TRUE(std::string(error.what()).starts_with(path + ": ")) << error.what();
    }
  }
}

TEST(Safetensors, RefusesToWriteWhatItCouldNotRead) {
  const std::vector<float> values{1.0F, 2.0F};
  const auto writing = [](std::vector<StoredTensor> tensors) {
    try {
      write_safetensors(temporary_path(), tensors);
    } catch (const std::invalid_argument& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  std::filesystem::remove(temporary_path());
  const auto named = [&](std::string name) { return StoredTensor::of(std::move(name), {2}, view(values)); };
  EXPECT_EQ(writing({named("a"), named("a")}), "write_safetensors: two tensors are named 'a'");
  EXPECT_EQ(writing({named("")}), "write_safetensors: a tensor has no name");
  EXPECT_EQ(writing({named("__metadata__")}), "write_safetensors: no tensor may be named '__metadata__'");
  EXPECT_EQ(writing({named("\xff")}), "write_safetensors: a name or the metadata is not UTF-8");
  EXPECT_EQ(writing({StoredTensor::of("a", {3}, view(values))}),
            "write_safetensors: tensor 'a': F32 [3] does not fit 8 bytes");
  EXPECT_EQ(writing({StoredTensor::of("a", {-2}, view(values))}),
            "write_safetensors: tensor 'a': F32 [-2] does not fit 8 bytes");
  EXPECT_FALSE(std::filesystem::exists(temporary_path()));
}

/// Whatever happens to a file on its way, reading it gives tensors or an error, never a crash. The sanitised build
/// turns a read outside the file into a failure here.
TEST(Safetensors, DamagedFilesAreReadOrRefused) {
  const Example example;
  write_safetensors(temporary_path(), example.tensors, {{"version", "0.1.0"}});
  std::ifstream stream(temporary_path(), std::ios::binary);
  const std::string intact(std::istreambuf_iterator<char>(stream), {});
  const auto read_all = [](std::string content) {
    try {
      const SafetensorsFile file = SafetensorsFile::parse(std::move(content), "damaged");
      std::size_t bytes = 0;
      for (const StoredTensor& tensor : file.tensors()) bytes += std::string(tensor.bytes).size();
      return bytes > 0;
    } catch (const std::runtime_error&) {
      return false;
    }
  };
  ASSERT_TRUE(read_all(intact));
  for (std::size_t length = 0; length < intact.size(); ++length) {
    EXPECT_FALSE(read_all(intact.substr(0, length))) << "cut to " << length << " bytes";
  }
  for (std::size_t place = 0; place < intact.size(); ++place) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = intact;
      damaged[place] = static_cast<char>(damaged[place] ^ (1 << bit));
      read_all(std::move(damaged));
    }
  }
  Random random(1);
  for (int round = 0; round < 20'000; ++round) {
    std::string damaged = intact;
    for (std::uint64_t change = 0, changes = 1 + random.below(6); change < changes; ++change)
      damage(damaged, random.below(damaged.size()), random);
    read_all(std::move(damaged));
  }
}

}  // namespace
}  // namespace qkv
