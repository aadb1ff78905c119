#include "train/safetensors.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <limits>
#include <ostream>
#include <stdexcept>

#include "autograd/random.h"

namespace qkv {
namespace {

std::string temporary_path() {
  const auto* test = testing::UnitTest::GetInstance()->current_test_info();
  return testing::TempDir() + "qkv-safetensors-" + test->name() + ".safetensors";
}

/// A file with this header, however wrong, and this many bytes of numbers.
std::string file_of(const std::string& header, std::size_t numbers) {
  const std::uint64_t length = header.size();
  std::string content(8, '\0');
  std::memcpy(content.data(), &length, 8);
  return content + header + std::string(numbers, '\1');
}

std::string one_tensor(const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return R"({"a":{"dtype":)" + dtype + R"(,"shape":)" + shape + R"(,"data_offsets":)" + offsets + "}}";
}

/// What reading this content complains about; "" if it is accepted.
std::string complaint(std::string content) {
  try {
    SafetensorsFile::parse(std::move(content), "model.safetensors");
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "";
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

struct Broken {
  const char* name;
  std::string content;
  const char* complaint;
};

void PrintTo(const Broken& broken, std::ostream* stream) { *stream << broken.name; }

class BrokenSafetensors : public testing::TestWithParam<Broken> {};

TEST_P(BrokenSafetensors, IsRefusedWithItsReason) {
  EXPECT_EQ(complaint(GetParam().content), std::string("model.safetensors: ") + GetParam().complaint);
}

const std::string good = R"("dtype":"F32","shape":[1],"data_offsets":[0,4])";

INSTANTIATE_TEST_SUITE_P(
    Files, BrokenSafetensors,
    testing::Values(
        Broken{"Empty", "", "only 0 bytes, too short for a safetensors file; was it cut short?"},
        Broken{"CutInLength", "1234567", "only 7 bytes, too short for a safetensors file; was it cut short?"},
        Broken{"CutInHeader", file_of(one_tensor("\"F32\"", "[1]", "[0,4]"), 4).substr(0, 30),
               "says its header is 54 bytes long, but only 22 bytes follow; was it cut short?"},
        Broken{
            "HeaderTooLong", std::string(8, '\x7f') + "{}",
            "says its header is 9187201950435737471 bytes long, more than the 100000000 allowed; is it a safetensors "
            "file?"},
        Broken{"CutInNumbers", file_of(one_tensor("\"F32\"", "[2]", "[0,8]"), 7),
               "tensor 'a': its offsets [0, 8] lie outside the 7 bytes of numbers; was the file cut short?"},
        Broken{"NotJson", file_of(R"({"a":)", 0),
               "the header is not valid JSON at its byte 6: syntax error while parsing value - unexpected end of "
               "input; expected '[', '{', or a literal"},
        Broken{"AfterTheJson", file_of("{} {}", 0),
               "the header is not valid JSON at its byte 4: syntax error while parsing value - unexpected '{'; "
               "expected end of input"},
        Broken{"NotUtf8", file_of("{\"\xff\":1}", 0),
               "the header is not valid JSON at its byte 3: syntax error while parsing object key - invalid string: "
               "ill-formed UTF-8 byte"},
        Broken{"NotAnObject", file_of("[]", 0), "the header does not begin with '{'; is it a safetensors file?"},
        Broken{"NoHeader", file_of("", 0), "the header does not begin with '{'; is it a safetensors file?"},
        Broken{"SameNameTwice", file_of(R"({"a":{)" + good + R"(},"a":{)" + good + "}}", 4),
               "the header is not valid JSON at its byte 57: \"a\" occurs twice"},
        Broken{"SameFieldTwice", file_of(R"({"a":{"dtype":"I32",)" + good + "}}", 4),
               "the header is not valid JSON at its byte 27: \"dtype\" occurs twice in \"a\""},
        Broken{"TensorNotAnObject", file_of(R"({"a":3})", 0), "tensor 'a': not an object"},
        Broken{"NoDtype", file_of(R"({"a":{"shape":[1],"data_offsets":[0,4]}})", 4), "tensor 'a': no 'dtype'"},
        Broken{"NoShape", file_of(R"({"a":{"dtype":"F32","data_offsets":[0,4]}})", 4), "tensor 'a': no 'shape'"},
        Broken{"NoOffsets", file_of(R"({"a":{"dtype":"F32","shape":[1]}})", 4), "tensor 'a': no 'data_offsets'"},
        Broken{"UnknownField", file_of(R"({"a":{"scale":1,)" + good + "}}", 4), "tensor 'a': unknown field 'scale'"},
        Broken{"DtypeNotAString", file_of(one_tensor("32", "[1]", "[0,4]"), 4), "tensor 'a': dtype is not a string"},
        Broken{"UnknownDtype", file_of(one_tensor("\"BF16\"", "[2]", "[0,4]"), 4),
               "tensor 'a': dtype 'BF16' is not one of F32, F64, I32, I64"},
        Broken{"ShapeNotAList", file_of(one_tensor("\"F32\"", "1", "[0,4]"), 4), "tensor 'a': shape is not a list"},
        Broken{"NegativeSize", file_of(one_tensor("\"F32\"", "[1,-1]", "[0,4]"), 4),
               "tensor 'a': the shape holds -1, which is no size from 0"},
        Broken{"FractionalSize", file_of(one_tensor("\"F32\"", "[1.0]", "[0,4]"), 4),
               "tensor 'a': the shape holds 1.0, which is no size from 0"},
        Broken{"SizeBeyond63Bits", file_of(one_tensor("\"F32\"", "[9223372036854775808]", "[0,4]"), 4),
               "tensor 'a': the shape holds 9223372036854775808, which is no size from 0"},
        Broken{"ShapeOverflows", file_of(one_tensor("\"F32\"", "[4294967296,4294967296]", "[0,0]"), 0),
               "tensor 'a': shape [4294967296, 4294967296] is too large"},
        Broken{"SizeDoesNotFit", file_of(one_tensor("\"F64\"", "[2,3]", "[0,24]"), 24),
               "tensor 'a': F64 [2, 3] needs 48 bytes, but its offsets [0, 24] hold 24"},
        Broken{"ScalarDoesNotFit", file_of(one_tensor("\"F64\"", "[]", "[0,4]"), 4),
               "tensor 'a': F64 [] needs 8 bytes, but its offsets [0, 4] hold 4"},
        Broken{"OneOffset", file_of(one_tensor("\"F32\"", "[1]", "[4]"), 4),
               "tensor 'a': data_offsets is not a list of two places from 0"},
        Broken{"NegativeOffset", file_of(one_tensor("\"F32\"", "[1]", "[-4,0]"), 4),
               "tensor 'a': data_offsets is not a list of two places from 0"},
        Broken{"OffsetsBackwards", file_of(one_tensor("\"F32\"", "[1]", "[4,0]"), 4),
               "tensor 'a': its offsets [4, 0] end before they begin"},
        Broken{"Overlap", file_of(R"({"b":{)" + good + R"(},"a":{"dtype":"I32","shape":[2],"data_offsets":[0,8]}})", 8),
               "tensor 'a' overlaps 'b': it begins at 0, before 4"},
        Broken{"Hole", file_of(R"({"b":{)" + good + R"(},"a":{"dtype":"I32","shape":[1],"data_offsets":[8,12]}})", 12),
               "bytes 4 to 8 before tensor 'a' belong to none"},
        Broken{"HoleAtTheEnd", file_of(one_tensor("\"F32\"", "[1]", "[0,4]"), 9),
               "the last 5 bytes, after tensor 'a', belong to no tensor"},
        Broken{"OnlyAHole", file_of("{}", 5), "the last 5 bytes belong to no tensor"},
        Broken{"NoName", file_of(R"({"":{)" + good + "}}", 4), "a tensor has no name"},
        Broken{"ShapeOfLists", file_of(one_tensor("\"F32\"", "[[1,2],3]", "[0,4]"), 4),
               "tensor 'a': the shape holds a list, which is no size from 0"},
        Broken{"TooManyDimensions",
               file_of(one_tensor(
                           "\"F32\"",
                           "[1" +
                               [] {
                                 std::string more;
                                 for (int i = 0; i < 64; ++i) more += ",1";
                                 return more;
                               }() +
                               "]",
                           "[0,4]"),
                       4),
               "tensor 'a': its shape has 65 dimensions, more than the 64 allowed"},
        Broken{"DeepShape",
               file_of(one_tensor("\"F32\"", std::string(200'000, '[') + std::string(200'000, ']'), "[0,4]"), 4),
               "the header is not valid JSON at its byte 43: lists and objects inside each other more than 16 deep"},
        Broken{"DeepMetadata", file_of("{\"__metadata__\":" + std::string(200'000, '['), 0),
               "the header is not valid JSON at its byte 32: lists and objects inside each other more than 16 deep"},
        Broken{"MetadataNotAnObject", file_of(R"({"__metadata__":[]})", 0), "__metadata__ is not an object"},
        Broken{"MetadataNotText", file_of(R"({"__metadata__":{"step":3}})", 0),
               "__metadata__: 'step' is not a string"}),
    [](const auto& parameter) { return parameter.param.name; });

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
  const std::string_view likely("{}[],:\"0123456789-.eF64I32 \0\xff", 29);
  for (int round = 0; round < 20'000; ++round) {
    std::string damaged = intact;
    for (std::uint64_t change = 0, changes = 1 + random.below(6); change < changes; ++change) {
      const std::size_t place = random.below(damaged.size());
      switch (random.below(3)) {
        case 0:
          damaged[place] = likely[random.below(likely.size())];
          break;
        case 1:
          damaged.insert(place, 1, likely[random.below(likely.size())]);
          break;
        default:
          damaged.erase(place, 1 + random.below(4));
          break;
      }
    }
    read_all(std::move(damaged));
  }
}

}  // namespace
}  // namespace qkv
